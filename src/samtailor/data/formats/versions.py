"""Several pictures of one image: masks by several people or in several kinds, and pictures made from an image."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from samtailor.data.findings import listed
from samtailor.data.formats.names import one_form
from samtailor.errors import DataError

__all__ = ["check_versions", "derived_pictures", "versions_beside"]

_PERSON = re.compile(
    r"(\d(st|nd|rd|th))?(ho|manual|observer|obs|annotator|annot|rater|expert|grader|reader|person)\d*|\d(st|nd|rd|th)\w*"
)
_KINDS = frozenset(
    (
        *("color", "colour", "colors", "colours", "colormask", "labelids", "labeltrainids", "trainids", "instanceids"),
        *("instance", "instances", "semantic", "panoptic", "overlay", "vis", "viz", "visualization", "colorized"),
    )
)
_SHARE = 2 / 3  # of the images


def derived_pictures(images: Sequence[Path], others: Iterable[Path]) -> list[Path]:
    """Return the files of ``others`` that are named like one of ``images`` in the same folder, with a word added."""
    stems: dict[Path, set[str]] = defaultdict(set)
    for path in images:
        stems[path.parent].add(one_form(path.stem))
    return [path for path in others if any(_has_word(end) for _, end in _beginnings(path, stems.get(path.parent, ())))]


def versions_beside(files: list[Path]) -> tuple[list[Path], list[Path], str]:
    """Divide the files of a folder into images and masks named like them with one word added: ``a_L.png``.

    Returns:
        Images, masks, and words for the format; no masks if there is no such word.

    Raises:
        DataError: each image has several such files.
    """
    stems = {one_form(path.stem): path for path in files}
    groups: dict[str, dict[Path, Path]] = defaultdict(dict)  # word -> image -> file
    for path in files:
        for stem, end in _beginnings(path, stems):
            if _has_word(end) and not path.suffix.lower().startswith(".jp"):
                groups[end][stems[stem]] = path
    added = {path for group in groups.values() for path in group.values()}
    images = [path for path in files if path not in added]
    ends = [end for end, group in groups.items() if len(group.keys() & set(images)) >= _SHARE * len(images)]
    if len(ends) > 1:
        raise _several(images[0], [f"NAME{end}" for end in ends])
    if len(ends) != 1:
        return [], [], ""
    masks = list(groups[ends[0]].values())
    return images, masks, f" with the ending {ends[0]}"


def check_versions(images: Mapping[str, Path], masks: Mapping[str, Path]) -> None:
    """Refuse masks that are several versions of the same: by several people, or as classes, instances and colours.

    Args:
        images: stem -> image.
        masks: stem -> mask.

    Raises:
        DataError: most images have two or more versions of a mask.
    """
    if len(masks) < 2 * _SHARE * len(images):
        return
    ends: dict[str, int] = defaultdict(int)
    for stem in masks:
        if (end := _version(stem)) is not None:
            ends[end] += 1
    usual = [end for end, count in ends.items() if count >= _SHARE * len(images)]
    if len(usual) > 1 and sum(ends[end] for end in usual) >= _SHARE * len(masks):
        first = next(iter(masks.values()))
        raise _several(first, [f"NAME{end}" for end in usual])


def _version(stem: str) -> str | None:
    """Return the end of a mask's name that says by whom or of which kind it is; None if it says nothing of that."""
    match = re.fullmatch(r".+?(_gtFine)?([_\-. ])([A-Za-z0-9]+)", stem)
    if match is None:
        return None
    word = match[3].lower()
    if word in _KINDS or _PERSON.fullmatch(word):
        return f"{match[1] or ''}{match[2]}{match[3]}"
    return None


def _several(path: Path, names: list[str]) -> DataError:
    return DataError(
        f"{path.parent} holds several masks for each image: {listed(sorted(names), 6)}; expected one.",
        "Keep the masks of one kind, or of one person, and move the others out of the folder.",
    )


def _beginnings(path: Path, stems: Iterable[str]) -> list[tuple[str, str]]:
    """Return the stem that begins the name of a file, the longest one, and the rest of the name; or nothing."""
    stem = one_form(path.stem)
    known = stems if isinstance(stems, (set, dict)) else set(stems)
    for match in reversed(list(re.finditer(r"[_\-. ]+", stem))):
        if stem[: match.start()] in known:
            return [(stem[: match.start()], stem[match.start() :])]
    return []


def _has_word(end: str) -> bool:
    return bool(re.search(r"[A-Za-z]", end)) and len(end) <= 24
