"""Lines of progress that also read well in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from samtailor.cli.progress import duration
from samtailor.encode import EncodeProgress
from samtailor.fitting.progress import Reporter
from samtailor.fitting.state import FitState
from samtailor.fitting.validate import Validation

__all__ = ["Teller", "duration", "say"]

EVERY = 30.0  # seconds between lines of one piece of work


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Teller(Reporter):
    """Hears of a fit, its encoding and its measures; says something every half a minute and at each validation."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def _due(self) -> bool:
        if time.monotonic() - self._said < EVERY:
            return False
        self._said = time.monotonic()
        return True

    def encoding(self, now: EncodeProgress) -> None:
        if self._due():
            say(f"    encoding {now.done} of {now.total} images, {duration(now.seconds_left)} left")

    def validation(self, state: FitState, found: Validation, best: dict[str, float]) -> None:
        scores = f"val mIoU {found.miou:.3f} (base {state.base['miou']:.3f}, best {best['miou']:.3f})"
        say(f"    step {state.step}, {duration(state.elapsed)}: {scores}")

    def note(self, text: str) -> None:
        say(f"    {text}")

    @contextmanager
    def work(self, what: str) -> Iterator[object]:
        """For ``measure``'s progress."""

        def heard(done: int, total: int) -> None:
            if self._due():
                say(f"    {what.lower()}: {done} of {total}")

        yield heard
