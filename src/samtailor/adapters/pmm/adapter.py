"""The PLM with a Point Matching Module that teaches boundaries while training (arXiv 2403.09199, as summarised)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from samtailor.adapters.lesson import Lesson
from samtailor.adapters.plm import PLM
from samtailor.adapters.pmm.contours import contour, jitter_contour
from samtailor.adapters.pmm.features import features_at
from samtailor.adapters.pmm.loss import point_matching_loss
from samtailor.adapters.pmm.module import PMM
from samtailor.errors import AdapterError
from samtailor.losses import hard_truth

__all__ = ["MatchedPLM"]

START_FROM = ("predicted", "jittered")
PMM_RATE = 3e-4  # it starts from nothing, where the PLM starts as the identity
JITTER = 0.1  # share of the contour's extent; as much as a simulated box's sides move


class MatchedPLM(PLM):
    """The PLM, parameter for parameter, and a PMM whose loss it is trained with in addition; only the PLM is kept.

    Points of a contour are moved by the PMM towards the truth's; contours give no gradient, so that it goes through
    the features at the points, the decoder and the tokens to the PLM. Identity before training.

    Args:
        pmm_weight: of the term; 0 leaves it out. A contour is some low-res pixels off; the other terms together are
            about 10 where the warm-up ends (docs/guides/methods.md).
        pmm_warmup: share of the fit's budget, 0..1, before which the term is left out and costs nothing: the contour of
            a poor first mask may be another object's.
        pmm_contour: which contours the PMM starts from: those of the ``predicted`` masks, or ``jittered`` true ones.
        pmm_points: P, points of a contour.
        pmm_iterations: how often the PMM moves the points, each time by features at the moved ones; their losses are
            averaged.
        pmm_stage: where features are read: 2, after the decoder's second up-convolution, or 1, after its first, where
            they have twice the channels at half the resolution; the PMM then has 1,196,098 parameters.
        sizes: the PLM's.

    Raises:
        AdapterError: one of them is out of its range.
    """

    method: ClassVar[str] = "plm+pmm"
    trains: ClassVar[str] = "as plm; a Point Matching Module teaches boundaries while training"

    def __init__(
        self,
        *,
        pmm_weight: float = 0.1,
        pmm_warmup: float = 0.3,
        pmm_contour: str = "predicted",
        pmm_points: int = 64,
        pmm_iterations: int = 1,
        pmm_stage: int = 2,
        **sizes: Any,
    ) -> None:
        super().__init__(**sizes)
        _check(pmm_weight, pmm_warmup, pmm_contour, pmm_points, pmm_iterations, pmm_stage)
        self.weight, self.warmup, self.start_from = pmm_weight, pmm_warmup, pmm_contour
        self.points, self.iterations, self.stage = pmm_points, pmm_iterations, pmm_stage
        self.pmm = PMM(self.width // (8 if pmm_stage == 2 else 4))  # as SAM's decoder narrows

    @property
    def config(self) -> dict[str, Any]:
        return {
            **super().config,
            "pmm_weight": self.weight,
            "pmm_warmup": self.warmup,
            "pmm_contour": self.start_from,
            "pmm_points": self.points,
            "pmm_iterations": self.iterations,
            "pmm_stage": self.stage,
        }

    def kept_parameters(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in self.owned_parameters().items() if not name.startswith("pmm.")}

    def rate_share(self, name: str) -> float:
        return PMM_RATE / self.peak_rate if name.startswith("pmm.") else 1.0

    def extra_terms(self, lesson: Lesson) -> dict[str, Tensor]:
        if self.weight == 0 or lesson.progress < self.warmup:
            return {}
        start, truth, found = self._contours(lesson)
        if not found.any():
            return {"points": torch.zeros_like(found, dtype=torch.float32)}
        points, losses = start, []
        for _ in range(self.iterations):
            features = features_at(lesson.decoded, points, lesson.truth.shape[-1], self.stage)
            points = points.detach() + self.pmm(features).float()
            losses.append(point_matching_loss(points, truth))
        return {"points": self.weight * torch.stack(losses).mean(0).where(found, 0.0)}

    @torch.no_grad()
    def _contours(self, lesson: Lesson) -> tuple[Tensor, Tensor, Tensor]:
        """Where the points start and where they belong, (N, P, 2) each, and which of the N have both, (N,) bool."""
        true = [contour(mask, self.points) for mask in _as_masks(hard_truth(lesson.truth) & lesson.valid)]
        if self.start_from == "jittered":
            rng = np.random.default_rng(lesson.noise)
            size = int(lesson.valid.any(0).sum()), int(lesson.valid.any(1).sum())
            start = [None if line is None else jitter_contour(line, rng, JITTER, size) for line in true]
        else:
            logits = lesson.decoded.whole()[0, :, 0]
            start = [contour(mask, self.points) for mask in _as_masks((logits > 0) & lesson.valid)]
        nowhere = np.zeros((self.points, 2), np.float32)
        device = lesson.truth.device
        pairs = [(nowhere, nowhere) if a is None or b is None else (a, b) for a, b in zip(start, true, strict=True)]
        found = torch.tensor([a is not None and b is not None for a, b in zip(start, true, strict=True)])
        one, other = (torch.from_numpy(np.stack(side)).to(device) for side in zip(*pairs, strict=True))
        return one, other, found.to(device)


def _as_masks(masks: Tensor) -> np.ndarray:
    array: np.ndarray = masks.cpu().numpy()
    return array


def _check(weight: float, warmup: float, start_from: str, points: int, iterations: int, stage: int) -> None:
    ranges = {
        "pmm_weight": (weight, 0 <= weight < math.inf, "a number of 0 or more"),
        "pmm_warmup": (warmup, 0 <= warmup <= 1, "a share of the budget, 0 to 1"),
        "pmm_contour": (start_from, start_from in START_FROM, " or ".join(START_FROM)),
        "pmm_points": (points, points == int(points) and points >= 3, "a whole number of 3 or more"),
        "pmm_iterations": (iterations, iterations == int(iterations) and iterations >= 1, "a whole number above 0"),
        "pmm_stage": (stage, stage in (1, 2), "1 or 2"),
    }
    for name, (value, good, expected) in ranges.items():
        if not good:
            raise AdapterError(f"{name} is {value!r}.", f"It must be {expected}.")
