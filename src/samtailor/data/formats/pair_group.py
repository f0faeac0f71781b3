"""Pair the images and masks of one group: one mask for each image, or a file for each object or class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samtailor.data.formats.folder_words import is_image_word, is_mask_word, words_of
from samtailor.data.formats.names import one_form
from samtailor.data.formats.stems import Affixes, find_affixes, mask_core
from samtailor.data.formats.versions import check_versions
from samtailor.errors import DataError

__all__ = ["MaskFile", "Pair", "PairedGroup", "pair_group", "stems"]


@dataclass(frozen=True)
class MaskFile:
    """A mask picture.

    Attributes:
        path: the file.
        label: class that its folder or its name says; empty if none.
        is_part: True if it is one of several files of an image, each for one object or class.
    """

    path: Path
    label: str = ""
    is_part: bool = False


@dataclass(frozen=True)
class Pair:
    """An image with its masks.

    Attributes:
        image: the image.
        masks: its masks; none if the image is known to show no object.
        name: name for sorting and splitting, unique in the data set.
        split: its split; empty if the files say none.
    """

    image: Path
    masks: tuple[MaskFile, ...]
    name: str
    split: str = ""


@dataclass
class PairedGroup:
    """What became of the files of a group.

    Attributes:
        masks: image -> its masks.
        images_left: images without a mask.
        masks_left: masks without an image.
        words: how they were paired; empty for equal names.
    """

    masks: dict[Path, list[MaskFile]] = field(default_factory=dict)
    images_left: list[Path] = field(default_factory=list)
    masks_left: list[Path] = field(default_factory=list)
    words: str = ""

    @property
    def paired(self) -> int:
        """Number of masks that have an image."""
        return sum(len(files) for files in self.masks.values())


def stems(files: Sequence[Path]) -> dict[str, Path]:
    """Return stem -> file.

    Raises:
        DataError: two files have the same stem.
    """
    by_stem: dict[str, Path] = {}
    for file in files:
        other = by_stem.setdefault(one_form(file.stem), file)
        if other != file:
            raise DataError(
                f"{other} and {file} have the same stem; expected one file per stem.", "Rename one of them."
            )
    return by_stem


def pair_group(images: Sequence[Path], masks: Sequence[Path], all_of_one: bool = False) -> PairedGroup:
    """Pair images and masks by their names.

    Args:
        images: files of images.
        masks: files of masks.
        all_of_one: if there is one image, all masks are its objects, whatever their names.

    Raises:
        DataError: two files have the same stem.
    """
    if all_of_one and len(images) == 1 and len(masks) > 1:
        parts = [MaskFile(mask, is_part=True) for mask in masks]
        return PairedGroup({images[0]: parts}, words="a file for each object")
    by_image, by_mask = stems(images), stems(masks)
    check_versions(by_image, by_mask)
    single = _one_to_one(by_image, by_mask)
    if not single.masks_left:
        return single
    several = _several(by_image, by_mask)
    return several if several.paired > single.paired and len(several.masks) >= len(single.masks) else single


def _one_to_one(by_image: dict[str, Path], by_mask: dict[str, Path]) -> PairedGroup:
    affixes = find_affixes(list(by_image), list(by_mask))
    lower = affixes is None
    if lower:  # names that differ in case only
        by_image = {stem.lower(): path for stem, path in by_image.items()}
        by_mask = {stem.lower(): path for stem, path in by_mask.items()}
        affixes = find_affixes(list(by_image), list(by_mask)) or Affixes()
    assert affixes is not None
    images = {core: path for stem, path in by_image.items() if (core := affixes.of_image(stem))}
    masks = {core: path for stem, path in by_mask.items() if (core := affixes.of_mask(stem))}
    both = [core for core in images if core in masks]
    group = PairedGroup({images[core]: [MaskFile(masks[core])] for core in both})
    used = {file.path for files in group.masks.values() for file in files}
    group.images_left = [path for path in by_image.values() if path not in group.masks]
    group.masks_left = [path for path in by_mask.values() if path not in used]
    group.words = "" if affixes == Affixes() else str(affixes)
    return group


def _several(by_image: dict[str, Path], by_mask: dict[str, Path]) -> PairedGroup:
    """Pair each mask with the image whose name begins its own; the rest is the number or the class of the object."""
    group = PairedGroup()
    rests: dict[Path, list[tuple[Path, str]]] = {}
    short = {_core_of_image(stem): stem for stem in by_image}
    names = {**{core: by_image[stem] for core, stem in short.items()}, **by_image}
    for stem, path in by_mask.items():
        core, rest = _longest_beginning(stem, names)
        if not core and (parts := mask_core(stem)) and parts[0] in names:
            core, rest = parts
        if core:
            rests.setdefault(names[core], []).append((path, rest))
        else:
            group.masks_left.append(path)
    classes = {label for files in rests.values() for _, rest in files if (label := _label(rest))}
    for image, files in rests.items():
        group.masks[image] = [MaskFile(path, _label(rest), is_part=len(files) > 1) for path, rest in files]
    group.images_left = [path for path in by_image.values() if path not in group.masks]
    group.words = "a file for each class" if classes else "a file for each object"
    return group


def _longest_beginning(stem: str, names: dict[str, Path]) -> tuple[str, str]:
    """Return the longest name that begins a stem and ends at the border of a word or number, and the rest."""
    borders = [match.end() for match in re.finditer(r"\d+|[^\W\d_]+", stem)]
    for end in reversed(borders):
        if stem[:end] in names:
            return stem[:end], stem[end:]
        for sign in ")]":  # "benign (1)_mask"
            if stem[end : end + 1] == sign and stem[: end + 1] in names:
                return stem[: end + 1], stem[end + 1 :]
    return "", ""


def _core_of_image(stem: str) -> str:
    """Return the name of an image without a word for images at its end: ``855_sat`` is ``855``."""
    match = re.fullmatch(r"(.+?)[_\-. ]+([A-Za-z]+)", stem)
    return match[1] if match and is_image_word(match[2].lower()) else stem


def _label(rest: str) -> str:
    """Return the class in the end of a mask's name: its words, without those of masks."""
    words = [
        word for word in words_of(rest) if not is_mask_word(word) and word not in ("object", "obj", "inst", "nr", "no")
    ]
    if not words or all(len(word) == 1 for word in words):
        return ""
    text = re.sub(r"[_\-. ]*\d*$", "", rest).strip("_-. ()")
    kept = [part for part in re.split(r"[_\-. ]+", text) if not is_mask_word(part.lower())]
    return " ".join(kept)
