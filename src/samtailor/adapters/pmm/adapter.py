"""The PLM with a Point Matching Module (PMM) that adds a boundary loss (arXiv 2403.09199, as summarised).

A training step with the PMM:

1. ``contours`` turns the predicted and the true mask of each prompt into P points on the outline.
2. ``features`` samples the mask decoder's upscaled features at the predicted points.
3. ``module``, the PMM, turns these features into an offset for each point.
4. ``loss`` is the distance between the moved points and the true ones.

The contours have no gradient. The gradient goes from the loss through the PMM, the features, the decoder and the prompt
tokens to the PLM. After training, the PMM is dropped.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from samtailor.adapters.plm import PLM
from samtailor.adapters.pmm.contours import contour, jitter_contour
from samtailor.adapters.pmm.features import features_at
from samtailor.adapters.pmm.loss import MATCHES
from samtailor.adapters.pmm.module import PMM
from samtailor.adapters.training_step import TrainingStep
from samtailor.errors import AdapterError
from samtailor.losses import hard_truth
from samtailor.metrics import soft_iou

__all__ = ["PlmPMM"]

CONTOURS = ("predicted", "jittered")
PMM_RATE = 3e-4  # higher than the PLM's, because the PMM starts untrained and the PLM as the identity
JITTER = 0.1  # share of the contour's extent; as much as the sides of a simulated box move


class PlmPMM(PLM):
    """The PLM with the same parameters, trained with the loss of a PMM in addition; only the PLM is kept.

    The PMM moves points of a contour towards those of the truth. Identity before training.

    Args:
        pmm_weight: weight of the term; 0 omits it. A contour is some low-res pixels off; the other terms together are
            about 10 at the end of the warm-up (docs/guides/methods.md).
        pmm_warmup: share of the fit's budget, 0..1, before which the term is omitted and costs nothing, because the
            contour of a poor first mask may be the contour of another object.
        pmm_contour: contours that the PMM starts from: those of the ``predicted`` masks, or ``jittered`` true ones.
        pmm_points: P, points of a contour.
        pmm_iterations: how many times the PMM moves the points, each time with the features at the moved points; the
            losses of all iterations are averaged.
        pmm_stage: where features are read: 2, after the decoder's second up-convolution, or 1, after its first, where
            they have twice the channels at half the resolution; the PMM then has 1,196,098 parameters.
        pmm_match: distance between the moved points and the true ones: ``cyclic``, point by point from the best first
            point; ``chamfer``, to the nearest point, in both directions; ``normal``, to the outline.
        pmm_least_iou: smallest IoU of a predicted mask for which the term counts; below it, the contour may be that of
            another object. 0 is no limit.
        pmm_largest_offset: limit of an offset along x and y, in low-res pixels; 0 is no limit.
        pmm_clip_apart: 1 to limit the gradient of the PMM by itself, so that it does not shrink that of the PLM.
        sizes: sizes of the PLM.

    Raises:
        AdapterError: an option is out of its range.
    """

    method: ClassVar[str] = "plm+pmm"

    def __init__(  # more than seven parameters: options of the method, all by name
        self,
        *,
        pmm_weight: float = 0.1,
        pmm_warmup: float = 0.3,
        pmm_contour: str = "predicted",
        pmm_points: int = 64,
        pmm_iterations: int = 1,
        pmm_stage: int = 2,
        pmm_match: str = "cyclic",
        pmm_least_iou: float = 0.0,
        pmm_largest_offset: float = 0.0,
        pmm_clip_apart: int = 0,
        **sizes: Any,
    ) -> None:
        super().__init__(**sizes)
        _check(pmm_weight, pmm_warmup, pmm_contour, pmm_points, pmm_iterations, pmm_stage)
        _check_repairs(pmm_match, pmm_least_iou, pmm_largest_offset, pmm_clip_apart)
        self.weight, self.warmup, self.start_from = pmm_weight, pmm_warmup, pmm_contour
        self.points, self.iterations, self.stage = pmm_points, pmm_iterations, pmm_stage
        self.match, self.least_iou = pmm_match, pmm_least_iou
        self.largest_offset, self.clip_apart = pmm_largest_offset, pmm_clip_apart
        self.pmm = PMM(self.width // (8 if pmm_stage == 2 else 4))  # channels of SAM's upscaled features

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
            "pmm_match": self.match,
            "pmm_least_iou": self.least_iou,
            "pmm_largest_offset": self.largest_offset,
            "pmm_clip_apart": self.clip_apart,
        }

    def kept_parameters(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in self.owned_parameters().items() if not name.startswith("pmm.")}

    def rate_share(self, name: str) -> float:
        return PMM_RATE / self.peak_rate if name.startswith("pmm.") else 1.0

    def clip_group(self, name: str) -> str:
        return "pmm" if self.clip_apart and name.startswith("pmm.") else ""

    def extra_terms(self, step: TrainingStep) -> dict[str, Tensor]:
        if self.weight == 0 or step.progress < self.warmup:
            return {}
        start, truth, usable = self._contours(step)
        if not usable.any():
            return {"points": torch.zeros_like(usable, dtype=torch.float32)}
        points, losses = start, []
        for _ in range(self.iterations):
            features = features_at(step.decoded, points, step.truth.shape[-1], self.stage)
            points = points.detach() + self._limited(self.pmm(features).float())
            losses.append(MATCHES[self.match](points, truth))
        return {"points": self.weight * torch.stack(losses).mean(0).where(usable, 0.0)}

    def _limited(self, offsets: Tensor) -> Tensor:
        limit = self.largest_offset
        return limit * torch.tanh(offsets / limit) if limit else offsets

    @torch.no_grad()
    def _contours(self, step: TrainingStep) -> tuple[Tensor, Tensor, Tensor]:
        """Find the contours of all prompts.

        Returns:
            Points to start from and points of the truth, (N, P, 2) each, and which prompts have both, (N,) bool. For
            other prompts, both are zeros.
        """
        true = [contour(mask, self.points) for mask in _to_numpy(hard_truth(step.truth) & step.valid)]
        if self.start_from == "jittered":
            rng = np.random.default_rng(step.seed)
            size = int(step.valid.any(0).sum()), int(step.valid.any(1).sum())
            start = [None if line is None else jitter_contour(line, rng, JITTER, size) for line in true]
        else:
            logits = step.decoded.whole()[0, :, 0]
            start = [contour(mask, self.points) for mask in _to_numpy((logits > 0) & step.valid)]
        usable = torch.tensor([a is not None and b is not None for a, b in zip(start, true, strict=True)])
        if self.least_iou:
            predicted = (step.decoded.whole()[0, :, 0] > 0) & step.valid
            usable &= soft_iou(predicted, hard_truth(step.truth), step.valid.float()).cpu() >= self.least_iou
        zeros = np.zeros((self.points, 2), np.float32)
        pairs = [(zeros, zeros) if a is None or b is None else (a, b) for a, b in zip(start, true, strict=True)]
        device = step.truth.device
        start_points, true_points = (torch.from_numpy(np.stack(lines)).to(device) for lines in zip(*pairs, strict=True))
        return start_points, true_points, usable.to(device)


def _to_numpy(masks: Tensor) -> np.ndarray:
    array: np.ndarray = masks.cpu().numpy()
    return array


def _check(weight: float, warmup: float, start_from: str, points: int, iterations: int, stage: int) -> None:
    ranges: dict[str, tuple[object, bool, str]] = {
        "pmm_weight": (weight, 0 <= weight < math.inf, "a number of 0 or more"),
        "pmm_warmup": (warmup, 0 <= warmup <= 1, "a share of the budget, 0 to 1"),
        "pmm_contour": (start_from, start_from in CONTOURS, " or ".join(CONTOURS)),
        "pmm_points": (points, points == int(points) and points >= 3, "a whole number of 3 or more"),
        "pmm_iterations": (iterations, iterations == int(iterations) and iterations >= 1, "a whole number above 0"),
        "pmm_stage": (stage, stage in (1, 2), "1 or 2"),
    }
    _raise_if_invalid(ranges)


def _check_repairs(match: str, least_iou: float, largest_offset: float, clip_apart: int) -> None:
    _raise_if_invalid(
        {
            "pmm_match": (match, match in MATCHES, " or ".join(MATCHES)),
            "pmm_least_iou": (least_iou, 0 <= least_iou <= 1, "an IoU, 0 to 1"),
            "pmm_largest_offset": (largest_offset, 0 <= largest_offset < math.inf, "a number of 0 or more"),
            "pmm_clip_apart": (clip_apart, clip_apart in (0, 1), "0 or 1"),
        }
    )


def _raise_if_invalid(ranges: dict[str, tuple[object, bool, str]]) -> None:
    for name, (value, valid, expected) in ranges.items():
        if not valid:
            raise AdapterError(f"{name} is {value!r}; expected {expected}.", "Change this option of the method.")
