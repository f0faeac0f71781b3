"""Masks at the size of the image, made in windows and strips, equal those that are made at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from samtailor.adapters import full_size
from samtailor.adapters.full_size import mask_of, patch_of
from samtailor.frames import Frame

KINDS = ("noise", "blob", "rounded", "negative", "positive", "one pixel", "zeros")


def logits_of(kind: str, side: int, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((side, side)).astype(np.float32) * 4 - np.float32(rng.uniform(0, 8))
    if kind == "blob":
        rows, columns = np.mgrid[:side, :side] - rng.uniform(-2, side + 2, (2, 1, 1))
        noise = (rng.uniform(1, side) - np.hypot(rows, columns)).astype(np.float32)
    if kind == "rounded":  # many values are exactly 0, and many means cancel exactly
        noise = noise.round()
    if kind in ("negative", "positive"):
        noise = np.abs(noise) * (1 if kind == "positive" else -1)
    if kind == "one pixel":
        noise = np.full((side, side), -1, dtype=np.float32)
        noise[tuple(rng.integers(side, size=2))] = 30
    if kind == "zeros":
        noise = np.zeros((side, side), dtype=np.float32)
    return torch.from_numpy(noise)


def plain(logits: torch.Tensor, frame: Frame) -> np.ndarray:
    return np.asarray((frame.logits_to_image(logits[None, None]) > 0)[0, 0])


@given(
    side=st.sampled_from([4, 16, 33, 72]),
    ratio=st.sampled_from([1, 3, 4]),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    squashed=st.booleans(),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 1000),
    strip=st.sampled_from([1, 500, 1 << 17]),
)
def test_masks_equal_those_made_at_once(
    side: int, ratio: int, size: tuple[int, int], squashed: bool, kind: str, seed: int, strip: int
) -> None:
    """Bit for bit, for every placement of the image, also where the mask leaves the image into the padding."""
    width, height = size
    input_size = side * ratio
    scale = input_size / max(size)
    resized = (max(1, round(width * scale)), max(1, round(height * scale)))
    frame = Frame(width, height, input_size, side, (input_size, input_size) if squashed else resized)
    logits = logits_of(kind, side, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(full_size, "STRIP", strip)
        mask, cut = mask_of(logits, frame), patch_of(logits, frame)
    expected = plain(logits, frame)
    assert np.array_equal(mask, expected)
    assert np.array_equal(cut.whole(), expected)
    if not expected.any() and not (logits > 0).any():
        assert cut.pixels.size == 0


def test_a_small_object_of_a_large_photo_has_a_small_window() -> None:
    frame = Frame(4000, 3000, 1024, 256, (1024, 768))
    logits = torch.full((256, 256), -5.0)
    logits[100:104, 60:66] = 8
    cut = patch_of(logits, frame)
    assert max(cut.pixels.shape) < 200
    assert np.array_equal(cut.whole(), plain(logits, frame))
