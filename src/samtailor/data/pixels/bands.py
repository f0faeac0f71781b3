"""Choose the bands of a file that make the picture: by colour, by what the file says of them, or the first ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["band_words", "channel_pages", "chosen_bands"]

_DESCRIPTION, _GDAL = 270, 42112
_MOST_CHANNELS = 64
_COLOURS = ("red", "green", "blue")


def chosen_bands(bands: int, is_rgb: bool, tags: Mapping[int, tuple[Any, ...]]) -> tuple[int, ...]:
    """Return the positions of the bands that make the picture, from 0 on: one for grey, three for red, green and blue.

    With five bands or more, those that GDAL's metadata calls red, green and blue; without such names the first three.
    """
    if bands > 4 and not is_rgb:
        named = _named(bands, str(_first(tags, _GDAL)))
        return named or (0, 1, 2)
    return (0, 1, 2) if bands >= 3 else (0,)


def band_words(chosen: tuple[int, ...]) -> str:
    """Return which bands make the picture, for a finding."""
    if len(chosen) == 1:
        return "the first makes the picture"
    if chosen == (0, 1, 2):
        return "the first three make the picture"
    red, green, blue = (number + 1 for number in chosen)
    return f"{red}, {green} and {blue}, which the file calls red, green and blue, make the picture"


def channel_pages(pages: int, tags: Mapping[int, tuple[Any, ...]]) -> bool:
    """Return True if all pages of a file are channels of one picture, as ImageJ and OME-TIFF state it."""
    if not 1 < pages <= _MOST_CHANNELS:
        return False
    text = str(_first(tags, _DESCRIPTION))
    if text.startswith("ImageJ="):
        numbers = {key: int(value) for key, value in re.findall(r"(channels|slices|frames)=(\d{1,6})", text)}
        return numbers.get("channels") == pages and numbers.get("slices", 1) == numbers.get("frames", 1) == 1
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", text[:100_000])
    if pixels is None or text.count("<Image ") > 1:
        return False
    sizes = {key: int(value) for key, value in re.findall(r'Size([CZT])="(\d{1,6})"', pixels[0])}
    return sizes.get("C") == pages and sizes.get("Z", 1) == sizes.get("T", 1) == 1


def _named(bands: int, metadata: str) -> tuple[int, ...]:
    """Return the bands that GDAL's metadata names red, green and blue; nothing if it does not."""
    places: dict[str, set[int]] = {}
    for attributes, name in re.findall(r"<Item\b([^>]*)>([^<]{1,60})</Item>", metadata[:100_000]):
        sample = re.search(r'sample="(\d{1,4})"', attributes)
        word = name.strip().lower()
        if sample and word in _COLOURS and int(sample[1]) < bands:
            places.setdefault(word, set()).add(int(sample[1]))
    if all(len(places.get(colour, ())) == 1 for colour in _COLOURS):
        return tuple(places[colour].pop() for colour in _COLOURS)
    return ()


def _first(tags: Mapping[int, tuple[Any, ...]], tag: int) -> Any:
    values = tags.get(tag, ("",))
    return values[0] if values else ""
