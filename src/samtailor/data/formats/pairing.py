"""Find images and their mask pictures in a folder, by the names of folders and files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from samtailor.data.formats.folder_words import words_of
from samtailor.data.formats.names import one_form
from samtailor.data.formats.pair_group import MaskFile, Pair, PairedGroup, pair_group
from samtailor.data.formats.picture_folders import PictureFolder, list_picture_folders
from samtailor.data.formats.stems import mask_core
from samtailor.data.formats.versions import derived_pictures, versions_beside
from samtailor.errors import DataError

__all__ = ["Pairing", "find_pairs"]

_GOOD = ("good", "ok", "normal")  # folders of images without a defect, as in MVTec AD
_PHOTOS = (".jpg", ".jpeg")


@dataclass
class Pairing:
    """Images and masks of a data set.

    Attributes:
        pairs: images with their masks, sorted by name.
        images_left: images of folders with masks that have none.
        masks_left: masks without an image.
        folders_left: folders with pictures that were not read, and why.
        derived: pictures named like an image that has a mask, with a word added, such as ``a_superpixels.png``.
        words: how images and masks were paired, in words; empty for ``images/`` with ``masks/`` and equal names.
        plain: True if all folders are called ``images`` and ``masks``.
    """

    pairs: list[Pair] = field(default_factory=list)
    images_left: list[Path] = field(default_factory=list)
    masks_left: list[Path] = field(default_factory=list)
    folders_left: list[tuple[PictureFolder, str]] = field(default_factory=list)
    derived: list[Path] = field(default_factory=list)
    words: str = ""
    plain: bool = True


def find_pairs(root: Path) -> Pairing:
    """Pair the images and the masks below a folder.

    Images and masks are told apart by the names of folders (``images``, ``img_dir``, ``masks``, ``labels``,
    ``train_masks``, ``ground_truth``, ...), or by the names of files in one folder (``a.png``, ``a_mask.png``).

    Raises:
        DataError: no image has a mask, or it is not clear which masks belong to the images.
    """
    folders = list_picture_folders(root)
    finder = _Finder(root, any(folder.role == "masks" for folder in folders))
    rest = [folder for folder in folders if not finder.take_side_by_side(folder)]
    finder.take_groups(rest)
    pairing = finder.result()
    if not pairing.pairs:
        raise _nothing_paired(root, folders, pairing)
    return pairing


class _Finder:
    """Collects the pairs of one folder."""

    def __init__(self, root: Path, has_masks: bool) -> None:
        self._root, self._has_masks = root, has_masks
        self._pairing = Pairing()
        self._words: dict[str, None] = {}

    def result(self) -> Pairing:
        self._pairing.pairs.sort(key=lambda pair: pair.name)
        derived = derived_pictures([pair.image for pair in self._pairing.pairs], self._pairing.images_left)
        self._pairing.derived = derived
        self._pairing.images_left = [path for path in self._pairing.images_left if path not in set(derived)]
        self._pairing.words = "; ".join(self._words)
        return self._pairing

    def take_side_by_side(self, folder: PictureFolder) -> bool:
        """Pair the files of a folder that holds images and masks. False if it does not."""
        ways = (_by_mask_words, _by_suffix) if self._has_masks else (_by_mask_words, _by_suffix, versions_beside)
        for divide in ways:
            images, masks, words = divide(folder.files)
            if not images or not masks:
                continue
            group = pair_group(images, masks)
            if group.paired * 3 < 2 * len(masks):
                continue
            self._pairing.plain = False
            self._say("masks beside images" + words)
            self._add(group, folder.split, folder.context)
            return True
        return False

    def take_groups(self, folders: list[PictureFolder]) -> None:
        """Pair the folders of images with the folders of masks."""
        masks = [folder for folder in folders if folder.role == "masks"]
        images = [folder for folder in folders if folder.role == "images"]
        neutral = [folder for folder in folders if not folder.role]
        if not masks:
            self._leave(images + neutral, "no folder of masks belongs to it")
            return
        neutral, beside = _beside_masks(neutral, images, masks)
        images += beside
        contexts = {folder.context for folder in masks}
        if not any(folder.context in contexts for folder in images):
            images += neutral
            neutral = []
        else:
            taken = {(folder.split, folder.context) for folder in images}
            extra = [f for f in neutral if f.context in contexts and (f.split, f.context) not in taken and f.split]
            images += extra
            neutral = [folder for folder in neutral if folder not in extra]
        self._leave(neutral, "its name says neither images nor masks")
        for context in dict.fromkeys(folder.context for folder in images):
            here = [folder for folder in images if folder.context == context]
            own = [folder for folder in masks if folder.context == context]
            below = (
                [] if own else [f for f in masks if len(f.context) == len(context) + 1 and f.context[:-1] == context]
            )
            masks = [folder for folder in masks if folder not in own and folder not in below]
            if own:
                self._take_context(here, own)
            elif below:
                self._take_below(here, below)
            else:
                self._take_unmasked(here, any(folder.role == "masks" for folder in folders))
        self._leave(masks, "no folder of images belongs to it")

    def _take_context(self, images: list[PictureFolder], masks: list[PictureFolder]) -> None:
        images, masks = self._chosen(images, "images"), self._chosen(masks, "masks")
        image_splits, mask_splits = {folder.split for folder in images}, {folder.split for folder in masks}
        one_sided = {""} in (image_splits, mask_splits) and image_splits != mask_splits
        if one_sided:  # the other side says the split
            self._take_group(images, masks)
            return
        for split in sorted(image_splits | mask_splits):
            here = [folder for folder in images if folder.split == split]
            own = [folder for folder in masks if folder.split == split]
            if here and own:
                self._take_group(here, own)
            self._leave(here if not own else [], "no folder of masks belongs to it")
            self._leave(own if not here else [], "no folder of images belongs to it")

    def _chosen(self, folders: list[PictureFolder], role: str) -> list[PictureFolder]:
        """Return one folder for each split.

        Raises:
            DataError: several folders of a split could be the one.
        """
        chosen = []
        for split in dict.fromkeys(folder.split for folder in folders):
            here = [folder for folder in folders if folder.split == split]
            plain = [folder for folder in here if folder.plain]
            manual = [folder for folder in here if "manual" in words_of(folder.path.name)]
            if (
                len(here) > 1
                and len(manual) == 1
                and all(words_of(folder.path.name) in (["mask"], ["masks"]) for folder in here if folder not in manual)
            ):
                plain = manual  # in DRIVE and HRF, mask/ is the field of view of the camera
            if len(here) > 1 and len(plain) == 1:
                self._leave([folder for folder in here if folder not in plain], f"{plain[0].path} was read instead")
                here = plain
            if len(here) > 1:
                names = ", ".join(str(folder.path) for folder in here[:4])
                raise DataError(
                    f"{len(here)} folders of {self._root} may hold the {role}: {names}; expected one.",
                    f"Rename the one to read to {role}, or move the others out of the folder.",
                )
            chosen += here
        return chosen

    def _take_group(self, images: list[PictureFolder], masks: list[PictureFolder]) -> None:
        image_files, mask_files = _files(images), _files(masks)
        context = images[0].context
        group = pair_group(image_files, mask_files, all_of_one=bool(context))
        if not all(folder.plain for folder in [*images, *masks]):
            if self._pairing.plain:
                self._say(f"{self._name(images[0])} with {self._name(masks[0])}")
            self._pairing.plain = False
        label = context[-1] if context and self._is_ground_truth(masks[0]) else ""
        if label:
            self._say("a folder for each class")
            group.masks = {i: [replace(file, label=label) for file in files] for i, files in group.masks.items()}
        split_of = {file: folder.split for folder in [*masks, *images] for file in folder.files if folder.split}
        for split in dict.fromkeys(_split_of_pair(image, files, split_of) for image, files in group.masks.items()):
            part = {i: files for i, files in group.masks.items() if _split_of_pair(i, files, split_of) == split}
            self._add(PairedGroup(part, words=group.words), split, context)
        self._pairing.images_left += group.images_left
        self._pairing.masks_left += group.masks_left

    def _take_below(self, images: list[PictureFolder], masks: list[PictureFolder]) -> None:
        """Pair images with folders of masks below: a folder for each image, or a folder for each class."""
        images = self._chosen(images, "images")
        by_stem = {one_form(file.stem): file for file in _files(images)}
        of_images = [folder for folder in masks if one_form(folder.context[-1]) in by_stem]
        split_of = {file: folder.split for folder in images for file in folder.files}
        result: dict[Path, list[MaskFile]] = {}
        if len(of_images) * 2 > len(masks):
            self._say("a folder for each image, a file for each object")
            for folder in of_images:
                result[by_stem[one_form(folder.context[-1])]] = [MaskFile(file, is_part=True) for file in folder.files]
            self._leave([folder for folder in masks if folder not in of_images], "no image has its name")
        else:
            self._say("a folder for each class")
            for folder in masks:
                group = pair_group(list(by_stem.values()), folder.files)
                for image, files in group.masks.items():
                    parts = [MaskFile(file.path, folder.context[-1], is_part=True) for file in files]
                    result.setdefault(image, []).extend(parts)
                self._pairing.masks_left += group.masks_left
        self._pairing.plain = False
        self._pairing.images_left += [file for file in by_stem.values() if file not in result]
        for split in dict.fromkeys(split_of[image] for image in result):
            part = {image: files for image, files in result.items() if split_of[image] == split}
            self._add(PairedGroup(part), split, images[0].context)

    def _take_unmasked(self, images: list[PictureFolder], has_masks: bool) -> None:
        """Take images that are known to show no defect; leave out others."""
        for folder in images:
            is_good = has_masks and folder.context and folder.context[-1].lower() in _GOOD and self._mvtec(folder)
            if is_good:
                self._say("images in good/ have no objects")
                self._add(PairedGroup({file: [] for file in folder.files}), folder.split, folder.context)
            else:
                self._leave([folder], "no folder of masks belongs to it")

    def _mvtec(self, folder: PictureFolder) -> bool:
        """Return True if the folder belongs to a data set with a folder of masks for each kind of defect."""
        return any(
            (parent / "ground_truth").is_dir() for parent in folder.path.parents if parent.is_relative_to(self._root)
        )

    def _is_ground_truth(self, folder: PictureFolder) -> bool:
        """Return True if the folders of masks are kinds of defects, as in MVTec AD."""
        return "ground_truth" in (part.lower() for part in folder.path.relative_to(self._root).parts[:-1])

    def _add(self, group: PairedGroup, split: str, context: tuple[str, ...]) -> None:
        for image, files in group.masks.items():
            name = "/".join([*context, image.stem])
            self._pairing.pairs.append(Pair(image, tuple(sorted(files, key=lambda f: f.path.name)), name, split))
        if group.words:
            self._say(group.words)
        self._pairing.images_left += group.images_left
        self._pairing.masks_left += group.masks_left

    def _leave(self, folders: Iterable[PictureFolder], reason: str) -> None:
        self._pairing.folders_left += [(folder, reason) for folder in folders if folder.files]

    def _say(self, words: str) -> None:
        if words and len(self._words) < 4:
            self._words.setdefault(words)

    def _name(self, folder: PictureFolder) -> str:
        name = folder.path.relative_to(self._root).as_posix()
        return "the folder itself" if name == "." else f"{name}/"


def _beside_masks(
    neutral: list[PictureFolder], images: list[PictureFolder], masks: list[PictureFolder]
) -> tuple[list[PictureFolder], list[PictureFolder]]:
    """Take the only other folder beside a folder of masks as its images: ``volume/`` with ``segmentation/``.

    Returns:
        The folders that stay, and those that hold images.
    """
    of_masks = {folder.path.parent for folder in masks}
    of_images = {folder.path.parent for folder in images}
    others = [f.path.parent for f in neutral if f.context and f.context[-1] == f.path.name]
    beside = [
        folder
        for folder in neutral
        if others.count(folder.path.parent) == 1
        and folder.path.parent in of_masks - of_images
        and not folder.split
        and folder.context
        and folder.context[-1] == folder.path.name
    ]
    taken = [replace(folder, role="images", context=folder.context[:-1], plain=False) for folder in beside]
    return [folder for folder in neutral if folder not in beside], taken


def _split_of_pair(image: Path, files: list[MaskFile], split_of: dict[Path, str]) -> str:
    return split_of.get(image) or next((split_of[file.path] for file in files if file.path in split_of), "")


def _files(folders: list[PictureFolder]) -> list[Path]:
    return [file for folder in folders for file in folder.files]


def _by_mask_words(files: list[Path]) -> tuple[list[Path], list[Path], str]:
    """Divide files into images and those whose names say that they are masks."""
    masks = [file for file in files if mask_core(file.stem)]
    return [file for file in files if file not in set(masks)], masks, ""


def _by_suffix(files: list[Path]) -> tuple[list[Path], list[Path], str]:
    """Divide files into photos and pictures with the same names and lossless suffixes."""
    photos = [file for file in files if file.suffix.lower() in _PHOTOS]
    others = [file for file in files if file.suffix.lower() not in _PHOTOS]
    same = {file.stem for file in photos} & {file.stem for file in others}
    if len(same) * 3 < 2 * max(len(photos), len(others)) or not same:
        return [], [], ""
    return photos, others, f" (images are {photos[0].suffix}, masks {others[0].suffix})"


def _nothing_paired(root: Path, folders: list[PictureFolder], pairing: Pairing) -> DataError:
    hint = "The guide to data formats (docs/guides/data.md) shows all layouts."
    if pairing.images_left and pairing.masks_left:
        return DataError(
            f"No image of {root} has a mask with its name: images are called {_some(pairing.images_left)}, masks "
            f"{_some(pairing.masks_left)}; expected names that are equal, or differ by one ending or beginning.",
            "Rename the masks like their images.",
        )
    if not folders:
        return DataError(f"No image and mask folders in {root}: it holds no pictures.", hint)
    names = ", ".join(f"{f.path.relative_to(root).as_posix()}/ ({len(f.files)} pictures)" for f in folders[:6])
    return DataError(
        f"No image and mask folders in {root}; expected train/images/ and train/masks/ (val, test likewise), images/ "
        f"and masks/, or a.png with a_mask.png. There are {names}.",
        f"Rename the folders. {hint}",
    )


def _some(files: list[Path]) -> str:
    return ", ".join(file.name for file in files[:3]) + (", ..." if len(files) > 3 else "")
