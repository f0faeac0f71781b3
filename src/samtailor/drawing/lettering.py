"""Write texts into pictures: fonts, widths, and names in scripts that the font lacks."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from PIL import ImageFont

from samtailor.machine.text import visible

__all__ = ["Font", "drawable", "fitted", "font_of_size", "text_width"]

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

_FILES = ("DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf", "Helvetica.ttc")
"""Fonts with many scripts that most systems have; Pillow looks for them in the system's folders."""


@lru_cache(maxsize=16)
def font_of_size(size: int) -> Font:
    """Return a font with Latin, Greek and Cyrillic letters; on a system without fonts, the one of Pillow."""
    for file in _FILES:
        try:
            return ImageFont.truetype(file, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def drawable(text: str, font: Font) -> str:
    r"""Return the text on one line; a character that the font lacks is written as ``\u7d30``, not as an empty box."""
    return "".join(c if c.isascii() or _has(font, c) else f"\\u{ord(c):04x}" for c in visible(" ".join(text.split())))


def fitted(text: str, font: Font, width: float, *, keep_end: bool = True) -> str:
    """Return what fits of a text, drawable; its middle becomes an ellipsis if it is too wide.

    Args:
        text: any text.
        font: to draw it with.
        width: in pixels.
        keep_end: False replaces the end instead of the middle.
    """
    text = drawable(text[:400], font)
    if text_width(text, font) <= width:
        return text
    kept = len(text)
    while kept > 1:
        kept -= 1
        start, end = ((kept + 1) // 2, kept // 2) if keep_end else (kept, 0)
        short = f"{text[:start].rstrip()}...{text[len(text) - end :].lstrip()}"
        if text_width(short, font) <= width:
            return short
    return ""


def text_width(text: str, font: Font) -> float:
    """Return the width of a text in pixels."""
    return float(font.getlength(text))


@lru_cache(maxsize=4096)
def _has(font: Font, character: str) -> bool:
    """Return whether a font has a character: otherwise its picture is that of a character that no font has."""
    return bytes(font.getmask(character)) != bytes(font.getmask("\U0010fffe"))
