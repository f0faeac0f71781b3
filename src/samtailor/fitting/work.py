"""What a fit trains and how it is scored: the loop knows no more about it than this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.fitting.batches import Draw, Sampler
from samtailor.fitting.config import FitConfig
from samtailor.fitting.gradients import add_gradients
from samtailor.fitting.state import FitState
from samtailor.fitting.trained import Trained
from samtailor.fitting.validate import Validation, validate

__all__ = ["AdapterWork", "Work"]


class Work(Protocol):
    """What a fit trains and how it is scored.

    Attributes:
        trained: the module.
        peak_rate: its own learning rate.
        per_step: prompts, or other units of work, of a training step.
        per_validation: of a validation.
    """

    @property
    def trained(self) -> Trained: ...

    @property
    def peak_rate(self) -> float: ...

    @property
    def per_step(self) -> int: ...

    @property
    def per_validation(self) -> int: ...

    def gradients(self, step: int, progress: float) -> dict[str, float]:
        """Add the gradient of a step; return its terms, among them ``loss`` and ``empty``."""
        ...

    def score_start(self, check: Callable[[], None]) -> tuple[Validation, Validation | None, str]:
        """Score what the fit is compared with: the base, and the untrained module if it differs from it.

        Returns:
            Both scores, and what to say about the second one.
        """
        ...

    def score(self, check: Callable[[], None]) -> Validation:
        """Score the module as it is; ``check`` is called between images and may raise to stop."""
        ...

    def finish(self, state: FitState) -> None:
        """Prepare the module, which has its best parameters, for being saved."""
        ...


@dataclass(frozen=True)
class AdapterWork:
    """Trains an adapter on prompts.

    Attributes:
        model: the base with a fresh adapter.
        sampler: training batches.
        draws: prompts to validate on; they determine the best adapter.
        config: settings.

    Raises:
        AdapterError: the model has no adapter.
    """

    model: AdaptedModel
    sampler: Sampler
    draws: Sequence[Draw]
    config: FitConfig

    def __post_init__(self) -> None:
        self.model.require_adapter()

    @property
    def trained(self) -> Adapter:
        return self.model.require_adapter()

    @property
    def peak_rate(self) -> float:
        return self.trained.peak_rate

    @property
    def per_step(self) -> int:
        return self.sampler.prompts_per_step

    @property
    def per_validation(self) -> int:
        return sum(len(draw.instances) for draw in self.draws)

    def gradients(self, step: int, progress: float) -> dict[str, float]:
        return add_gradients(self.model, self.sampler.batch(step), self.config, progress)

    def score_start(self, check: Callable[[], None]) -> tuple[Validation, Validation | None, str]:
        scores, token = validate(self.model.plain, self.draws, check), self.trained.mask_token
        if not token:
            return scores, None, ""
        untrained = validate(self.model, self.draws, check)  # the base with this token takes part in the choice too
        return scores, untrained, f"the base's mask {token} alone: val mIoU {untrained.miou:.3f}"

    def score(self, check: Callable[[], None]) -> Validation:
        return validate(self.model, self.draws, check)

    def finish(self, state: FitState) -> None:
        """Make the adapter change nothing if nothing beat the base.

        If the untrained adapter with another mask token is best, it keeps that token.
        """
        adapter = self.trained
        adapter.leaves_base = not state.beats_base
        if state.best_step == 0:
            if not state.beats_base:
                adapter.use_token(0)
            adapter.switch_off()
