"""Show progress as lines that are also readable in a log file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from experiments.log import log
from samtailor.cli.progress import duration
from samtailor.encode import EncodeProgress
from samtailor.fitting.progress import Reporter
from samtailor.fitting.state import FitState
from samtailor.fitting.validate import Validation

__all__ = ["Teller", "duration"]

EVERY = 30.0  # seconds between two lines


class Teller(Reporter):
    """Logs the progress of a fit, its encoding and its measures: every half minute and at each validation."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def _due(self) -> bool:
        if time.monotonic() - self._said < EVERY:
            return False
        self._said = time.monotonic()
        return True

    def encoding(self, now: EncodeProgress) -> None:
        if self._due():
            log(f"    encoding {now.done} of {now.total} images, {duration(now.seconds_left)} left")

    def validation(self, state: FitState, found: Validation, best: dict[str, float]) -> None:
        scores = f"val mIoU {found.miou:.3f} (base {state.base['miou']:.3f}, best {best['miou']:.3f})"
        log(f"    step {state.step}, {duration(state.elapsed)}: {scores}")

    def note(self, text: str) -> None:
        log(f"    {text}")

    @contextmanager
    def work(self, what: str) -> Iterator[object]:
        """The progress of ``measure``."""

        def heard(done: int, total: int) -> None:
            if self._due():
                log(f"    {what.lower()}: {done} of {total}")

        yield heard
