"""Show the progress of long work: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from samtailor.fitting.progress import Forecast, Stepped, Validated
from samtailor.machine.progress import Count, Event, Note

__all__ = ["ProgressDisplay", "duration"]

LINE_SECONDS = 30.0  # between two lines of one stage where there is no terminal


def duration(seconds: float) -> str:
    """Format as 1:02:03, or as 2:03 below an hour."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class ProgressDisplay:
    """A progress function that shows events on a console; use it as a context manager.

    In a terminal, each stage has a bar. Elsewhere (a file, a pipe), a stage prints a line every half a minute.

    Args:
        console: where to show progress.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._bars: Progress | None = None
        self._lines_at = time.monotonic()
        self._fit = _FitText()

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_stage()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Count):
            self._count(event)
        elif isinstance(event, Forecast):
            for line in self._fit.forecast(event):
                self._console.print(line)
        elif isinstance(event, Stepped):
            self._show("Fitting", event.progress, 1.0, self._fit.step(event))
        elif isinstance(event, Validated):
            self._console.print(self._fit.validation(event))
        elif isinstance(event, Note):
            self._console.print(f"  {escape(event.text)}")

    def _count(self, event: Count) -> None:
        left = ""
        if event.rate:
            left = f"{event.rate:.2f} images/s, {duration((event.total - event.done) / event.rate)} left"
        self._show(event.stage, event.done, event.total, left)
        if event.done == event.total:
            self._end_stage()

    def _show(self, stage: str, done: float, total: float, text: str) -> None:
        if stage != self._stage:
            self._end_stage()
            self._start_stage(stage, total)
        if self._bars is not None:
            self._bars.update(self._bars.task_ids[0], completed=done, total=total, note=text)
        elif time.monotonic() - self._lines_at > LINE_SECONDS:
            self._lines_at = time.monotonic()
            share = f"{done / total:.0%}" if total == 1.0 else f"{done:g} of {total:g}"
            self._console.print(f"{escape(stage)}: {share}  {text}".rstrip())

    def _start_stage(self, stage: str, total: float) -> None:
        self._stage, self._lines_at = stage, time.monotonic()
        if not self._console.is_terminal:
            return
        counts = (MofNCompleteColumn(), TimeRemainingColumn()) if total != 1.0 and stage != "Encoding" else ()
        columns = (TextColumn("{task.description}"), BarColumn(20), *counts, TextColumn("{task.fields[note]}"))
        self._bars = Progress(*columns, console=self._console)
        self._bars.add_task(escape(stage), total=total, note="")
        self._bars.start()

    def _end_stage(self) -> None:
        if self._bars is not None:
            self._bars.stop()  # older rich shows one live display at a time
        self._bars, self._stage = None, ""


class _FitText:
    """Texts for the events of a fit."""

    def __init__(self) -> None:
        self._loss: float | None = None
        self._scores = ""
        self._first: tuple[float, float] | None = None

    def forecast(self, event: Forecast) -> list[str]:
        lines = [
            f"Estimate: {duration(event.seconds)} in all, about {event.steps} steps of {event.seconds_per_step:.2f} s,",
            f"  {event.seconds_per_validation:.0f} s per validation, "
            f"peak memory about {event.memory_bytes / 1e9:.1f} GB.",
        ]
        if event.left_out:
            lines.append(f"{event.left_out} training instances have too few pixels and are not used.")
        return lines

    def step(self, event: Stepped) -> str:
        loss, state = event.terms["loss"], event.state
        self._loss = loss if self._loss is None else 0.9 * self._loss + 0.1 * loss
        self._first = self._first or (event.progress, state.elapsed)
        share = event.progress - self._first[0]
        left = ""
        if share > 0:
            left = f"  {duration((1 - event.progress) * (state.elapsed - self._first[1]) / share)} left"
        return f"step {state.step}  loss {self._loss:.3f}{left}"

    def validation(self, event: Validated) -> str:
        state = event.state
        scores = f"val mIoU {event.scores.miou:.3f} (base {state.base['miou']:.3f}, best {event.best_miou:.3f})"
        return f"  step {state.step:5d}  {duration(state.elapsed):>7}  {scores}"
