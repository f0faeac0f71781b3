"""Pictures are compared by their thumbnails: changes of size and quality do not matter, crops do."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samtailor.data.doctor import likeness
from tests.data.doctor.helpers import scene


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """Return the picture after JPEG compression."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def are_alike(first: np.ndarray, second: np.ndarray) -> bool:
    """Compare two pictures as the search does."""
    a, b = likeness.thumbnail(first), likeness.thumbnail(second)
    bound = float((likeness.fingerprint(a[None]) @ likeness.fingerprint(b[None]).T).item())
    overall = float(likeness.overall(a, b[None])[0])
    assert bound >= overall - 1e-4, "the product of fingerprints is an upper bound"
    return overall >= likeness.OVERALL and float(likeness.detail(a, b[None])[0]) >= likeness.DETAIL


@given(st.integers(0, 10**6), st.integers(60, 300), st.integers(60, 300), st.integers(30, 95))
def test_resized_darker_and_compressed_pictures_are_alike(seed: int, width: int, height: int, quality: int) -> None:
    picture = scene(seed)
    changed = as_jpeg(Image.fromarray(picture).resize((width, height)), quality)
    assert are_alike(picture, np.array(changed))
    assert are_alike(picture, (255 * (picture / 255) ** 0.9 * 0.9 + 5).astype(np.uint8)), "darker, less contrast"


@given(st.integers(0, 10**6), st.integers(20, 40), st.sampled_from(["left", "top", "middle"]))
def test_crops_and_other_pictures_are_not_alike(seed: int, cut: int, side: str) -> None:
    picture = scene(seed)
    crops = {"left": picture[:, cut:], "top": picture[cut:], "middle": picture[cut // 2 : -cut, cut // 2 : -cut]}
    assert not are_alike(picture, crops[side])
    assert not are_alike(picture, scene(seed + 1))


def test_flat_pictures_have_no_detail() -> None:
    noise = np.random.default_rng(0).integers(10, 14, (128, 128, 3), dtype=np.uint8)
    thumbs = np.stack([likeness.thumbnail(noise), likeness.thumbnail(scene(0))])
    assert likeness.has_detail(thumbs).tolist() == [False, True]
