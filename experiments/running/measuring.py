"""Take the measures of a run; each is taken once and kept as a file."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from experiments.records.instances import instances_folder, write_instances
from experiments.running.progress import Teller
from experiments.running.provenance import code_version
from experiments.specs.run import Measure
from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base
from samtailor.data import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.evaluation.measure import measure
from samtailor.evaluation.questions import Questions
from samtailor.machine.files import write_json

__all__ = ["kept_measure", "take"]


def _file(folder: Path, measure_id: str) -> Path:
    return folder / "measures" / f"{measure_id}.json"


def kept_measure(folder: Path, asked: Measure, results: Path) -> dict[str, Any] | None:
    """Read the result of an earlier ``take``; None without one, or if its scores of single instances are missing."""
    path = _file(folder, asked.id)
    if not path.is_file():
        return None
    result = dict(json.loads(path.read_text()))
    return result if (instances_folder(results) / str(result.get("instances"))).is_file() else None


def take(
    asked: Measure,
    task: Task,
    base: Base,
    adapter: Adapter | None,
    folder: Path,
    results: Path,
    cache: EmbeddingCache,
    teller: Teller,
) -> dict[str, Any]:
    """Take one measure and keep its result in ``folder``.

    With an adapter, the base is scored only in the study of prompt sensitivity: the base is a run of its own, with the
    same prompts. An interrupted measure continues from the library's files in ``studies``; ``seconds`` is then the time
    of the last part.

    Args:
        asked: the measure.
        task: the task to evaluate.
        base: the frozen model.
        adapter: the adapter to evaluate; None: the base alone.
        folder: the run's folder.
        results: the folder of lines; scores of single instances are written below it.
        cache: the cache of embeddings.
        teller: receives the progress.

    Raises:
        SamtailorError: from ``samtailor.evaluation.measure``.
    """
    questions = Questions(
        split=asked["split"],
        prompts=asked["prompt"],
        per_instance=asked["prompts_per_instance"],
        seed=asked["seed"],
        class_map=tuple(asked["class_map"]),
        sensitivity=asked["sensitivity"],
        base_rows=adapter is None,
    )
    began = time.perf_counter()
    found = measure(
        AdaptedModel.of(base, adapter, cache),
        task,
        questions,
        keep=folder / "studies",
        progress=teller,
    )
    seconds = round(time.perf_counter() - began, 1)
    stem = f"{folder.name}-{asked.id}"
    instances = write_instances(instances_folder(results), stem, found.evaluation.instances)
    result = {"id": asked.id, "title": asked.title, "settings": asked.settings, **found.found}
    result |= {"seconds": seconds, "code": code_version(), "instances": instances}
    write_json(_file(folder, asked.id), result)  # last, so that its instances exist
    return dict(json.loads(_file(folder, asked.id).read_text()))
