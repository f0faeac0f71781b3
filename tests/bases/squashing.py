"""A base for tests that squashes images to a square, as SAM 2 does: no padding, and two different scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from samtailor.bases.base import Base
from samtailor.bases.sam.base import SamBase, fingerprint_of
from samtailor.bases.sam.preprocess import to_input
from samtailor.frames import Frame

__all__ = ["SquashingSam"]


class SquashingSam(SamBase):
    """The parts of a SAM behind another frame and another preprocessing.

    Args:
        sam: a ``SamBase``, whose parts are shared.
    """

    def __init__(self, sam: Base) -> None:
        assert isinstance(sam, SamBase)
        fingerprint = fingerprint_of(sam.state_dict(), "squashed to a square")
        super().__init__(f"squashing {sam.name}", sam.image_encoder, sam.prompt_encoder, sam.mask_decoder, fingerprint)

    def frame(self, width: int, height: int) -> Frame:
        side = self.input_size
        return Frame(width, height, side, 4 * self.grid, (side, side))

    def pixels(self, images: Sequence[np.ndarray]) -> Tensor:
        size = (self.input_size, self.input_size)
        squares = [np.asarray(Image.fromarray(i).resize(size, Image.Resampling.BILINEAR)) for i in images]
        return to_input(squares, self.input_size).to(self.device)
