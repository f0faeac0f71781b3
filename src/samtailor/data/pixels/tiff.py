"""Read TIFF files that Pillow cannot read, or reads with a loss: many bands, more than 16 bits, deep colours.

Pillow finds the tags and decompresses the bytes, whatever the compression: the strips or tiles are passed to it as a
grey picture of 8 bits. This file only puts the bytes together.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from samtailor.data.pixels.bands import channel_pages, chosen_bands
from samtailor.data.pixels.limits import check_size, without_pillows_limit
from samtailor.errors import ImageError
from samtailor.machine.reading import open_regular

__all__ = ["Tiff", "read_tags", "turned"]

_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_WHOLE_NUMBERS = (*range(256, 260), 262, 266, 273, 274, 277, 278, 279, 284, 317, *range(322, 326), 338, 339)
_MAX_BYTES = 1 << 31  # of all bands that are read
_ALPHA = (1, 2)  # kinds of extra bands that are transparency
_RGB = 2
_MOST_PAGES = 64  # whose tags are kept
_OTHER_COLOURS = (5, 6, 8)  # inks, YCbCr and Lab, which Pillow converts


@dataclass(frozen=True)
class Tiff:
    """The first page of a TIFF file.

    Attributes:
        path: the file.
        order: "<" or ">", the order of bytes.
        tags: number of the tag -> its values.
        same_pages: other pages of the same size; more than 0 for a stack.
        channels: the tags of all pages, if each page is a channel of one picture; empty otherwise.
    """

    path: Path
    order: str
    tags: dict[int, tuple[Any, ...]]
    same_pages: int
    channels: tuple[dict[int, tuple[Any, ...]], ...] = ()

    @property
    def width(self) -> int:
        """Stored width, pixels."""
        return self._number(256)

    @property
    def height(self) -> int:
        """Stored height, pixels."""
        return self._number(257)

    @property
    def bands(self) -> int:
        """Number of bands, or of pages that are channels."""
        return len(self.channels) or self._number(277, 1)

    @property
    def bits(self) -> int:
        """Bits of a value; 0 if the bands differ."""
        bits = set(self.tags.get(258, (1,)))
        return int(bits.pop()) if len(bits) == 1 else 0

    @property
    def kind(self) -> str:
        """``u`` for whole numbers, ``i`` for signed ones, ``f`` for floats; empty for others."""
        kinds = {_KINDS.get(int(number), "") for number in self.tags.get(339, (1,))}
        return kinds.pop() if len(kinds) == 1 else ""

    @property
    def orientation(self) -> int:
        """Orientation, 1 to 8."""
        turn = self._number(274, 1)
        return turn if 1 <= turn <= 8 else 1

    @property
    def nodata(self) -> float | None:
        """The value of missing pixels, as GDAL writes it."""
        try:
            return float(str(self.tags[42113][0]).strip("\0 "))
        except (KeyError, ValueError, IndexError):
            return None

    @property
    def picture_bands(self) -> tuple[int, ...]:
        """Positions of the bands that make the picture: one for grey, three for red, green and blue."""
        return chosen_bands(self.bands, self._number(262, 1) == _RGB, self.tags)

    @property
    def unread_bands(self) -> int:
        """Number of bands that are neither colours nor transparency."""
        if self._number(262, 1) in _OTHER_COLOURS:
            return 0
        extra = self.bands - len(self.picture_bands)
        return max(0, extra - sum(kind in _ALPHA for kind in self.tags.get(338, ())))

    @property
    def is_deep(self) -> bool:
        """True if values of more than 8 bits are scaled to 8."""
        return self.bits > 8 and self._number(262, 1) not in _OTHER_COLOURS

    @property
    def needs_own_reader(self) -> bool:
        """True if Pillow cannot read the file, or only a part of its bits or of its bands."""
        if self._number(262, 1) in _OTHER_COLOURS:
            return False
        if self.channels:
            return True
        if self.bits == 8:
            return self.bands > 4 or self.kind == "i"
        odd = self.bands > 1 or self.kind == "f" or self.nodata is not None
        return self.bits in (32, 64) or (self.bits == 16 and odd)

    def check(self) -> None:
        """Raise ImageError if the file is too large, a stack, or not clear."""
        check_size(self.path, self.width, self.height)
        if self.same_pages and not self.channels:
            raise _stack(self, self.same_pages + 1)
        if not self.kind or self.bands < 1:
            raise ImageError(
                f"Image {self.path} has {self.bands} bands whose values are neither whole numbers nor floats of one "
                "size.",
                "Save three bands as a file: gdal_translate -b 4 -b 3 -b 2 -ot UInt16 in.tif out.tif.",
            )

    def read(self) -> np.ndarray:
        """Return the stored values (H, W, bands) of the bands that make the picture, not turned upright.

        Raises:
            ImageError: the file is too large, a stack, damaged, or not clear.
        """
        self.check()
        if self.bands * self.width * self.height * self.bits // 8 > _MAX_BYTES:
            raise ImageError(
                f"Image {self.path} has {self.width} x {self.height} pixels in {self.bands} bands of {self.bits} bits; "
                "expected at most 2 GB.",
                "Cut it into tiles, or save it with 16 bits.",
            )
        chosen = list(self.picture_bands)
        if self.channels:
            pages = [Tiff(self.path, self.order, self.channels[band], 0) for band in chosen]
            return np.concatenate([page.read()[..., :1] for page in pages], axis=2)
        if self._number(284, 1) == 2:
            return np.concatenate([self._plane(band, 1) for band in chosen], axis=2)
        return self._plane(0, self.bands)[..., chosen]

    def _number(self, tag: int, default: int = 0) -> int:
        values = self.tags.get(tag, (default,))
        return int(values[0]) if values else default

    def _plane(self, plane: int, bands: int) -> np.ndarray:
        """Return the values (H, W, bands) of one plane."""
        tiled = 322 in self.tags
        width = self._number(322) if tiled else self.width
        rows = self._number(323) if tiled else min(self._number(278, self.height), self.height)
        if width < 1 or rows < 1:
            raise ImageError(f"Image {self.path} has strips without pixels.", "Save it again as TIFF.")
        across = -(-self.width // width) if tiled else 1
        down = -(-self.height // rows)
        offsets, sizes = self.tags.get(324 if tiled else 273, ()), self.tags.get(325 if tiled else 279, ())
        parts = slice(plane * across * down, (plane + 1) * across * down)
        offsets, sizes = offsets[parts], sizes[parts]
        if len(offsets) != across * down or len(sizes) != len(offsets):
            raise ImageError(f"Image {self.path} lacks some of its strips.", "Copy the file again.")
        total = rows * across * down if tiled else self.height
        stored = self._bytes(offsets, sizes, width * bands * self.bits // 8, rows, total)
        values = self._values(stored, width, bands)
        if tiled:
            values = values.reshape(down, across, rows, width, bands).transpose(0, 2, 1, 3, 4)
            values = values.reshape(down * rows, across * width, bands)[: self.height, : self.width]
        return values

    def _bytes(self, offsets: tuple[int, ...], sizes: tuple[int, ...], row: int, rows: int, total: int) -> np.ndarray:
        """Return the decompressed bytes (total, row)."""
        with open_regular(self.path) as file:
            parts = []
            for offset, size in zip(offsets, sizes, strict=True):
                file.seek(offset)
                parts.append(file.read(size))
        if self._number(259, 1) == 1:
            content = np.frombuffer(b"".join(parts), dtype=np.uint8)
            if content.size < total * row:
                raise ImageError(f"Image {self.path} cannot be read: it is cut off.", "Copy the file again.")
            return content[: total * row].reshape(total, row)
        grey = _grey_file(parts, row, rows, total, self._number(259), self._number(266, 1))
        with without_pillows_limit(), Image.open(io.BytesIO(grey), formats=("TIFF",)) as picture:
            return np.asarray(picture)

    def _values(self, stored: np.ndarray, width: int, bands: int) -> np.ndarray:
        """Turn bytes into values, and undo the prediction of a value from the one to its left."""
        size, predictor = self.bits // 8, self._number(317, 1)
        dtype = np.dtype(f"{self.order}{self.kind}{size}")
        if predictor == 3:  # floats: differences of bytes, all first bytes of a row before all second ones
            deltas = stored.reshape(len(stored), -1, bands)
            summed = np.cumsum(deltas, axis=1, dtype=np.uint8).reshape(len(stored), size, width * bands)
            content = np.ascontiguousarray(summed.transpose(0, 2, 1)).view(np.dtype(f">{self.kind}{size}"))
            return content.reshape(len(stored), width, bands).astype(dtype.newbyteorder("="))
        whole = np.ascontiguousarray(stored).view(np.dtype(f"{self.order}u{size}")).reshape(len(stored), width, bands)
        whole = whole.astype(whole.dtype.newbyteorder("="), copy=False)
        if predictor == 2:
            whole = np.cumsum(whole, axis=1, dtype=whole.dtype)
        return whole.view(dtype.newbyteorder("="))


def read_tags(path: Path) -> Tiff | None:
    """Read the tags of a TIFF file; None if it is not one."""
    with open_regular(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about damaged tags; Pillow's own reader reports what matters
        header = file.read(8)
        if header[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return None
        if 43 in header[2:4]:
            header += file.read(8)
        try:
            directory = TiffImagePlugin.ImageFileDirectory_v2(header)
            file.seek(directory.next)
            directory.load(file)
            tags = {tag: _as_tuple(directory[tag]) for tag in directory}
            size, same_pages, seen = (tags.get(256), tags.get(257)), 0, {0}
            pages = [tags]
            while directory.next not in seen and len(seen) < 10_000:
                seen.add(directory.next)
                file.seek(directory.next)
                directory.load(file)
                if (_as_tuple(directory.get(256)), _as_tuple(directory.get(257))) != size:
                    break
                same_pages += 1
                if len(pages) < _MOST_PAGES:
                    pages.append({tag: _as_tuple(directory[tag]) for tag in directory})
        except Exception:  # damaged tags raise many types; Pillow's own reader then says what is wrong
            return None
    if not all(isinstance(value, int) for tag in _WHOLE_NUMBERS for value in tags.get(tag, ())):
        return None  # a damaged type
    channels = tuple(pages) if _are_channels(pages, same_pages) else ()
    return Tiff(path, "<" if header[:2] == b"II" else ">", tags, same_pages, channels)


def _are_channels(pages: list[dict[int, tuple[Any, ...]]], same_pages: int) -> bool:
    """Return True if pages are channels of one picture: each has one band of the same type."""
    types = {(page.get(258, (1,)), page.get(339, (1,)), page.get(277, (1,))) for page in pages}
    is_plain = len(types) == 1 and pages[0].get(277, (1,)) == (1,)
    return is_plain and len(pages) == same_pages + 1 and channel_pages(len(pages), pages[0])


def turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """Return an array (H, W, ...) after the rotation of an EXIF orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return values


