"""Show progress as lines that are also readable in a log file."""

from __future__ import annotations

import time

from experiments.log import log
from samtailor.cli.progress import duration
from samtailor.fitting.progress import Validated
from samtailor.machine.progress import Count, Event, Note

__all__ = ["ProgressLog", "duration"]

EVERY = 30.0  # seconds between two lines


class ProgressLog:
    """A progress function that prints a line every half a minute and at each validation."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def _due(self) -> bool:
        if time.monotonic() - self._last < EVERY:
            return False
        self._last = time.monotonic()
        return True

    def __call__(self, event: Event) -> None:
        if isinstance(event, Count) and self._due():
            left = f", {duration((event.total - event.done) / event.rate)} left" if event.rate else ""
            log(f"    {event.stage.lower()}: {event.done} of {event.total}{left}")
        elif isinstance(event, Validated):
            state = event.state
            scores = f"val mIoU {event.scores.miou:.3f} (base {state.base['miou']:.3f}, best {event.best_miou:.3f})"
            log(f"    step {state.step}, {duration(state.elapsed)}: {scores}")
        elif isinstance(event, Note):
            log(f"    {event.text}")
