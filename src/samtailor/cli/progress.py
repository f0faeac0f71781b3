"""Show the progress of long work: a bar in a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from samtailor.cli.output import print_text, printable, shorten
from samtailor.machine.progress import Count, Event, Note

__all__ = ["ProgressDisplay", "duration"]

LINE_SECONDS = 30.0
"""Least time between two progress lines if there is no terminal."""
STAGE_WIDTH = 30


def duration(seconds: float) -> str:
    """Format as 1:02:03, or as 2:03 below an hour."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class ProgressDisplay:
    """A progress function that shows events on a console; use it as a context manager.

    In a terminal, each stage has a bar. Elsewhere (a file, a pipe), there is at most one progress line every half a
    minute, and none for a stage that is shorter. Notes are always shown.

    Args:
        console: where to show progress.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._stage = ""
        self._bars: Progress | None = None
        self._last_line = -LINE_SECONDS
        self._stage_began = 0.0

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_stage()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Count):
            self._count(event)
        elif isinstance(event, Note):
            print_text(self.console, event.text)

    def line(self, text: str) -> None:
        """Show a line of progress: always in a terminal, elsewhere unless one was shown in the last half a minute."""
        now = time.monotonic()
        if self.console.is_terminal or now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            print_text(self.console, text)

    def show(self, stage: str, done: float, total: float, text: str) -> None:
        """Show that ``done`` of ``total`` are finished; a total of 1.0 is a share."""
        if stage != self._stage:
            self._end_stage()
            self._start_stage(stage, total)
        if self._bars is not None:
            self._bars.update(self._bars.task_ids[0], completed=done, total=total, note=printable(self.console, text))
        elif time.monotonic() - self._stage_began >= LINE_SECONDS:
            share = f"{done / total:.0%}" if total == 1.0 else f"{done:g} of {total:g}"
            self.line(f"{stage}: {share}  {text}".rstrip())

    def _count(self, event: Count) -> None:
        left = ""
        if event.rate:
            left = f"{event.rate:.2f} images/s, {duration((event.total - event.done) / event.rate)} left"
        self.show(event.stage, event.done, event.total, left)
        if event.done == event.total:
            self._end_stage()

    def _start_stage(self, stage: str, total: float) -> None:
        self._stage, self._stage_began = stage, time.monotonic()
        if not self.console.is_terminal:
            return
        counts = (MofNCompleteColumn(), TimeRemainingColumn()) if total != 1.0 and stage != "Encoding" else ()
        name = TextColumn("{task.description}", markup=False)
        columns = (name, BarColumn(20), *counts, TextColumn("{task.fields[note]}", markup=False))
        self._bars = Progress(*columns, console=self.console, transient=True)
        self._bars.add_task(printable(self.console, shorten(stage, STAGE_WIDTH)), total=total, note="")
        self._bars.start()

    def _end_stage(self) -> None:
        if self._bars is not None:
            self._bars.stop()  # older rich shows one live display at a time
        self._bars, self._stage = None, ""
