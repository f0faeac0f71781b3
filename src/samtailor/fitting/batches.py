"""Images, instances and prompts of each step. They depend only on seed and step, so a resumed fit draws the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from samtailor.data.task import ImageRecord, Instance
from samtailor.errors import DataError
from samtailor.fitting.config import FitConfig, Sampling
from samtailor.fitting.sessions import BOX, Session, draw_session
from samtailor.fitting.strata import select_instances
from samtailor.fitting.words import WordPlan
from samtailor.frames import Frame
from samtailor.prompts import PromptKind, Prompts, simulate_prompts

__all__ = ["Draw", "Sampler", "check_validation", "coverage", "validation_draws"]

_GROUPS: dict[Sampling, Callable[[Instance], Hashable]] = {
    "instances": lambda i: None,
    "classes": lambda i: i.label,
    "rare": lambda i: i.label,
    "sizes": lambda i: i.area.bit_length(),
}

MAX_PER_IMAGE = 5
RARE = 0.3
"""Share of the images; an image with a class that fewer images have is repeated with the sampling ``rare``."""
_EPOCH, _STEP, _VALIDATION = 0, 1, 2  # independent streams of random numbers


@dataclass(frozen=True)
class Draw:
    """Some instances of one image, each with one prompt.

    Attributes:
        image: the image.
        instances: N instances.
        prompts: N prompts; the first ones if there is a session.
        seed: of all other random choices of the step.
        session: how the prompts go on with corrective clicks; None if they do not.
    """

    image: ImageRecord
    instances: tuple[Instance, ...]
    prompts: Prompts
    seed: int = 0
    session: Session | None = None


def coverage(draw: Draw, frame: Frame) -> Tensor:
    """Return the share of each low-res pixel that the true masks cover, (N, l, l) on the CPU."""
    # One mask at a time, on the CPU: masks of large photos would fill an accelerator.
    return torch.cat([frame.masks_to_low_res(torch.from_numpy(i.mask())[None]) for i in draw.instances])


_BOXES = {"click": 0.0, "box": 1.0, "mix": 0.5, "interactive": BOX}
"""Share of boxes among the first prompts."""


def _draw_kind(kind: PromptKind, rng: np.random.Generator) -> Literal["click", "box"]:
    share = _BOXES[kind]
    if share in (0, 1):
        return "box" if share else "click"
    return "click" if rng.random() < 1 - share else "box"


def _draw(
    image: ImageRecord, instances: Sequence[Instance], config: FitConfig, rng: np.random.Generator, turn: int
) -> Draw:
    kind = _draw_kind(config.prompts, rng)
    prompts = simulate_prompts((i.mask() for i in instances), kind, rng.spawn(len(instances)), config.jitter)
    seed = int(rng.integers(2**63))
    session = draw_session(rng) if config.prompts == "interactive" else None
    if words := WordPlan.of(config):
        instances, prompts = words.applied(turn, image, instances, prompts)
    return Draw(image, tuple(instances), prompts, seed, session)


class Sampler:
    """Draws training batches.

    Every epoch shuffles the images. An image contributes up to five of its instances, or the median number per image
    if that is smaller; a batch then has more images. Instances smaller than ``min_area`` pixels, crowd regions and
    images without a usable instance are left out. All other images are used equally often, except with the sampling
    ``rare``, which repeats some in an epoch.

    Args:
        images: of the train split.
        config: size of a batch, kind of prompts, smallest area, seed and sampling.

    Raises:
        DataError: no image has a usable instance.
    """

    def __init__(self, images: Sequence[ImageRecord], config: FitConfig) -> None:
        batch, min_area = config.batch, config.min_area
        usable = [(r, [i for i in r.promptable if i.area >= min_area]) for r in images]
        self.images = [(r, instances) for r, instances in usable if instances]
        if not self.images:
            raise DataError(
                f"None of the {len(images)} training images has an instance of at least {min_area} pixels.",
                "Check the task with `samtailor inspect`: masks may be empty, or all marked as crowd.",
            )
        self.left_out = sum(len(r.promptable) for r in images) - sum(len(i) for _, i in self.images)
        self.per_image = min(MAX_PER_IMAGE, batch, int(np.median([len(i) for _, i in self.images])))
        self.images_per_step = min(math.ceil(batch / self.per_image), len(self.images))
        self.config = config
        self._group = _GROUPS[config.sampling]
        self._counts = Counter(self._group(i) for _, instances in self.images for i in instances)
        self._repeats = _repeats(self.images) if config.sampling == "rare" else None
        self.epoch_length = len(self.images) if self._repeats is None else round(self._repeats.sum())

    def _order(self, instances: Sequence[Instance], rng: np.random.Generator) -> list[int]:
        """Draw the order in which the instances of an image are used."""
        if len(self._counts) == 1:
            return list(rng.permutation(len(instances)))
        share = 1 / np.array([self._counts[self._group(i)] for i in instances])
        return list(rng.choice(len(instances), len(instances), replace=False, p=share / share.sum()))

    def _epoch(self, epoch: int) -> np.ndarray:
        """Return the indices of an epoch's images, in order."""
        rng = np.random.default_rng([self.config.seed, _EPOCH, epoch])
        if self._repeats is None:
            return rng.permutation(len(self.images))
        # Systematic sampling: an image with a factor of 2.4 comes 2 or 3 times, 2.4 times on average.
        ends = self._repeats.cumsum() * (self.epoch_length / self._repeats.sum())
        positions = np.arange(self.epoch_length) + rng.random()
        return rng.permutation(np.searchsorted(ends, positions, side="right").clip(max=len(ends) - 1))

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.epoch_length / self.images_per_step)

    @property
    def prompts_per_step(self) -> int:
        return self.images_per_step * self.per_image

    def batch(self, step: int) -> list[Draw]:
        """Return the draws of a step, counted from 0."""
        draws = []
        for slot in range(self.images_per_step):
            epoch, position = divmod(step * self.images_per_step + slot, self.epoch_length)
            image, instances = self.images[self._epoch(epoch)[position]]
            rng = np.random.default_rng([self.config.seed, _STEP, step, slot])
            # If an image has too few instances, some are used twice, with different prompts.
            indices = [*self._order(instances, rng), *rng.integers(len(instances), size=self.per_image)]
            selected = [instances[i] for i in indices[: self.per_image]]
            draws.append(_draw(image, selected, self.config, rng, step * self.images_per_step + slot))
        return draws


