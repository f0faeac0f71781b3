"""The fit of a run: done once, whatever asks for it and however often it is killed."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from experiments.records.staleness import changes
from experiments.running.progress import Teller
from experiments.running.provenance import code
from experiments.specs.run import Run
from samtailor.adapters.io import load_adapter, read_card
from samtailor.bases.base import Base
from samtailor.data import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.fit import fit_task
from samtailor.fitting.loop import COLLAPSE
from samtailor.fitting.state import read_state
from samtailor.machine.files import write_json

__all__ = ["fit_facts", "fit_once", "is_fitted", "set_aside", "stale"]

_ORIGIN = "experiment.json"  # what the folder is, and which code fitted it


def is_fitted(folder: Path) -> bool:
    """Whether the folder holds an adapter whose fit ended well."""
    if not (folder / "adapter.json").is_file():
        return False
    ended = str(read_card(folder)["fit"]["ended"])
    return bool(ended) and not ended.startswith(COLLAPSE)


def stale(run: Run, folder: Path) -> list[str]:
    """What differs between the fit in the folder, be it finished, killed or collapsed, and what the run means now."""
    if (folder / "adapter.json").is_file():
        fit = read_card(folder)["fit"]
        return changes({"config": fit["settings"], **fit}, run)
    if state := read_state(folder):
        return changes({"config": state.context["config"], "peak_rate": state.context["peak rate"]}, run)
    return []


def set_aside(run: Run, folder: Path) -> str:
    """Rename the folder if its fit is not what the run means now; what was said and done, empty for nothing.

    A default that changed changes no name, and an adapter fitted before it would be taken for one fitted after.
    """
    found = stale(run, folder)
    if not found:
        return ""
    names = (folder.with_name(f"{folder.name}.before{n}") for n in itertools.count(1))
    place = next(p for p in names if not p.exists())
    folder.rename(place)
    return f"set aside as {place.name}: it was fitted with {'; '.join(found)}"


def fit_once(run: Run, task: Task, base: Base, folder: Path, cache: EmbeddingCache, teller: Teller) -> None:
    """Fit, or go on with a killed fit.

    Raises:
        SamtailorError: as ``fit_task``; a collapse is one each time.
    """
    known = _origin(folder)
    if code() not in known["code"]:
        write_json(folder / _ORIGIN, {"settings": run.settings, "code": [*known["code"], code()]})
    fit_task(task, base, folder, run.fit_config(), cache=cache, resume=True, reporter=teller, encoding=teller.encoding)


def _origin(folder: Path) -> dict[str, Any]:
    path = folder / _ORIGIN
    return dict(json.loads(path.read_text())) if path.is_file() else {"code": []}


def fit_facts(run: Run, base: Base, folder: Path) -> dict[str, Any]:
    """What a line says of a fit; ``trained`` parameters may be more than those ``kept`` for use."""
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
