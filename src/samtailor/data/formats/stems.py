"""Pair the names of images and masks: equal names, or names that differ by a common beginning or ending."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samtailor.data.formats.folder_words import is_image_word, is_mask_word

__all__ = ["Affixes", "find_affixes", "mask_core"]

_TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
_SAMPLE = 24  # names that propose affixes


@dataclass(frozen=True)
class Affixes:
    """What to remove from the names of images and masks to make them equal.

    Attributes:
        image: beginning and ending of the names of images.
        mask: beginning and ending of the names of masks.
    """

    image: tuple[str, str] = ("", "")
    mask: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        if self == Affixes():
            return "equal names"
        parts = [
            f"{kind} named {'NAME'.join(sides)}"
            for kind, sides in (("images", self.image), ("masks", self.mask))
            if any(sides)
        ]
        return ", ".join(parts)

    def of_image(self, stem: str) -> str | None:
        """Return the common part of an image's name; None if it has not the affixes."""
        return _without(stem, *self.image)

    def of_mask(self, stem: str) -> str | None:
        """Return the common part of a mask's name; None if it has not the affixes."""
        return _without(stem, *self.mask)


def mask_core(stem: str) -> tuple[str, str] | None:
    """Split the name of a file that says that it is a mask: ``well_1_cp_masks`` is ("well_1", "").

    Returns:
        the name without the words of masks, and what followed them, such as the number of the object; None if the name
        does not say that it is a mask.
    """
    tokens = _TOKEN.findall(stem)
    last = max((n for n, token in enumerate(tokens) if _is_mask_token(token)), default=-1)
    if last < 0:
        return None
    first = last
    while first > 0 and (
        _is_mask_token(tokens[first - 1]) or tokens[first - 1].lower() == "cp" or not tokens[first - 1].isalnum()
    ):
        first -= 1
    before, after = "".join(tokens[:first]), "".join(tokens[last + 1 :]).strip("_-. ()")
    if before:
        return before, after
    return (after, "") if after else None


def _is_mask_token(token: str) -> bool:
    """Return True for ``mask`` and ``masks``; also for ``SegMask``, as one token of several words."""
    return is_mask_word(token.lower()) or token.lower() in ("segmask", "gtmask", "binarymask")


def find_affixes(images: Sequence[str], masks: Sequence[str]) -> Affixes | None:
    """Find the affixes that pair most masks with an image each.

    Args:
        images: stems of images.
        masks: stems of masks.

    Returns:
        The affixes that pair all images, or all masks, or most of either; None if no affixes pair two thirds of either.
    """
    best, most = None, 0
    for affixes in _proposals(images, masks):
        pairs = _pairs(images, masks, affixes)
        if pairs > most:
            best, most = affixes, pairs
        if most == min(len(images), len(masks)):
            break
    return best if best and most * 3 >= 2 * min(len(images), len(masks)) else None


def _pairs(images: Sequence[str], masks: Sequence[str], affixes: Affixes) -> int:
    """Count the pairs; 0 if two images or two masks would have the same name."""
    image_cores = [core for stem in images if (core := affixes.of_image(stem))]
    mask_cores = [core for stem in masks if (core := affixes.of_mask(stem))]
    if len(set(image_cores)) < len(image_cores) or len(set(mask_cores)) < len(mask_cores):
        return 0
    return len(set(image_cores) & set(mask_cores))


def _proposals(images: Sequence[str], masks: Sequence[str]) -> list[Affixes]:
    """Return affixes, the most frequent first; the shortest of equally frequent ones."""
    votes: Counter[Affixes] = Counter()
    chosen = list(masks[:: max(1, len(masks) // _SAMPLE)])[:_SAMPLE]
    cores_of_images: dict[str, set[tuple[str, str]]] = {}
    for stem in images:
        for before, core, after in _cores(stem):
            cores_of_images.setdefault(core, set()).add((before, after))
    for stem in chosen:
        for before, core, after in _cores(stem):
            sides = cores_of_images.get(core, set())
            if len(sides) <= 4:  # a core of many images, such as a prefix of all, tells nothing
                votes.update(Affixes(image, (before, after)) for image in sides)
    plain = Affixes()
    likely = [affixes for affixes, _ in sorted(votes.items(), key=_order)][:60]
    return [plain, *(affixes for affixes in likely if affixes != plain)]


def _order(item: tuple[Affixes, int]) -> tuple[int, int, int]:
    affixes, count = item
    removed = [*affixes.image, *affixes.mask]
    odd = sum(1 for word in _words(removed) if not (is_mask_word(word) or is_image_word(word)))
    return -count, odd, sum(map(len, removed))


def _words(parts: Iterable[str]) -> list[str]:
    return [token.lower() for part in parts for token in _TOKEN.findall(part) if token.isalnum()]


def _cores(stem: str) -> Iterable[tuple[str, str, str]]:
    """Return the ways to cut a stem into beginning, core and ending, at the borders of words and numbers."""
    tokens = _TOKEN.findall(stem)
    if len(tokens) > 24:
        tokens = [*tokens[:12], "".join(tokens[12:-11]), *tokens[-11:]]
    for start in range(len(tokens)):
        for end in range(len(tokens), start, -1):
            core = "".join(tokens[start:end])
            if any(sign.isalnum() for sign in core) and tokens[start][0].isalnum() and tokens[end - 1][-1].isalnum():
                yield "".join(tokens[:start]), core, "".join(tokens[end:])


def _without(stem: str, before: str, after: str) -> str | None:
    if not (stem.startswith(before) and stem.endswith(after) and len(stem) > len(before) + len(after)):
        return None
    return stem[len(before) : len(stem) - len(after)]