def _stack(tiff: Tiff, pages: int) -> ImageError:
    return ImageError(
        f"Image {tiff.path} is a stack of {pages} TIFF pages; expected one picture.", "Save each page as its own file."
    )


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _grey_file(parts: list[bytes], row: int, rows: int, total: int, compression: int, fill_order: int) -> bytes:
    """Return a TIFF file of one band of 8 bits with the given compressed strips."""
    entries: list[tuple[int, int, list[int]]] = [
        *((256, 4, [row]), (257, 4, [total]), (258, 3, [8]), (259, 3, [compression]), (262, 3, [1])),
        *((266, 3, [fill_order]), (273, 4, []), (277, 3, [1]), (278, 4, [rows]), (279, 4, [len(p) for p in parts])),
    ]
    start = 8 + 2 + 12 * len(entries) + 4
    lists, data = start, start + 8 * len(parts)  # the two lists of one number for each strip
    offsets = _starts(parts, data)
    body = b""
    directory = struct.pack("<H", len(entries))
    for tag, kind, values in entries:
        values = offsets if tag == 273 else values
        if len(values) == 1:
            directory += struct.pack("<HHII" if kind == 4 else "<HHIHxx", tag, kind, 1, values[0])
        else:
            directory += struct.pack("<HHII", tag, kind, len(values), lists + len(body))
            body += struct.pack(f"<{len(values)}I", *values)
    body = body.ljust(8 * len(parts), b"\0")
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 0) + body + b"".join(parts)


def _starts(parts: list[bytes], start: int) -> list[int]:
    """Return where each part begins if they follow each other from ``start``."""
    return [start + int(length) for length in np.cumsum([0, *(len(part) for part in parts[:-1])])]
