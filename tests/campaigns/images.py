"""Pictures that are damaged, forged or huge, read as images and as masks."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

from samtailor.errors import SamtailorError
from tests.campaigns.campaign import Campaign
from tests.campaigns.mutations.pictures import change_picture
from tests.campaigns.sound.pictures import HUGE, sound_pictures

__all__ = ["HUGE_IMAGES", "IMAGES"]

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")


def read_picture(path: Path) -> str:
    """Read a picture in every way the package does, and compare what the ways say."""
    from samtailor.data import ImageRecord, Task, image_key, image_size, inspect_task, read_image
    from samtailor.data.pixels.masks import read_labels, read_mask_picture

    image_key(path)
    for read in (read_labels, read_mask_picture):
        with suppress(SamtailorError):
            read(path)
    size = image_size(path)
    record = ImageRecord(path, *size)
    inspect_task(Task("x", path.parent, "x", ("a",), {"train": (record,)}))
    pixels = read_image(path)
    assert pixels.dtype == np.uint8 and pixels.shape == (size[1], size[0], 3), (size, pixels.shape)
    return str(size)


def _attempt(group: str, rng: Random, folder: Path) -> str:
    suffix, content = rng.choice(sound_pictures(group))
    path = folder / f"a{suffix}"
    path.write_bytes(change_picture(content, rng) if rng.random() < 0.97 else content)
    return read_picture(path)


@cache
def _content(name: str) -> bytes:
    return HUGE[name][1]()


def _attempt_huge(group: str, rng: Random, folder: Path) -> str:
    path = folder / f"a{HUGE[group][0]}"
    path.write_bytes(_content(group))
    return read_picture(path)


def _prepare() -> None:
    from PIL import Image

    import samtailor.data.doctor.inspect
    import samtailor.data.pixels.images
    import samtailor.data.pixels.masks  # noqa: F401

    Image.init()
    for name in _FORMATS:
        sound_pictures(name)


def _prepare_huge() -> None:
    _prepare()
    for name in HUGE:
        _content(name)


IMAGES = Campaign("images", _FORMATS, _attempt, _prepare)
HUGE_IMAGES = Campaign("huge-images", tuple(HUGE), _attempt_huge, _prepare_huge)
