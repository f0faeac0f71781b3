"""Notes about single mask pictures: smoothed, inverted, or turned like their images."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from samtailor.data.findings import times
from samtailor.data.formats.mask_contents import MaskContent
from samtailor.data.reading import Reading

__all__ = ["note_oddities"]


class _Oddity(NamedTuple):
    code: str
    applies: Callable[[MaskContent], bool]
    what: str  # after the number of masks
    hint: str


_ODDITIES = (
    _Oddity(
        "grey-edges",
        lambda content: content.smoothed,
        "of two values with greys along the edges, from JPEG, smoothing or scaling: cut at half of the highest value.",
        "Look at the preview. To choose another threshold, save the masks as PNG with the values 0 and 255.",
    ),
    _Oddity(
        "inverted-lut",
        lambda content: content.inverted,
        "with an inverted lookup table (0 is shown as white): the stored values were read, so 255 is the object.",
        "If the objects have the stored value 0, invert the masks (in ImageJ: Edit > Invert).",
    ),
    _Oddity(
        "exif-turned",
        lambda content: content.turn == "turned",
        "drawn on the stored pixels of an image with an EXIF rotation: turned like the image.",
        "Look at the preview. To be sure, save the images without EXIF rotation, as they are shown.",
    ),
    _Oddity(
        "exif-unclear",
        lambda content: content.turn == "unclear",
        "of an image with an EXIF rotation, which may be drawn before or after the rotation: read as after it.",
        "Look at the preview. To be sure, save the images without EXIF rotation, as they are shown.",
    ),
)


def note_oddities(contents: Iterable[MaskContent], reading: Reading) -> None:
    """Note each mask that was repaired, or may be read wrongly."""
    for content in contents:
        for oddity in _ODDITIES:
            if oddity.applies(content):
                what = _sentence(oddity.what)
                reading.note(oddity.code, "warning", what, oddity.hint, content.path)


def _sentence(what: str) -> Callable[[int], str]:
    return lambda count: f"{times(count, 'mask')} {what}"
