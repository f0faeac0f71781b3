"""One mask picture of a data set: its values with their masks, before it is known what the values mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from samtailor.data.formats.class_tables import Colour
from samtailor.data.formats.grey_edges import grey_edges, is_thin, threshold
from samtailor.data.formats.label_maps import VOID
from samtailor.data.formats.sizes import check_mask_size
from samtailor.data.pixels.masks import MaskPicture, read_mask_picture
from samtailor.data.pixels.pieces import large_pieces
from samtailor.data.pixels.pillow import exif_turn
from samtailor.data.pixels.rle import Rle, label_rles, mask_rle
from samtailor.data.pixels.tiff import turned
from samtailor.errors import DataError

__all__ = ["MaskContent", "read_mask_content"]

_MOST_VALUES = 65536


@dataclass
class MaskContent:
    """The values of a mask picture.

    Attributes:
        path: the file.
        size: (height, width), pixels.
        masks: value -> compressed RLE and area. Without colours the value 0 is left out.
        colours: value -> its colour; None if the picture has no colours.
        is_palette: True if the values are the indices of a palette.
        pieces: value -> areas of its large pieces; empty if they were not counted.
        thin_void: True if the value 255 is a thin line, as around objects in Pascal VOC.
        smoothed: True if greys along edges were removed with a threshold.
        lossy: True if they come from lossy compression.
        inverted: True if the file says that 0 is white.
        turn: what the EXIF rotation of the image did: ``turned`` if the mask was turned like its image, ``unclear`` if
            it is not known whether it should be, or an empty text.
    """

    path: Path
    size: tuple[int, int]
    masks: dict[int, tuple[Rle, int]]
    colours: dict[int, Colour] | None = None
    is_palette: bool = False
    pieces: dict[int, tuple[int, ...]] = field(default_factory=dict)
    thin_void: bool = False
    smoothed: bool = False
    lossy: bool = False
    inverted: bool = False
    turn: str = ""

    @property
    def values(self) -> set[int]:
        """The values that occur."""
        return set(self.masks)

    @property
    def is_full(self) -> bool:
        """True if no pixel has the value 0."""
        return sum(area for _, area in self.masks.values()) == self.size[0] * self.size[1]

    def places(self) -> tuple[list[float], list[float]]:
        """Return the left and the upper edges of the masks, in rising order of values."""
        boxes = [coco_mask.toBbox(self.masks[value][0]) for value in sorted(self.masks)]
        return [float(box[0]) for box in boxes], [float(box[1]) for box in boxes]

    def without_values(self) -> tuple[Rle, int]:
        """Return the mask of the pixels with the value 0."""
        covered = np.zeros(self.size, dtype=bool)
        for rle, _ in self.masks.values():
            covered |= coco_mask.decode(rle).astype(bool)
        return mask_rle(~covered), int((~covered).sum())

    def union(self, values: set[int]) -> tuple[Rle, int] | None:
        """Return the mask of several values; None if none of them occurs."""
        chosen = [self.masks[value] for value in sorted(values & self.values)]
        if len(chosen) < 2:
            return chosen[0] if chosen else None
        rle = dict(coco_mask.merge([rle for rle, _ in chosen]))
        return rle, sum(area for _, area in chosen)


def read_mask_content(
    path: Path, image: Path, width: int, height: int, count: bool = True, smooth: bool | None = None
) -> MaskContent:
    """Read a mask picture.

    Args:
        path: the mask picture.
        image: its image.
        width: width of the image after EXIF rotation, pixels.
        height: its height.
        count: count the pieces of each value.
        smooth: True to threshold the values, False not to, None to do it if greys occur along edges only.

    Raises:
        DataError: the mask cannot be read, has another size, or values that are not labels.
    """
    picture = _as_greys(read_mask_picture(path))
    values, turn = _like_image(picture.values, path, image, width, height)
    if picture.lossy and picture.colours is not None:
        raise _lossy(path, picture.lossy)
    content = MaskContent(path, (height, width), {}, inverted=picture.inverted, turn=turn, lossy=bool(picture.lossy))
    if picture.colours is None:
        values = _labels(values, path)
        edges = grey_edges(values, bool(picture.lossy)) if smooth is None else ("two" if smooth else "")
        if edges == "several" or (picture.lossy and edges != "two" and len(np.unique(values)) > 2):
            raise _lossy(path, picture.lossy) if picture.lossy else _smoothed(path, values)
        if edges == "two":
            values, content.smoothed = threshold(values), True
        content.masks = label_rles(values)
        content.thin_void = VOID in content.masks and len(content.masks) > 1 and is_thin(values == VOID)
    else:
        shifted = label_rles(values.astype(np.int32) + 1)  # with the value 0, which need not be background
        content.masks = {value - 1: mask for value, mask in shifted.items()}
        known = len(picture.colours)
        content.colours = {value: picture.colours[value] for value in content.masks if value < known}
        content.is_palette = picture.is_palette
        content.thin_void = VOID in content.masks and len(content.masks) > 2 and is_thin(values == VOID)
    if count:
        content.pieces = large_pieces(values)
    return content


def _as_greys(picture: MaskPicture) -> MaskPicture:
    """Turn a palette of many greys into greys: an image editor wrote a grey picture with a palette."""
    if not picture.is_palette or picture.colours is None:
        return picture
    used = np.unique(picture.values).tolist()
    if len(used) <= 4 or used[-1] >= len(picture.colours):
        return picture
    if any(len(set(picture.colours[value])) > 1 for value in used):
        return picture
    greys = np.array([colour[0] for colour in picture.colours], dtype=np.uint8)
    return MaskPicture(greys[picture.values]) if len(set(greys[used].tolist())) == len(used) else picture


def _like_image(values: np.ndarray, path: Path, image: Path, width: int, height: int) -> tuple[np.ndarray, str]:
    """Turn a mask of the stored pixels like its image, if its size says so."""
    turn = exif_turn(image)
    if values.shape == (width, height) and width != height and turn > 4:
        return np.ascontiguousarray(turned(values, turn)), "turned"
    check_mask_size(path, values, image, width, height)
    is_unclear = turn > 1 and (turn <= 4 or width == height) and exif_turn(path) == 1
    return values, "unclear" if is_unclear else ""


def _labels(values: np.ndarray, path: Path) -> np.ndarray:
    """Return values from 0 on. If values are large, they are replaced by consecutive numbers."""
    if values.size == 0 or values.min() < 0:
        raise DataError(
            f"Mask {path} has values from {values.min(initial=0)} to {values.max(initial=0)}; expected 0 and more.",
            "Save the mask with 0 for background, as 8- or 16-bit PNG.",
        )
    if values.max() < _MOST_VALUES:
        return values.astype(np.int64) if values.dtype == np.uint64 else values  # which numpy cannot count
    used, positions = np.unique(values, return_inverse=True)
    if len(used) > _MOST_VALUES:
        raise DataError(f"Mask {path} has {len(used)} values; it does not look like labels.", "Export labels.")
    positions = positions.reshape(values.shape)
    return positions if used[0] == 0 else positions + 1


def _lossy(path: Path, name: str) -> DataError:
    return DataError(
        f"Mask {path} has lossy {name} compression, which changes values along every edge; expected a lossless file.",
        "Export the mask again as PNG. Converting this file to PNG does not restore its values.",
    )


def _smoothed(path: Path, values: np.ndarray) -> DataError:
    return DataError(
        f"Mask {path} has {len(np.unique(values))} values, most of them along edges only: it was scaled with "
        "smoothing, or was a JPEG; expected one value for each class or object.",
        "Export the mask again, as PNG. If you scale masks, use nearest neighbour.",
    )
