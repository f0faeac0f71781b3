"""Errors about sizes that do not match."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from samtailor.errors import DataError

__all__ = ["check_mask_size", "pixel_size", "stated_size_error", "whole_size"]

_UPRIGHT = "The size of an image is its size after EXIF rotation."


def pixel_size(width: Any, height: Any) -> str:
    """Return a size in words: ``12 x 8 pixels (width x height)``."""
    return f"{width} x {height} pixels (width x height)"


def check_mask_size(mask: Path, labels: np.ndarray, image: Path | str, width: int, height: int) -> None:
    """Raise DataError if a mask picture and its image have different sizes.

    Args:
        mask: file of the mask, for the message.
        labels: (H, W) its pixels.
        image: file of the image, for the message.
        width: width of the image, pixels.
        height: height of the image, pixels.
    """
    if labels.shape != (height, width):
        raise DataError(
            f"Mask {mask} has {pixel_size(labels.shape[1], labels.shape[0])}, but its image {image} has "
            f"{width} x {height}; expected equal sizes.",
            f"Export the mask at the size of the image. {_UPRIGHT}",
        )


def whole_size(stated: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return a stated size with whole numbers that are written as text, such as "640", as numbers."""
    width, height = (
        int(side) if isinstance(side, str) and side.strip().isdecimal() and len(side) < 10 else side for side in stated
    )
    return width, height


def stated_size_error(file: Path, stated: tuple[Any, Any], image: Path, actual: tuple[int, int]) -> DataError:
    """Return the error for an annotation file that states a wrong image size.

    Args:
        file: the annotation file.
        stated: (width, height) in the file.
        image: file of the image.
        actual: (width, height) of the image.
    """
    swapped = " The sides are swapped: the photo has an EXIF rotation." if stated == actual[::-1] else ""
    return DataError(
        f"{file} states {pixel_size(*stated)} for its image, but {image} has {actual[0]} x {actual[1]}; expected "
        "the same whole numbers.",
        f"Use the image that was annotated. {_UPRIGHT}{swapped}",
    )
