"""A run: the folder that ``fit`` writes, with its adapter, its metrics and what was measured about it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import CARD_FILE, WEIGHTS_FILE, adapter_folder, base_of, load_adapter, read_card
from samtailor.adapters.unfinished import SOURCE_FILE, STATE_FILE
from samtailor.bases.base import Base
from samtailor.bases.registry import DEFAULT_BASE
from samtailor.data.load import load_task
from samtailor.data.task import Task
from samtailor.errors import DataError, FitError
from samtailor.machine.arguments import AnyPath
from samtailor.machine.files import append_json, flush, write_atomically, write_json

__all__ = ["Run", "base_name_of", "same_task"]


@dataclass(frozen=True)
class Run:
    """A run folder. Every file name in it is written here.

    Attributes:
        folder: the folder; it need not exist yet.
    """

    folder: Path

    @classmethod
    def of(cls, run: Run | AnyPath, name: str = "run") -> Run:
        """Return a run; a path is its folder, or a file in it.

        Args:
            run: a run, or a path.
            name: of the argument, for the error.

        Raises:
            ArgumentError: it is neither.
        """
        return run if isinstance(run, Run) else cls(adapter_folder(run, name))

    def __fspath__(self) -> str:
        return str(self.folder)

    @property
    def weights(self) -> Path:
        """The adapter's parameters."""
        return self.folder / WEIGHTS_FILE

    @property
    def card_file(self) -> Path:
        """What the adapter is and for which base."""
        return self.folder / CARD_FILE

    @property
    def state(self) -> Path:
        """What a killed fit needs to continue."""
        return self.folder / STATE_FILE

    @property
    def log(self) -> Path:
        """One JSON line per training step and per validation."""
        return self.folder / "metrics.jsonl"

    @property
    def curve(self) -> Path:
        """The training curve as a picture."""
        return self.folder / "curve.png"

    @property
    def preview(self) -> Path:
        """Some images of the task with their masks, as they were read."""
        return self.folder / "preview.png"

    @property
    def source_file(self) -> Path:
        """Where the task is; kept apart from the adapter's two files, which may be given away."""
        return self.folder / SOURCE_FILE

    @property
    def studies(self) -> Path:
        """Kept results of studies, image by image."""
        return self.folder / "studies"

    @property
    def evaluation(self) -> Path:
        """Scores that ``demo`` writes."""
        return self.folder / "evaluation.json"

    @property
    def report(self) -> Path:
        """The report as one HTML page."""
        return self.folder / "report.html"

    @property
    def report_figures(self) -> Path:
        """The figures of the report."""
        return self.folder / "report.json"

    @property
    def started(self) -> bool:
        """Whether a fit has begun here."""
        return self.state.exists() or self.card_file.exists()

    @property
    def writable(self) -> bool:
        """Whether files can be written into the folder."""
        return os.access(self.folder, os.W_OK)

    def card(self) -> dict[str, Any]:
        """Read the adapter's card.

        Raises:
            AdapterError: the folder holds no adapter.
        """
        return read_card(self.folder)

    def adapter(self, base: Base) -> Adapter:
        """Load the adapter.

        Raises:
            AdapterError: there is none, it is damaged, or it belongs to another base.
        """
        return load_adapter(self.folder, base)

    @property
    def base_name(self) -> str:
        """Name under which the base that the adapter was fitted on can be loaded, even if it was moved."""
        return base_of(self.folder)

    @property
    def only_class(self) -> str | None:
        """The one class that the adapter was fitted on; None for all classes."""
        only: str | None = (self.card().get("task") or {}).get("only")
        return only

    def task(self, only: str | None = None, path: AnyPath | None = None, **options: Any) -> Task:
        """Load the task that the run was fitted on, with the same arguments, or another task.

        Args:
            only: keep the instances of this class alone; None keeps all classes.
            path: what ``load_task`` reads. The run's own task, by whatever path, is read as for the fit, so that its
                splits and masks are the same.
            options: keyword arguments of ``load_task`` that precede those of the run.

        Raises:
            DataError: the run does not say which task it was, or the task is no longer there.
        """
        try:
            source = dict(json.loads(self.source_file.read_text())["task"])
            own = str(source.pop("path"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if path is None:
                raise DataError(
                    f"{self.folder} does not say which task it was fitted on.",
                    "Name the dataset: samtailor evaluate FOLDER --adapter RUN, or samtailor report RUN --task FOLDER.",
                ) from error
            return load_task(path, **{"only": only, **options})
        if path is not None and not same_task(path, own):
            return load_task(path, **{"only": only, **options})
        return load_task(own if path is None else path, **{**source, "only": only, **options})

    def write_source(self, task: Task, base: str, resume: str) -> None:
        """Write down where the task is, the name of the base, and ``resume``, the command that continues the fit."""
        write_json(self.source_file, {"task": task.source, "base": base, "resume": resume})

    def check_free(self, resume: bool) -> None:
        """Check that a fit may write here.

        Raises:
            FitError: the folder holds a run and ``resume`` is off.
        """
        if not resume and self.started:
            raise FitError(f"{self.folder} already holds a run.", "Continue with --resume, or choose another folder.")

    def prepare(self, resume: bool) -> None:
        """Make the folder ready for a fit.

        Raises:
            FitError: it holds a run and ``resume`` is off, or it cannot be written.
        """
        self.check_free(resume)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._not_writable(error) from error

    def start_log(self) -> None:
        """Start an empty log, or keep that of a fit that goes on.

        Raises:
            FitError: the folder cannot be written.
        """
        try:
            with self.log.open("a" if self.state.exists() else "w"):
                pass
        except OSError as error:
            raise self._not_writable(error) from error

    def _not_writable(self, error: OSError) -> FitError:
        return FitError(f"The run folder {self.folder} cannot be written: {error.strerror}.", "Choose another folder.")

    def append_to_log(self, row: dict[str, Any]) -> None:
        """Add a row to the log."""
        append_json(self.log, row)

    def flush_log(self) -> None:
        """Make the rows of the log survive a power cut."""
        flush(self.log)

    def read_log(self) -> list[dict[str, Any]]:
        """Read the rows of the log.

        Raises:
            FitError: it is gone or cannot be read.
        """
        return [json.loads(line) for line in self._log_lines()]

    def _log_lines(self) -> list[str]:
        try:
            return self.log.read_text().splitlines()
        except OSError as error:
            raise FitError(
                f"The log {self.log} cannot be read: {error.strerror or error}.",
                "Restore the run folder; while a fit runs, nothing may remove its files.",
            ) from error

    def cut_log(self, step: int, validated: bool = True) -> None:
        """Drop rows after ``step``: a killed fit wrote them after its last saved state and will write them again.

        Args:
            step: the last step to keep.
            validated: whether to keep the validation of this step.
        """
        if self.log.is_file():
            rows = [line for line in self._log_lines() if _is_kept(line, step, validated)]
            write_atomically(self.log, "".join(f"{row}\n" for row in rows).encode())


def same_task(path: AnyPath, other: AnyPath) -> bool:
    """Return whether two paths name the same task."""
    return str(path) == str(other) or Path(path).expanduser().resolve() == Path(other).expanduser().resolve()


def base_name_of(run: Run | AnyPath | None) -> str:
    """Name of the base of a run; the default base without one."""
    return DEFAULT_BASE if run is None else Run.of(run).base_name


def _is_kept(line: str, step: int, validated: bool) -> bool:
    try:
        row = json.loads(line)
        return bool(row["step"] < step or (row["step"] == step and (validated or "val_miou" not in row)))
    except (ValueError, KeyError, TypeError):  # a line that a kill cut in two
        return False
