"""Fit a run once, even if several configs need it or it was interrupted."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from experiments.records.staleness import changed_settings
from experiments.running.progress import ProgressLog
from experiments.running.provenance import code_version
from experiments.specs.run import Run
from samtailor.adapters.io import INTERRUPTED, load_adapter, read_card
from samtailor.bases.base import Base
from samtailor.data import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.fit import fit_task
from samtailor.fitting.loop import COLLAPSE
from samtailor.fitting.state import read_state
from samtailor.machine.files import write_json
from samtailor.runs import Run as RunFolder

__all__ = ["changes_since_fit", "fit_facts", "fit_once", "is_fitted", "set_aside"]

_ORIGIN = "experiment.json"  # the settings of the run, and the code versions that fitted it


def is_fitted(folder: Path) -> bool:
    """Whether the folder has an adapter whose fit ended, neither collapsed nor interrupted."""
    if not RunFolder(folder).card_file.is_file():
        return False
    ended = str(read_card(folder)["fit"]["ended"])
    return bool(ended) and not ended.startswith((COLLAPSE, INTERRUPTED))


def changes_since_fit(run: Run, folder: Path) -> list[str]:
    """List the settings of the fit in the folder that differ from the run's today.

    The fit may be finished, interrupted or collapsed.
    """
    if RunFolder(folder).card_file.is_file():
        fit = read_card(folder)["fit"]
        return changed_settings({"config": fit["settings"], **fit}, run)
    if state := read_state(RunFolder(folder)):
        return changed_settings({"config": state.context["config"], "peak_rate": state.context["peak rate"]}, run)
    return []


def set_aside(run: Run, folder: Path) -> str:
    """Rename the folder if its fit has other settings than the run has today.

    The name of a folder does not change with a default, so an adapter fitted with the old default would be used.

    Returns:
        A message; empty if nothing was renamed.
    """
    changes = changes_since_fit(run, folder)
    if not changes:
        return ""
    candidates = (folder.with_name(f"{folder.name}.before{n}") for n in itertools.count(1))
    free = next(path for path in candidates if not path.exists())
    folder.rename(free)
    return f"set aside as {free.name}: it was fitted with {'; '.join(changes)}"


def fit_once(run: Run, task: Task, base: Base, folder: Path, cache: EmbeddingCache, progress: ProgressLog) -> None:
    """Fit a run, or continue an interrupted fit.

    Raises:
        SamtailorError: from ``fit_task``; a collapsed fit collapses again.
    """
    origin = _origin(folder)
    if code_version() not in origin["code"]:
        write_json(folder / _ORIGIN, {"settings": run.settings, "code": [*origin["code"], code_version()]})
    fit_task(task, base, folder, run.fit_config(), cache=cache, resume=True, progress=progress)


def _origin(folder: Path) -> dict[str, Any]:
    path = folder / _ORIGIN
    return dict(json.loads(path.read_text())) if path.is_file() else {"code": []}


def fit_facts(run: Run, base: Base, folder: Path) -> dict[str, Any]:
    """Facts about a fit for its line; more parameters may be ``trained`` than ``kept`` in the adapter's file."""
    card = read_card(folder)
    fit = card["fit"]
    trained = sum(p.numel() for p in load_adapter(folder, base).owned_parameters().values())
    return {
        "config": fit["settings"],
        "options": fit.get("options"),
        "code": _origin(folder)["code"],
        "seconds": card["seconds"],
        "steps": fit["steps"],
        "best_step": fit["best_step"],
        "ended": fit["ended"],
        "peak_rate": fit.get("peak_rate"),
        "backoffs": fit.get("backoffs"),
        "val": card["validation"],
        "parameters": {"trained": trained, "kept": card["parameters"]},
    }
