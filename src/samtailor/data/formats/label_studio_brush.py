"""Decode the run lengths of Label Studio's brush: RGBA values, packed into bits (the rle-pack format)."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["brush_mask"]

_CHANNELS = 4


def brush_mask(packed: Any, height: int, width: int) -> np.ndarray:
    """Return the mask (H, W) bool of a packed picture: True where it is not transparent.

    The format: 32 bits number of values; 5 bits word size - 1; four times 4 bits length size - 1. Then blocks: 1 bit
    (run or literal), 2 bits which length size, the length - 1, and one word (run) or ``length`` words (literal).

    Args:
        packed: list of bytes, as numbers from 0 to 255.
        height: height of the picture, pixels.
        width: width of the picture, pixels.

    Raises:
        ValueError: the list is damaged, or not of this size.
    """
    if not isinstance(packed, list) or not packed or any(type(b) is not int or not 0 <= b <= 255 for b in packed):
        raise ValueError("its rle is not a list of numbers from 0 to 255")
    bits = _Bits(np.unpackbits(np.array(packed, dtype=np.uint8)))
    total = bits.number(32)
    if total != height * width * _CHANNELS:
        raise ValueError(f"its rle has {total} values; expected {height} x {width} x {_CHANNELS}")
    word = bits.number(5) + 1
    lengths = [bits.number(4) + 1 for _ in range(4)]
    if word > 16:
        raise ValueError(f"its rle has words of {word} bits; expected 8")
    values = np.zeros(total, dtype=np.uint16)
    position = 0
    while position < total:
        is_run = bits.number(1)
        count = bits.number(lengths[bits.number(2)]) + 1
        if position + count > total:
            raise ValueError("its rle is longer than the picture")
        values[position : position + count] = bits.number(word) if is_run else bits.numbers(word, count)
        position += count
    return values.reshape(height, width, _CHANNELS)[..., -1] > 0


class _Bits:
    """Reads numbers from a row of bits, most significant bit first."""

    def __init__(self, bits: np.ndarray) -> None:
        self._bits, self._next = bits, 0

    def number(self, size: int) -> int:
        part = self._take(size)
        return int("".join(map(str, part.tolist())), 2)

    def numbers(self, size: int, count: int) -> np.ndarray:
        weights = 1 << np.arange(size - 1, -1, -1)
        return self._take(size * count).reshape(count, size).astype(np.int64) @ weights

    def _take(self, size: int) -> np.ndarray:
        part = self._bits[self._next : self._next + size]
        if part.size < size:
            raise ValueError("its rle ends too early")
        self._next += size
        return part
