"""Progress bars and lines for long work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn

from samtailor.encode import EncodeProgress
from samtailor.fitting.progress import Estimate, Reporter
from samtailor.fitting.state import FitState
from samtailor.fitting.validate import Validation

__all__ = ["EncodingBar", "FitBar", "counting_bar", "duration"]


def duration(seconds: float) -> str:
    """1:02:03, or 2:03 below an hour."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class EncodingBar:
    """A bar with images/s and time left."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("Encoding"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=console)
        self._bar: TaskID | None = None

    def __call__(self, now: EncodeProgress) -> None:
        if self._bar is None:
            self._progress.start()
            self._bar = self._progress.add_task("", total=now.total)
        left = f", {duration(now.seconds_left)} left"
        self._progress.update(
            self._bar, completed=now.done, total=now.total, description=f"{now.images_per_second:.2f} images/s{left}"
        )
        if now.done == now.total:
            self._progress.stop()  # another bar may follow, and older rich shows one at a time

    def __enter__(self) -> EncodingBar:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


class FitBar(Reporter):
    """The estimate, a bar with loss, val mIoU and time left, and a line per validation."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (SpinnerColumn(), TextColumn("Fitting"), BarColumn(), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=console)
        self._bar = self._progress.add_task("first step", total=1.0)
        self._loss: float | None = None
        self._val = ""
        self._began: tuple[float, float] | None = None

    def __enter__(self) -> FitBar:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def estimate(self, estimate: Estimate) -> None:
        self._console.print(
            f"Estimate: {duration(estimate.seconds)} in all, about {estimate.steps} steps of "
            f"{estimate.seconds_per_step:.2f} s, {estimate.seconds_per_validation:.0f} s per validation, "
            f"peak memory about {estimate.memory_bytes / 1e9:.1f} GB."
        )
        if estimate.left_out:
            self._console.print(f"{estimate.left_out} training instances have too few pixels and are left out.")
        self._progress.start()

    def step(self, state: FitState, row: dict[str, float], progress: float) -> None:
        self._loss = row["loss"] if self._loss is None else 0.9 * self._loss + 0.1 * row["loss"]
        self._began = self._began or (progress, state.elapsed)
        share = progress - self._began[0]
        left = (1 - progress) * (state.elapsed - self._began[1]) / share if share > 0 else None
        text = f"step {state.step}  loss {self._loss:.3f}  {self._val}"
        self._progress.update(
            self._bar, completed=progress, description=text + ("" if left is None else f"  {duration(left)} left")
        )

    def validation(self, state: FitState, found: Validation, best: dict[str, float]) -> None:
        self._val = f"val mIoU {found.miou:.3f} (base {state.base['miou']:.3f}, best {best['miou']:.3f})"
        self._console.print(f"  step {state.step:5d}  {duration(state.elapsed):>7}  {self._val}")

    def note(self, text: str) -> None:
        self._console.print(f"  {text}")


class _Counter:
    def __init__(self, progress: Progress, bar: TaskID) -> None:
        self._progress, self._bar = progress, bar

    def __call__(self, done: int, total: int) -> None:
        self._progress.update(self._bar, completed=done, total=total)


@contextmanager
def counting_bar(console: Console, what: str) -> Iterator[_Counter]:
    """A plain bar for work that counts (done, total)."""
    from rich.progress import TimeRemainingColumn

    with Progress(
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        yield _Counter(progress, progress.add_task(what, total=None))
