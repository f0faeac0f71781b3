"""What a fit can be told."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from samtailor.adapters.methods import DEFAULT_METHOD, check_options
from samtailor.data.defaults import MIN_AREA
from samtailor.errors import FitError
from samtailor.fitting.batches import Sampling, check_sampling
from samtailor.losses import LossWeights
from samtailor.prompts import PromptKind, check_kind

__all__ = ["FitConfig"]

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class FitConfig:
    """Settings of one fit.

    Attributes:
        method: name of a trainable method, one of ``samtailor.adapters.methods.METHODS``.
        prompts: what is simulated from masks, in training and in validation.
        minutes: budget of fitting time, validation included; what comes before the first step (encoding, the base's
            validation) is not; None: no such limit.
        epochs: budget in passes over the training images; None: no such limit.
        seed: of everything drawn.
        lr: a fixed peak rate; None adapts it: it starts at the method's own and, when validation falls back, the best
            adapter is restored and the rate halved.
        batch: prompts per step.
        cells: share of the embedding's cells that the loss looks at in training, 0..1; 1: all.
        precision: of a training step's decoding, ``float32`` or ``bfloat16``; ``auto``: what this machine does faster.
            Validation is always in float32.
        jitter: how far a simulated box's sides move, as a share of its width or height.
        min_area: instances with fewer image pixels than this are not trained on.
        val_prompts: at most so many prompts are validated on, drawn once by the seed; up to four for an instance.
        validations: how often validation happens over the budget, beside step 0.
        patience: stop after so many validations without a new best.
        mask_token: whose mask is trained and handed out, 0 (the base's single mask) to 3; None: 0, but for methods that
            change the decoder the one with which the base does best on the validation prompts.
        clip: largest gradient norm.
        weight_decay: AdamW's.
        losses: weights of the terms.
        method_options: the method's own settings that differ from its defaults, by name (docs/guides/methods.md).
        steps: budget in steps; None: no such limit. Of several budgets the first to end counts.
        sampling: which instances of an image a step takes: any (``instances``), or rather those whose class
            (``classes``) or whose octave of area (``sizes``) is rare in the task.
    """

    method: str = DEFAULT_METHOD
    prompts: PromptKind = "click"
    minutes: float | None = None
    epochs: float | None = None
    seed: int = 0
    lr: float | None = None
    batch: int = 10
    cells: float = 0.25
    precision: str = "auto"
    jitter: float = 0.1
    min_area: int = MIN_AREA
    val_prompts: int = 200
    validations: int = 20
    patience: int = 10
    mask_token: Literal[0, 1, 2, 3] | None = None
    clip: float = 1.0
    weight_decay: float = 0.01
    losses: LossWeights = field(default_factory=LossWeights)
    method_options: dict[str, Any] = field(default_factory=dict)
    steps: int | None = None
    sampling: Sampling = "instances"

    def __post_init__(self) -> None:
        positive = ("minutes", "epochs", "steps", "lr", "batch", "val_prompts", "validations", "patience", "clip")
        for name in positive:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise FitError(f"{name} is {value}.", "It must be a number greater than 0.")
        if self.minutes is None and self.epochs is None and self.steps is None:
            raise FitError("The fit has no end: neither minutes, nor epochs, nor steps are set.", "Set one of them.")
        if self.steps is not None and self.steps != int(self.steps):
            raise FitError(f"steps is {self.steps}.", "It must be a whole number.")
        if not 0 < self.cells <= 1:
            raise FitError(f"cells is {self.cells}.", "It is a share: greater than 0, at most 1.")
        if self.precision not in PRECISIONS:
            raise FitError(
                f"The precision {self.precision!r} is not known.", f"Choose one of: {', '.join(PRECISIONS)}."
            )
        if self.mask_token not in (None, 0, 1, 2, 3):
            raise FitError(f"mask_token is {self.mask_token!r}.", "It must be 0, 1, 2 or 3, or None.")
        check_kind(self.prompts)
        check_sampling(self.sampling)
        check_options(self.method, self.method_options)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
