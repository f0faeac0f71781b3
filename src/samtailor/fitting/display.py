"""Show the progress of a fit: its forecast, its steps, its validations."""

from __future__ import annotations

from rich.console import Console

from samtailor.fitting.progress import Forecast, Stepped, Validated
from samtailor.machine.display import LINE_SECONDS, ProgressDisplay, duration
from samtailor.machine.progress import Event

__all__ = ["FitDisplay"]


class FitDisplay(ProgressDisplay):
    """A progress function that also shows the events of a fit."""

    def __init__(self, console: Console, every: float = LINE_SECONDS) -> None:
        super().__init__(console, every)
        self._loss: float | None = None
        self._first: tuple[float, float] | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Forecast):
            self._forecast(event)
        elif isinstance(event, Stepped):
            self.show("Fitting", event.progress, 1.0, self._step(event))
        elif isinstance(event, Validated):
            self._validation(event)
        else:
            super().__call__(event)

    def _forecast(self, event: Forecast) -> None:
        text = (
            f"Estimate: {duration(event.seconds)} in total, about {event.steps} steps of "
            f"{event.seconds_per_step:.2f} s, {event.seconds_per_validation:.0f} s per validation, peak memory about "
            f"{event.memory_bytes / 1e9:.1f} GB."
        )
        self.write(text)
        if event.left_out:
            self.write(f"{event.left_out} training instances have too few pixels and are not used.")

    def _step(self, event: Stepped) -> str:
        loss, state = event.terms["loss"], event.state
        self._loss = loss if self._loss is None else 0.9 * self._loss + 0.1 * loss
        self._first = self._first or (event.progress, state.elapsed)
        share = event.progress - self._first[0]
        left = ""
        if share > 0:
            left = f"  {duration((1 - event.progress) * (state.elapsed - self._first[1]) / share)} left"
        return f"step {state.step}  loss {self._loss:.3f}{left}"

    def _validation(self, event: Validated) -> None:
        state = event.state
        scores = f"val mIoU {event.scores.miou:.3f} (base {state.base['miou']:.3f}, best {event.best_miou:.3f})"
        self.line(f"step {state.step:5d}  {duration(state.elapsed):>7}  {scores}")
