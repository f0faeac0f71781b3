"""Polygons along the borders of pixels fill the same mask again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from samtailor.data.pixels.outlines import mask_polygons
from samtailor.data.pixels.rle import polygons_rle


@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=10)))
def test_the_polygons_of_a_mask_fill_the_mask(mask: np.ndarray) -> None:
    polygons = mask_polygons(mask)
    assert bool(polygons) == bool(mask.any())
    if polygons:
        rle, area = polygons_rle(polygons, *mask.shape)
        assert (coco_mask.decode(rle) == mask).all() and area == mask.sum()


def test_a_mask_is_cut_at_its_hole() -> None:
    ring = np.ones((3, 3), dtype=bool)
    ring[1, 1] = False
    assert len(mask_polygons(ring)) == 2
