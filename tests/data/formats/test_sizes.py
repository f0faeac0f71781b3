"""Errors about sizes name both files and both sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data.formats.sizes import check_mask_size, pixel_size, stated_size_error
from tests.data.helpers import data_error


def test_a_mask_of_another_size_is_an_error() -> None:
    check_mask_size(Path("m.png"), np.zeros((8, 12)), Path("i.jpg"), 12, 8)
    with data_error("Mask m.png has 8 x 12 pixels (width x height), but its image i.jpg has 12 x 8"):
        check_mask_size(Path("m.png"), np.zeros((12, 8)), Path("i.jpg"), 12, 8)


def test_a_stated_size_is_compared_with_the_image_and_swapped_sides_are_explained() -> None:
    assert pixel_size(12, 8) == "12 x 8 pixels (width x height)"
    error = stated_size_error(Path("a.xml"), (13, 8), Path("i.jpg"), (12, 8))
    assert error.what.startswith("a.xml states 13 x 8 pixels (width x height) for its image, but i.jpg has 12 x 8")
    assert "swapped" not in error.hint and error.hint.startswith("Use the image that was annotated")
    assert "swapped" in stated_size_error(Path("a.xml"), (8, 12), Path("i.jpg"), (12, 8)).hint
