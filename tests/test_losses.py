"""Scores and losses compared with independent implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from samtailor.fitting.cells import full_target
from samtailor.losses import Target, dice_loss, focal_loss, mask_losses
from samtailor.metrics import count_pixels, iou, mean_over_classes, mean_over_instances, per_class_means, soft_iou

pairs = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)


@given(pairs)
def test_iou_agrees_with_pycocotools(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    if not a.any() and not b.any():
        assert iou(count_pixels(a, b)) == 1.0  # defined here; pycocotools says 0
        return
    rles = [coco_mask.encode(np.asfortranarray(m.astype(np.uint8))) for m in pair]
    assert iou(count_pixels(a, b)) == pytest.approx(coco_mask.iou([rles[0]], [rles[1]], [0])[0, 0], abs=1e-12)


@given(pairs)
def test_soft_iou_equals_iou_if_all_pixels_are_valid(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = (torch.from_numpy(m)[None] for m in pair)
    value = soft_iou(a, b, torch.ones(a.shape[1:], dtype=torch.bool))
    assert float(value) == pytest.approx(iou(count_pixels(*pair)), abs=1e-6)


def test_reductions_average_over_instances_or_classes() -> None:
    scores, labels = [1.0, 0.0, 0.5], ["a", "a", "b"]
    assert mean_over_instances(scores) == 0.5
    assert per_class_means(scores, labels) == {"a": (0.5, 2), "b": (0.5, 1)}
    assert mean_over_classes([1.0, 1.0, 0.0], labels) == 0.5
    assert math.isnan(mean_over_instances([]))
    assert math.isnan(mean_over_classes([], []))


@given(st.integers(0, 100))
def test_focal_loss_agrees_with_torchvision(seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 6, 7, generator=rng) * 4
    truth = (torch.rand(3, 6, 7, generator=rng) > 0.6).float()
    expected = torchvision.ops.sigmoid_focal_loss(logits, truth, reduction="none").mean((1, 2))
    torch.testing.assert_close(focal_loss(logits, truth, torch.ones(6, 7, dtype=torch.bool)), expected)


def test_dice_loss_equals_a_calculation_by_hand() -> None:
    """Two of four pixels are right: (2 * 1 + 1) / (2 + 1 + 1), including the smoothing."""
    logits = torch.tensor([[[100.0, 100.0], [-100.0, -100.0]]])
    truth = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    loss = dice_loss(logits, truth, torch.ones(2, 2, dtype=torch.bool))
    torch.testing.assert_close(loss, torch.tensor([1 - 3 / 4]))


def test_padding_does_not_count() -> None:
    logits, truth = torch.randn(2, 8, 8), (torch.rand(2, 8, 8) > 0.5).float()
    valid = torch.zeros(8, 8, dtype=torch.bool)
    valid[:5, :6] = True
    changed = torch.where(valid, logits, torch.full_like(logits, 9.0))
    for loss in (focal_loss, dice_loss):
        torch.testing.assert_close(loss(logits, truth, valid), loss(changed, truth, valid))


def test_the_iou_term_is_the_squared_error_of_the_estimate() -> None:
    truth = torch.zeros(1, 4, 4)
    truth[:, :2] = 1
    logits = torch.where(truth > 0, 5.0, -5.0)
    terms = mask_losses(logits, torch.tensor([0.4]), full_target(truth, torch.ones(4, 4, dtype=torch.bool)))
    torch.testing.assert_close(terms["iou"], torch.tensor([0.36]))


def test_gradients_of_large_logits_are_finite() -> None:
    logits = torch.tensor([[[1e4, -1e4], [1e4, -1e4]]], requires_grad=True)
    truth = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    valid = torch.ones(2, 2, dtype=torch.bool)
    (focal_loss(logits, truth, valid) + dice_loss(logits, truth, valid)).sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_an_instance_thinner_than_a_low_res_pixel_is_not_empty() -> None:
    """Otherwise an empty mask would count as perfect, and the IoU estimate would learn that."""
    low = torch.zeros(1, 8, 8)
    low[0, 3, 3] = 0.1
    valid = torch.ones(8, 8, dtype=torch.bool)
    terms = mask_losses(torch.full((1, 8, 8), -5.0), torch.tensor([1.0]), full_target(low, valid))
    assert float(terms["iou"]) == 1.0  # estimated 1, real 0


def test_the_focal_losses_balance_of_a_single_pixel_is_at_half_with_equal_weights() -> None:
    """The loss of one pixel that is foreground half of the time is least at 0.5; with alpha 0.25, below it."""
    p = torch.linspace(0.01, 0.99, 99)
    for alpha, least in ((0.5, 0.5), (0.25, 0.4)):
        losses = [
            mask_losses(torch.logit(p)[:, None], p, Target(t, t > 0, torch.ones(()), torch.ones(())), alpha)["focal"]
            for t in (torch.zeros(99, 1), torch.ones(99, 1))
        ]
        assert float(p[(losses[0] + losses[1]).argmin()]) == pytest.approx(least, abs=0.011)
