"""A learned quality score: how good is this mask, from its logits and the head's proposals?

A model's own estimate is trained on masks of prompts that people place. The masks of proposals are others: two
instances in one, or a piece of background.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["FEATURES", "Quality", "mask_features"]

FEATURES = (
    "estimate",
    "strength",
    "area",
    "stability",
    "certainty",
    "edge",
    "foreground inside",
    "foreground around",
    "depth inside",
    "deepest",
    "peaks",
)
"""What the score of a mask is computed from, see ``mask_features``."""
UNITS = 32


def mask_features(
    logits: Tensor, estimates: np.ndarray, foreground: Tensor, depth: Tensor, strengths: np.ndarray
) -> np.ndarray:
    """Compute what the scores of n masks depend on.

    Args:
        logits: (n, l, l), low-res frame.
        estimates: (n,) the model's own estimates of IoU.
        foreground: (n, l, l) the head's probabilities for the class of each mask.
        depth: (n, l, l) the head's depth for the class of each mask.
        strengths: (n,) of the seeds.

    Returns:
        (n, F) float32, in the order of ``FEATURES``: estimate; strength of the seed; root of the area's share of the
        image; IoU of the masks at logits 1 and -1; mean distance of the probability from 1/2; share of the mask on its
        edge; mean foreground inside; mean foreground in a ring around; mean and largest depth inside; share of the mask
        that is deeper than 0.7, which is large if two instances are in one mask.
    """
    mask = logits > 0
    area = mask.sum((1, 2)).clamp(min=1).float()
    inner, outer = (logits > 1).sum((1, 2)).float(), (logits > -1).sum((1, 2)).clamp(min=1).float()
    certainty = ((torch.sigmoid(logits) - 0.5).abs() * mask).sum((1, 2)) / area
    grown = F.max_pool2d(mask[:, None].float(), 5, 1, 2)[:, 0] > 0
    shrunk = F.max_pool2d((~mask)[:, None].float(), 3, 1, 1)[:, 0] == 0
    ring = grown & ~mask
    around = (foreground * ring).sum((1, 2)) / ring.sum((1, 2)).clamp(min=1)
    columns = (
        torch.as_tensor(estimates, dtype=torch.float32),
        torch.as_tensor(strengths, dtype=torch.float32),
        (area / mask[0].numel()).sqrt(),
        inner / outer,
        2 * certainty,
        1 - shrunk.sum((1, 2)) / area,
        (foreground * mask).sum((1, 2)) / area,
        around,
        (depth * mask).sum((1, 2)) / area,
        (depth * mask).amax((1, 2)),
        ((depth > 0.7) & mask).sum((1, 2)) / area,
    )
    features: np.ndarray = torch.stack([column.float() for column in columns], dim=1).numpy()
    return features


class Quality(nn.Module):
    """A small MLP from the features of a mask to its IoU, after standardising them."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        count = len(FEATURES)
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("deviation", torch.ones(count))
        self.layers = nn.Sequential(nn.Linear(count, UNITS), nn.GELU(), nn.Linear(UNITS, UNITS), nn.GELU())
        self.leave = nn.Linear(UNITS, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits of the scores (n,) of features (n, F)."""
        standard = (features - self.mean) / self.deviation
        logits: Tensor = self.leave(self.layers(standard))[:, 0]
        return logits

    @torch.inference_mode()
    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return the scores (n,) float32, 0..1."""
        scores: np.ndarray = torch.sigmoid(self(torch.from_numpy(features))).numpy()
        return scores

    @classmethod
    def fitted(cls, features: np.ndarray, ious: np.ndarray, seed: int = 0, steps: int = 400) -> Quality:
        """Fit to the true IoU of masks: cross-entropy with the IoU as a soft label, by AdamW over all masks at once.

        Args:
            features: (n, F).
            ious: (n,) IoU of each mask with the instance that it covers best; 0 if it covers none.
            seed: of the first parameters.
            steps: of the optimiser.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            quality = cls()
        data, truth = torch.from_numpy(features), torch.from_numpy(ious.astype(np.float32))
        quality.mean.copy_(data.mean(0))
        quality.deviation.copy_(data.std(0).clamp(min=1e-3) if len(data) > 1 else torch.ones(data.shape[1]))
        optimiser = torch.optim.AdamW(quality.parameters(), lr=1e-2, weight_decay=1e-2)
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = 1e-2 * (1 - step / steps)
            optimiser.zero_grad()
            loss = F.binary_cross_entropy_with_logits(quality(data), truth)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        return quality.eval().requires_grad_(False)
