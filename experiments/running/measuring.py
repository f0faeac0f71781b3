"""Take the measures of a run; each is taken once and kept as a file."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from experiments.records.instances import instances_folder, write_instances
from experiments.running.progress import ProgressLog
from experiments.running.provenance import code_version
from experiments.specs.run import Measure
from samtailor.adapters.answer import AdaptedModel
from samtailor.data import Task
from samtailor.evaluation.measure import measure
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.results_json import to_json
from samtailor.machine.files import write_json

__all__ = ["kept_measure", "take_measure"]


def _file(folder: Path, measure_id: str) -> Path:
    return folder / "measures" / f"{measure_id}.json"


def kept_measure(folder: Path, spec: Measure, results: Path) -> dict[str, Any] | None:
    """Read a kept result; None if there is none, or if its scores of single instances are missing."""
    path = _file(folder, spec.id)
    if not path.is_file():
        return None
    result = dict(json.loads(path.read_text()))
    return result if (instances_folder(results) / str(result.get("instances"))).is_file() else None


def take_measure(
    spec: Measure, model: AdaptedModel, task: Task, folder: Path, results: Path, progress: ProgressLog
) -> dict[str, Any]:
    """Take one measure and keep its result in ``folder``.

    With an adapter, the base is scored only in the study of prompt sensitivity: the base is a run of its own, with the
    same prompts. An interrupted measure continues from the library's files in ``studies``; ``seconds`` is then the time
    of the last part.

    Args:
        spec: the settings of the measure.
        model: the base, with the adapter to evaluate or without.
        task: the task to evaluate.
        folder: the run's folder.
        results: the folder of lines; scores of single instances are written below it.
        progress: shows the progress.

    Raises:
        SamtailorError: from ``samtailor.evaluation.measure``.
    """
    questions = Questions(
        split=spec["split"],
        prompts=spec["prompt"],
        per_instance=spec["prompts_per_instance"],
        seed=spec["seed"],
        class_map=tuple(spec["class_map"]),
        sensitivity=spec["sensitivity"],
        base_rows=model.adapter is None,
        clicks=spec["clicks"],
        instances=spec["instances"],
    )
    began = time.perf_counter()
    found = measure(
        model,
        task,
        questions,
        keep=folder / "studies",
        progress=progress,
    )
    seconds = round(time.perf_counter() - began, 1)
    stem = f"{folder.name}-{spec.id}"
    instances = write_instances(instances_folder(results), stem, found.evaluation.instances)
    result = {"id": spec.id, "title": spec.title, "settings": spec.settings, **to_json(found.results)}
    result |= {"seconds": seconds, "code": code_version(), "instances": instances}
    write_json(_file(folder, spec.id), result)  # last, so that its instances exist
    return dict(json.loads(_file(folder, spec.id).read_text()))