def check_validation(images: Sequence[ImageRecord]) -> None:
    """Raise DataError if no image of the val split has an instance."""
    if not any(r.promptable for r in images):
        raise DataError(f"None of the {len(images)} validation images has an instance.", "Add masks to the val split.")


def _repeats(images: Sequence[tuple[ImageRecord, list[Instance]]]) -> np.ndarray:
    """Compute how often an epoch has each image: the repeat factors of Gupta et al. 2019 (arXiv 1908.03195).

    The factor of a class in a share f of the images is the root of ``RARE`` / f, or 1 if it is larger; that of an image
    is the largest factor of its classes.
    """
    classes = [{i.label for i in instances} for _, instances in images]
    counts = Counter(label for labels in classes for label in labels)
    factors = {label: max(1.0, math.sqrt(RARE * len(images) / count)) for label, count in counts.items()}
    return np.array([max(factors[label] for label in labels) for labels in classes])


def validation_draws(images: Sequence[ImageRecord], config: FitConfig, most: int | None = None) -> list[Draw]:
    """Draw at most ``config.val_prompts`` prompts, once, of every class and spread over many images.

    In a small val split, and in a rare class, each instance gets up to four prompts, so that the score depends less on
    single clicks; see ``select_instances``.

    Args:
        images: of the val split.
        config: kind of prompts and seed.
        most: largest number of prompts instead of ``config.val_prompts``.

    Raises:
        DataError: no image has an instance.
    """
    limit, seed = config.val_prompts if most is None else most, config.seed
    check_validation(images)
    usable = [r for r in images if r.promptable]
    chosen = select_instances([r.promptable for r in usable], limit, np.random.default_rng([seed, _VALIDATION]))
    draws = []
    for turn, ((number, index), instances) in enumerate(chosen.items()):
        rng = np.random.default_rng([seed, _VALIDATION, index, number])
        draws.append(_draw(usable[index], instances, config, rng, turn))
    return draws
