"""A run: the folder that ``fit`` writes, with its adapter, its metrics and what was measured about it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import CARD_FILE, WEIGHTS_FILE, load_adapter, read_card
from samtailor.bases.base import Base
from samtailor.bases.registry import DEFAULT_BASE, load_base
from samtailor.data.load import load_task
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import DataError, FitError
from samtailor.machine.device import choose_device
from samtailor.machine.files import append_json, flush, write_atomically, write_json

__all__ = ["Run", "base_name_of"]


@dataclass(frozen=True)
class Run:
    """A run folder. Every file name in it is written here.

    Attributes:
        folder: the folder; it need not exist yet.
    """

    folder: Path

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
        return self.folder / "state.safetensors"

    @property
    def log(self) -> Path:
        """One JSON line per training step and per validation."""
        return self.folder / "metrics.jsonl"

    @property
    def curve(self) -> Path:
        """The training curve as a picture."""
        return self.folder / "curve.png"

    @property
    def source_file(self) -> Path:
        """Where the task is; kept apart from the adapter's two files, which may be given away."""
        return self.folder / "run.json"

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

    def model(self, base: Base | None = None, cache: EmbeddingCache | None = None) -> AdaptedModel:
        """Load the adapter with its base.

        Args:
            base: the run's base; None loads it on the fastest device of this machine.
            cache: defaults to the user's cache.

        Raises:
            AdapterError: there is no adapter, it is damaged, or it belongs to another base.
        """
        base = base or load_base(self.base_name, choose_device())
        return AdaptedModel.of(base, self.adapter(base), cache)

    @property
    def base_name(self) -> str:
        """Name of the base that the adapter was fitted on."""
        return str(self.card()["base"]["name"])

    @property
    def only_class(self) -> str | None:
        """The one class that the adapter was fitted on; None for all classes."""
        only: str | None = (self.card().get("task") or {}).get("only")
        return only

    def task(self, only: str | None = None) -> Task:
        """Load the task that the run was fitted on, with the same arguments.

        Args:
            only: keep the instances of this class alone; None keeps all classes.

        Raises:
            DataError: the run does not say which task it was, or the task is no longer there.
        """
        try:
            source = json.loads(self.source_file.read_text())["task"]
            path = source.pop("path")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{self.folder} does not say which task it was fitted on.", "Give the task with --task."
            ) from error
        return load_task(path, **{**source, "only": only})

    def write_source(self, task: Task) -> None:
        """Write down where the task is."""
        write_json(self.source_file, {"task": task.source})

    def prepare(self, resume: bool) -> None:
        """Make the folder ready for a fit.

        Raises:
            FitError: it holds a run and ``resume`` is off, or it cannot be written.
        """
        if not resume and self.started:
            raise FitError(f"{self.folder} already holds a run.", "Continue with --resume, or choose another folder.")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.log.open("a" if self.state.exists() else "w"):
                pass
        except OSError as error:
            raise FitError(
                f"The run folder {self.folder} cannot be written: {error.strerror}.", "Choose another folder."
            ) from error

    def append_to_log(self, row: dict[str, Any]) -> None:
        """Add a row to the log."""
        append_json(self.log, row)

    def flush_log(self) -> None:
        """Make the rows of the log survive a power cut."""
        flush(self.log)

    def read_log(self) -> list[dict[str, Any]]:
        """Read the rows of the log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def cut_log(self, step: int) -> None:
        """Drop rows after ``step``: a killed fit wrote them after its last saved state and will write them again."""
        if self.log.is_file():
            rows = [line for line in self.log.read_text().splitlines() if _step_of(line) <= step]
            write_atomically(self.log, "".join(f"{row}\n" for row in rows).encode())


def base_name_of(run: Path | None) -> str:
    """Name of the base of a run; the default base without one."""
    return DEFAULT_BASE if run is None else Run(run).base_name


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError):  # a line that a kill cut in two
        return float("inf")
