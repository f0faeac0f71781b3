"""Settings of a fit, each written once: name, default, range and help text. Imports no torch, so help is instant."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from samtailor.adapters.methods import DEFAULT_METHOD, check_options
from samtailor.data.defaults import MIN_AREA
from samtailor.errors import FitError
from samtailor.machine.arguments import described
from samtailor.machine.text import did_you_mean
from samtailor.prompts import PromptKind, check_kind

__all__ = ["DEFAULT_MINUTES", "RANGES", "CellChoice", "FitConfig", "LossWeights", "Precision", "Range", "Sampling"]

Precision = Literal["auto", "float32", "bfloat16"]
Sampling = Literal["instances", "classes", "sizes", "rare"]
CellChoice = Literal["boundary", "errors"]

DEFAULT_MINUTES = 15
"""Budget of a fit if no other is given."""


@dataclass(frozen=True)
class Range:
    """Finite numbers that a setting accepts.

    Attributes:
        low: smallest number.
        high: largest number.
        above: whether ``low`` itself is left out.
    """

    low: float
    high: float = math.inf
    above: bool = False

    def __contains__(self, value: float) -> bool:
        return (self.low < value if self.above else self.low <= value) and value <= self.high and value != math.inf

    def __str__(self) -> str:
        """Describe the range, such as ``above 0 and at most 1``."""
        low = f"{'above' if self.above else 'at least'} {self.low:g}"
        return low if self.high == math.inf else f"{low} and at most {self.high:g}"


_POSITIVE, _COUNT, _FROM_ZERO = Range(0, above=True), Range(1), Range(0)
RANGES = {
    "minutes": _POSITIVE,
    "epochs": _POSITIVE,
    "steps": _COUNT,
    "seed": _FROM_ZERO,
    "lr": _POSITIVE,
    "batch": _COUNT,
    "cells": Range(0, 1, above=True),
    "jitter": _FROM_ZERO,
    "min_area": _FROM_ZERO,
    "val_prompts": _COUNT,
    "validations": _COUNT,
    "patience": _COUNT,
    "mask_token": _FROM_ZERO,
    "clip": _POSITIVE,
    "weight_decay": _FROM_ZERO,
    "focal_alpha": Range(0, 1, above=True),
    "average": Range(0, 0.9999),
}
"""Setting -> numbers that it accepts. The base limits ``mask_token`` further."""


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
    """Settings of one fit. The options of the command line take names, defaults, help texts and ranges from here.

    A help text may end with "None: ...", which says what the default None means.

    Attributes:
        method: Name of the method to train.
        prompts: Prompts to simulate from the masks, in training and in validation: click, box, mix of both, or
            interactive: a click or a box, in half of the cases followed by up to six corrective clicks. The method
            words gives a third of them the class name too, and replaces a third by the class name.
        minutes: Budget of fitting time in minutes, validation included. Encoding and the base's validation, which
            happen before the first step, do not count. None: no limit if there is another budget, else 15.
        epochs: Budget in passes over the training images. None: no limit.
        seed: Random seed.
        lr: Fixed peak learning rate. None: the method's own rate, halved each time validation falls back to an earlier
            best adapter.
        batch: Prompts per training step.
        cells: Share of the mask that the loss of a step looks at; 1 is the whole mask.
        precision: Number type of training steps: float32, bfloat16, or auto for the faster one on this machine.
            Validation always uses float32.
        jitter: Largest shift of each side of a simulated box, as a share of its width or height.
        min_area: Smallest instance to train on, in image pixels.
        val_prompts: Largest number of validation prompts. They are drawn once, up to four per instance.
        validations: Number of validations over the budget, not counting the one before the first step. None: 20, or
            fewer and with fewer prompts if they would be more than a sixth of the work.
        patience: Stop after this many validations without a new best.
        mask_token: Which of the base's masks to train: 0 is its single mask, 1 to 3 are SAM's alternatives for an
            ambiguous prompt. None: 0; for methods that change the decoder, the mask that scores best in validation.
        clip: Largest gradient norm.
        weight_decay: Weight decay of AdamW.
        losses: Weights of the loss terms.
        method_options: The method's own options that differ from its defaults, by name; ``list_methods`` has them.
        steps: Budget in training steps. If there are several budgets, the first one to run out ends the fit. None: no
            limit.
        sampling: Which instances of an image a step takes: instances (any), or preferably those whose class (classes)
            or size (sizes: octave of area) is rare in the task; rare: as classes, and images with a class that few
            images have come several times in an epoch.
        cell_choice: Which cells a step looks at first: those on the boundary of the true mask (boundary), or also those
            where the prediction is wrong or uncertain (errors), which takes longer.
        focal_alpha: Weight of foreground in the focal loss; background has 1 minus it.
        average: Decay of a running average of the parameters, such as 0.99; validation then scores it too and keeps the
            better one. 0 is no average.
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
    min_area: int = MIN_AREA
    val_prompts: int = 200
    validations: int | None = None
    patience: int = 10
    mask_token: int | None = None
    clip: float = 1.0
    weight_decay: float = 0.01
    losses: LossWeights = field(default_factory=LossWeights)
    method_options: dict[str, Any] = field(default_factory=dict)
    steps: int | None = None
    sampling: Sampling = "instances"
    cell_choice: CellChoice = "boundary"
    focal_alpha: float = 0.25
    average: float = 0.0

    def __post_init__(self) -> None:
        for name, accepted in RANGES.items():
            value: Any = getattr(self, name)
            if value is None and getattr(type(self), name) is None:
                continue
            if isinstance(value, np.number):  # JSON knows no numbers of NumPy
                value = value.item()
                object.__setattr__(self, name, value)
            if not isinstance(value, int | float) or isinstance(value, bool) or value not in accepted:
                raise FitError(f"{name} is {described(value)}.", f"It must be a finite number, {accepted}.")
        if self.minutes is None and self.epochs is None and self.steps is None:
            object.__setattr__(self, "minutes", DEFAULT_MINUTES)
        if self.steps is not None and self.steps != int(self.steps):
            raise FitError(f"steps is {self.steps}.", "It must be a whole number.")
        if self.mask_token is not None and type(self.mask_token) is not int:
            raise FitError(f"mask_token is {self.mask_token!r}.", "It must be a whole number of 0 or more, or None.")
        _check_word("precision", self.precision, get_args(Precision))
        _check_word("sampling", self.sampling, get_args(Sampling))
        _check_word("cell_choice", self.cell_choice, get_args(CellChoice))
        check_kind(self.prompts)
        check_options(self.method, self.method_options)

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON types."""
        return asdict(self)


def _check_word(name: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise FitError(
            f"The {name} {value!r} is unknown.", f"Choose one of: {', '.join(words)}.{did_you_mean(value, words)}"
        )
