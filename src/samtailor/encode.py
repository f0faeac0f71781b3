"""Encode images ahead of time, so that later steps need not run the encoder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samtailor.data.formats.files import IMAGE_SUFFIXES
from samtailor.data.opening import as_task
from samtailor.data.task import ImageRecord, Task
from samtailor.embeddings import encoding
from samtailor.embeddings.encoding import EncodeReport
from samtailor.embeddings.opening import AnyCache, as_cache
from samtailor.machine.arguments import AnyPath, as_path, wrong_type
from samtailor.machine.display import ShownProgress, showing
from samtailor.machine.undisturbed import undisturbed
from samtailor.opening import AnyBase, AnyDevice, open_base

__all__ = ["EncodeReport", "encode_images"]

_ACCEPTED = "a Task, a path, or a list of images (records of a task or paths)"


@undisturbed()
def encode_images(
    base: AnyBase,
    images: Task | AnyPath | Sequence[ImageRecord | AnyPath],
    cache: AnyCache = None,
    progress: ShownProgress = True,
    skip_unreadable: bool = False,
    device: AnyDevice = "auto",
) -> EncodeReport:
    """Store the embedding of each image in the cache, unless the cache already has a good one.

    Existing entries are read and checked; images with a good entry are neither decoded nor encoded. If a call is
    stopped, its entries stay and the next call continues from there.

    Example:
        >>> report = encode_images("mobile-sam", "DATA")

    Args:
        base: a base, or its name.
        images: a task or its path, for all its images; or some images, as records of a task or as paths. Equal files
            under two names are encoded once.
        cache: a cache or its folder; None is the user's own.
        progress: True shows a bar in a terminal or a notebook, False shows nothing. A function receives a ``Count`` of
            stage ``Encoding``, with the rate, after each image.
        skip_unreadable: list unreadable images in ``failed`` instead of raising an error when the others are done.
        device: where to load a base that is given by name: auto, cpu, cuda, cuda:1 or mps.

    Raises:
        ArgumentError: an argument is of a wrong type.
        BaseModelError: the base cannot be loaded, or its encoder's output does not have the base's shapes.
        DataError: images could not be read; the cache then has all others.
        CacheError: the cache cannot be written.
    """
    records, store = _records(images), as_cache(cache)
    with showing(progress) as shown:
        return encoding.encode_images(open_base(base, device=device), records, store, shown, skip_unreadable)


def _records(images: Any) -> list[ImageRecord]:
    if isinstance(images, str | os.PathLike):
        path = as_path(images, "images", _ACCEPTED)
        if path.suffix.lower() in IMAGE_SUFFIXES:
            return [_record(path)]
        images = as_task(images, "images")
    if isinstance(images, Task):
        return list(images.images)
    if isinstance(images, ImageRecord):
        return [images]
    try:
        items = list(images)
    except TypeError:
        raise wrong_type("images", images, _ACCEPTED) from None
    return [i if isinstance(i, ImageRecord) else _record(as_path(i, "images", _ACCEPTED)) for i in items]


def _record(path: Path) -> ImageRecord:
    return ImageRecord(path, 0, 0)  # encoding reads the size from the file
