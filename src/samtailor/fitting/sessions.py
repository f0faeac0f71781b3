"""Simulate how people correct a mask: a first prompt, then clicks where the current mask is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from samtailor.adapters.answer import AdaptedModel
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.losses import hard_truth
from samtailor.prompts import Prompts, next_click, simulate_click

__all__ = ["Session", "continued", "draw_session"]

BOX = 0.25
"""Share of the sessions that begin with a box; the others begin with a click."""
CORRECTED = 0.5
"""Share of the sessions with corrective clicks."""
MOST_CLICKS = 6
"""Largest number of corrective clicks."""
WITH_MASK = 0.5
"""Share of the corrected sessions in which each correction has the mask before it as a mask prompt."""
DEEPEST = 0.5
"""Share of the corrected sessions that click the deepest pixel of the wrong area; the others click a random one."""


@dataclass(frozen=True)
class Session:
    """How a simulated session goes on after its first prompt.

    Attributes:
        clicks: number of corrective clicks.
        with_mask: whether each correction has the logits of the mask before it as a mask prompt.
        deepest: whether clicks are on the deepest pixel of the wrong area, not on a random one.
        seed: of the random pixels.
    """

    clicks: int
    with_mask: bool
    deepest: bool
    seed: int


def draw_session(rng: np.random.Generator) -> Session | None:
    """Draw how a session goes on; None if it ends with its first prompt."""
    if rng.random() >= CORRECTED:
        return None
    clicks = int(rng.integers(1, MOST_CLICKS + 1))
    return Session(clicks, bool(rng.random() < WITH_MASK), bool(rng.random() < DEEPEST), int(rng.integers(2**63)))


@torch.no_grad()
def continued(
    model: AdaptedModel, image: EmbeddedImage, prompts: Prompts, session: Session, coverage: Tensor
) -> Prompts:
    """Play a session with the model as it is now, up to its last prompt. The model does not answer this prompt.

    Masks are compared in the low-res frame, which is as fine as what the model predicts.

    Args:
        model: answers each prompt.
        image: the image.
        prompts: N first prompts.
        session: how all of them go on.
        coverage: (N, l, l), on the CPU: the share of each low-res pixel that the true mask covers.

    Returns:
        N prompts with all clicks of the session, and masks if the session has them.
    """
    truths, valid = hard_truth(coverage).numpy(), image.frame.valid_low_res().numpy()
    rngs = np.random.default_rng(session.seed).spawn(len(prompts))
    for _ in range(session.clicks):
        logits = model.decode(image, prompts).logits[0, :, 0].float().cpu().numpy()
        clicks = [
            _click(mask & valid, truth & valid, rng, session.deepest)
            for mask, truth, rng in zip(logits > 0, truths, rngs, strict=True)
        ]
        places = image.frame.low_res_to_image(torch.from_numpy(np.stack([point for point, _ in clicks]))).numpy()
        labels = np.array([label for _, label in clicks])
        prompts = prompts.with_click(places, labels, logits if session.with_mask else None)
    return prompts


def _click(mask: np.ndarray, truth: np.ndarray, rng: np.random.Generator, deepest: bool) -> tuple[np.ndarray, int]:
    """Correct a mask; if nothing is wrong, click inside it. Without any truth, the click is padding (label -1)."""
    if not truth.any():
        return np.zeros(2, dtype=np.float32), -1
    return next_click(mask, truth, None if deepest else rng) or (simulate_click(truth, rng), 1)
