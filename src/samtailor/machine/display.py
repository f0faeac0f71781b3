"""Show the progress of long work: a bar in a terminal or a notebook, now and then a plain line elsewhere."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from samtailor.machine.arguments import wrong_type
from samtailor.machine.progress import Count, Event, Note, silent
from samtailor.machine.progress import Progress as ProgressFunction
from samtailor.machine.text import encodable, visible

__all__ = ["LINE_SECONDS", "ProgressDisplay", "ShownProgress", "duration", "showing"]

LINE_SECONDS = 30.0
"""Least time between two progress lines if there is no terminal."""
NOTEBOOK_SECONDS = 5.0
"""The same in a notebook that cannot show bars."""
STAGE_WIDTH = 30

ShownProgress = ProgressFunction | bool
"""True shows progress in a terminal or a notebook and nothing elsewhere, False shows none; or a progress function."""


def duration(seconds: float) -> str:
    """Format as 1:02:03, or as 2:03 below an hour."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class ProgressDisplay:
    """A progress function that shows events on a console; use it as a context manager.

    In a terminal or a notebook, each stage has a bar. Elsewhere (a file, a pipe), there is at most one progress line
    every half a minute, and none for a stage that is shorter. Notes are always shown.

    Args:
        console: where to show progress.
        every: seconds between two lines if there are no bars.
    """

    def __init__(self, console: Console, every: float = LINE_SECONDS) -> None:
        self.console = console
        self._bars_shown = console.is_terminal or console.is_jupyter
        self._every = every
        self._stage = ""
        self._bars: Progress | None = None
        self._last_line = -every
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
            self.write(event.text)

    def write(self, text: str) -> None:
        """Write a paragraph; the command line has its own way."""
        self.console.print(Text(self._printable(text), overflow="ignore"))

    def _printable(self, text: str) -> str:
        """Replace what would steer the terminal, and what it has no characters for."""
        return encodable(visible(text, lines=True), self.console.encoding)

    def line(self, text: str) -> None:
        """Show a line of progress: always with bars, elsewhere unless one was shown a moment ago."""
        now = time.monotonic()
        if self._bars_shown or now - self._last_line >= self._every:
            self._last_line = now
            self.write(text)

    def show(self, stage: str, done: float, total: float, text: str) -> None:
        """Show that ``done`` of ``total`` are finished; a total of 1.0 is a share."""
        if stage != self._stage:
            self._end_stage()
            self._start_stage(stage, total)
        if self._bars is not None:
            self._bars.update(
                self._bars.task_ids[0],
                completed=done,
                total=total,
                note=self._printable(text),
            )
        elif time.monotonic() - self._stage_began >= self._every:
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
        if not self._bars_shown:
            return
        counts = (MofNCompleteColumn(), TimeRemainingColumn()) if total != 1.0 and stage != "Encoding" else ()
        name = TextColumn("{task.description}", markup=False)
        columns = (name, BarColumn(20), *counts, TextColumn("{task.fields[note]}", markup=False))
        self._bars = Progress(*columns, console=self.console, transient=True)
        self._bars.add_task(self._printable(_shorten(stage)), total=total, note="")
        self._bars.start()

    def _end_stage(self) -> None:
        if self._bars is not None:
            self._bars.stop()  # older rich shows one live display at a time
        self._bars, self._stage = None, ""


@contextmanager
def showing(progress: ShownProgress, display: type[ProgressDisplay] = ProgressDisplay) -> Iterator[ProgressFunction]:
    """Open the progress function of a verb that was called from Python.

    Args:
        progress: what the caller passed; see ``ShownProgress``.
        display: how to show events if the caller left that to us.

    Raises:
        ArgumentError: ``progress`` is something else.
    """
    if progress is None or isinstance(progress, bool):
        console = _console() if progress else None
        if console is None:
            yield silent
        else:
            every = LINE_SECONDS if console.is_terminal or console.is_jupyter else NOTEBOOK_SECONDS
            with display(console, every) as shown:
                yield shown
    elif callable(progress):
        yield progress
    else:
        raise wrong_type("progress", progress, "True, False or a function that receives events")


def _console() -> Console | None:
    """Return the console of a terminal or a notebook; None if nobody watches."""
    settings = {"highlight": False, "markup": False, "emoji": False}
    console = Console(stderr=True, **settings)  # type: ignore[arg-type]
    if console.is_jupyter:
        if importlib.util.find_spec("ipywidgets"):
            return console
        return Console(stderr=True, force_jupyter=False, force_terminal=False, **settings)  # type: ignore[arg-type]
    try:
        return console if sys.stderr is not None and sys.stderr.isatty() else None
    except ValueError:  # a closed stream
        return None


def _shorten(text: str) -> str:
    """Replace the middle of a long name by an ellipsis."""
    if cell_len(text) <= STAGE_WIDTH:
        return text
    tail = (STAGE_WIDTH - 1) // 2
    start = chop_cells(text, STAGE_WIDTH - 1 - tail)[0]
    return f"{start}…{chop_cells(text[::-1], tail)[0][::-1]}"
