"""Settings of a fit, each written once: name, default, range and help text. Imports no torch, so help is instant."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from samtailor.adapters.methods import DEFAULT_METHOD, check_options
from samtailor.errors import FitError
from samtailor.prompts import PromptKind, check_kind

__all__ = ["FitConfig", "LossWeights", "Precision", "Sampling"]

Precision = Literal["auto", "float32", "bfloat16"]
Sampling = Literal["instances", "classes", "sizes"]


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss terms: SAM's 20 : 1 : 1 with a larger Dice.

    The focal term counts pixels, three times as much outside a mask as inside, and shrinks large masks; Dice treats
    large and small masks alike (experiments/results/recipe.md).

    Attributes:
        focal: Weight of the focal loss.
        dice: Weight of the Dice loss.
        iou: Weight of the squared error of the model's own IoU estimate.
    """

    focal: float = 20.0
    dice: float = 20.0
    iou: float = 1.0


@dataclass(frozen=True)
class FitConfig:
    """Settings of one fit. The command line takes names, defaults and help texts from here.

    Attributes:
        method: Method to train, one of ``samtailor.adapters.methods.METHODS``.
        prompts: Prompts to simulate from the masks, in training and in validation: click, box or mix.
        minutes: Budget of fitting time in minutes, validation included. Encoding and the base's validation, which
            happen before the first step, do not count. None: no such limit.
        epochs: Budget in passes over the training images. None: no such limit.
        seed: Random seed.
        lr: Fixed peak learning rate. None starts with the method's own rate and halves it each time that validation
            falls back to an earlier best adapter.
        batch: Prompts per step.
        cells: Share of the embedding cells that the training loss looks at, above 0 and up to 1.
        precision: Number type of training steps: float32, bfloat16, or auto for the faster one on this machine.
            Validation always uses float32.
        jitter: Largest shift of each side of a simulated box, as a share of its width or height.
        min_area: Smallest instance to train on, in image pixels.
        val_prompts: Most prompts to validate on, drawn once by the seed, up to four per instance.
        validations: Number of validations over the budget, besides step 0.
        patience: Stop after this many validations without a new best.
        mask_token: Mask token to train and use: 0 for the base's single mask, or one of the others. None: 0, or for
            methods that change the decoder the token with which the base is best in validation.
        clip: Largest gradient norm.
        weight_decay: Weight decay of AdamW.
        losses: Weights of the loss terms.
        method_options: The method's own options that differ from its defaults, by name (docs/guides/methods.md).
        steps: Budget in steps. None: no such limit. If there are several budgets, the first one to run out ends the
            fit.
        sampling: Instances of an image that a step takes: any (``instances``), or preferably those whose class
            (``classes``) or octave of area (``sizes``) is rare in the task.
    """

    method: str = DEFAULT_METHOD
    prompts: PromptKind = "click"
    minutes: float | None = None
    epochs: float | None = None
    seed: int = 0
    lr: float | None = None
    batch: int = 10
    cells: float = 0.25
    precision: Precision = "auto"
    jitter: float = 0.1
    min_area: int = 16
    val_prompts: int = 200
    validations: int = 20
    patience: int = 10
    mask_token: int | None = None
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
            raise FitError("The fit has no budget: minutes, epochs and steps are all unset.", "Set one of them.")
        if self.steps is not None and self.steps != int(self.steps):
            raise FitError(f"steps is {self.steps}.", "It must be a whole number.")
        if not 0 < self.cells <= 1:
            raise FitError(f"cells is {self.cells}.", "It is a share: greater than 0, at most 1.")
        if self.mask_token is not None and not (type(self.mask_token) is int and self.mask_token >= 0):
            raise FitError(f"mask_token is {self.mask_token!r}.", "It must be a whole number of 0 or more, or None.")
        _check_word("precision", self.precision, get_args(Precision))
        _check_word("sampling", self.sampling, get_args(Sampling))
        check_kind(self.prompts)
        check_options(self.method, self.method_options)

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON types."""
        return asdict(self)


def _check_word(name: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise FitError(f"The {name} {value!r} is unknown.", f"Choose one of: {', '.join(words)}.")
