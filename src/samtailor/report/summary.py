"""Say what a run folder holds: a finished adapter or an unfinished fit, its scores and files, and how to go on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from samtailor.adapters.unfinished import resume_line
from samtailor.errors import SamtailorError
from samtailor.evaluation.results import EvaluationSummary
from samtailor.evaluation.results_json import read_results
from samtailor.fitting.state import FitState, read_state
from samtailor.machine.files import as_json
from samtailor.report.content_json import read_report
from samtailor.runs import Run

__all__ = ["RunSummary", "summarise_run"]


@dataclass(frozen=True)
class RunSummary:
    """What a run folder holds. Texts are empty and numbers None where the folder does not say.

    Attributes:
        folder: the run folder.
        state: "finished", "unfinished" (the fit was stopped and can go on) or "adapter" (without a fit's state).
        base: name of the base.
        method: name of the method.
        parameters: number of trained parameters.
        task: name of the task.
        task_path: where it was.
        task_there: whether it still is there.
        only: the one class of the fit; empty for all.
        settings: settings of the fit by name.
        steps: steps done.
        best_step: step of the best adapter; 0 if nothing beat the base.
        beats_base: whether the adapter beat the base in validation; None if unknown.
        validation: "base" and "adapted" -> val mIoU.
        ended: why the fit ended.
        seconds: time of the fit.
        created: when it was written.
        scores: what `evaluate` or `report` measured and left in the folder: source file -> summary.
        files: file name -> bytes.
        next_command: the command that continues an unfinished fit, or measures a finished one.
    """

    folder: Path
    state: str
    base: str = ""
    method: str = ""
    parameters: int | None = None
    task: str = ""
    task_path: str = ""
    task_there: bool = False
    only: str = ""
    settings: Mapping[str, Any] | None = None
    steps: int | None = None
    best_step: int | None = None
    beats_base: bool | None = None
    validation: Mapping[str, float] | None = None
    ended: str = ""
    seconds: float | None = None
    created: str = ""
    scores: Mapping[str, EvaluationSummary] | None = None
    files: Mapping[str, int] | None = None
    next_command: str = ""

    @property
    def budget(self) -> str:
        """The budget of the fit in words, such as ``15 minutes``."""
        kinds = ("minutes", "epochs", "steps")
        return ", ".join(f"{self.settings[k]:g} {k}" for k in kinds if self.settings and self.settings.get(k))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        plain = asdict(self) | {"folder": str(self.folder), "budget": self.budget}
        rows = {
            name: {row.name: row.miou.value for row in summary.rows}
            | {"split": summary.split, "images": summary.images}
            for name, summary in (self.scores or {}).items()
        }
        return dict(json.loads(as_json(plain | {"scores": rows})))


def summarise_run(folder: str | Path) -> RunSummary:
    """Read what a run folder holds, without loading a model.

    Raises:
        SamtailorError: there is no such folder, or it holds no run.
    """
    run = Run.of(folder)
    if run.card_file.is_file():
        return _of_card(run, run.card(), read_state(run))
    state = read_state(run) if run.folder.is_dir() else None
    if state is None:
        what = "does not exist" if not run.folder.exists() else "holds no run: neither an adapter nor a fit's state"
        raise SamtailorError(f"{run.folder} {what}.", "Give the folder that `samtailor fit --out` wrote.")
    return _of_state(run, state)


def _of_card(run: Run, card: Mapping[str, Any], state: FitState | None) -> RunSummary:
    fit, validation, task = (_part(card, key) for key in ("fit", "validation", "task"))
    goes_on = state is not None and not state.finished
    rest = _common(run)
    only = str(task.get("only") or "")
    return RunSummary(
        folder=run.folder,
        state="unfinished" if goes_on else "finished" if fit else "adapter",
        base=str(card["base"]["name"]),
        method=str(card["method"]),
        parameters=card.get("parameters") if isinstance(card.get("parameters"), int) else None,
        task=str(task.get("name") or ""),
        only=only,
        settings=_part(fit, "settings"),
        steps=state.step if state is not None and goes_on else fit.get("steps"),
        best_step=fit.get("best_step"),
        beats_base=validation.get("beats_base"),
        validation={k: v["miou"] for k, v in validation.items() if isinstance(v, Mapping) and "miou" in v},
        ended="" if goes_on else str(fit.get("ended") or ""),
        seconds=card.get("seconds"),
        created=str(card.get("created") or ""),
        next_command=resume_line(run.folder) if goes_on else f"samtailor report {shlex.quote(str(run.folder))}",
        **rest,
    )


def _of_state(run: Run, state: FitState) -> RunSummary:
    settings, rest = _part(state.context, "config"), _common(run)
    only, base = str(state.context.get("class") or ""), str(_source(run).get("base") or "")
    return RunSummary(
        folder=run.folder,
        state="unfinished",
        base=base,
        method=str(settings.get("method") or ""),
        task=str(state.context.get("task") or ""),
        only=only,
        settings=settings,
        steps=state.step,
        best_step=state.best_step,
        beats_base=state.beats_base if state.base and state.best else None,
        validation={k: v["miou"] for k, v in (("base", state.base), ("adapted", state.best)) if "miou" in v},
        ended=state.finished,
        seconds=state.elapsed,
        next_command=resume_line(run.folder),
        **rest,
    )


def _common(run: Run) -> dict[str, Any]:
    path = str(_part(_source(run), "task").get("path") or "")
    scores = {}
    for file, read in ((run.report_figures, lambda c: read_report(c).results), (run.evaluation, read_results)):
        try:
            scores[file.name] = read(json.loads(file.read_text())).evaluation
        except (OSError, ValueError, SamtailorError):  # absent, or not ours
            continue
    files = {p.name: p.stat().st_size for p in sorted(run.folder.iterdir()) if p.is_file() and p.name[0] != "."}
    there = path == "sample" or (bool(path) and Path(path).exists())
    return {"task_path": path, "task_there": there, "scores": scores, "files": files}


def _source(run: Run) -> Mapping[str, Any]:
    try:
        content = json.loads(run.source_file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, Mapping) else {}


def _part(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    part = content.get(key)
    return dict(part) if isinstance(part, Mapping) else {}
