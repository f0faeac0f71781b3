"""Read CelebAMask-HQ in its published layout: one mask picture for each part of each face."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data.formats.files import files_by_stem, picture_size, read_lines
from samtailor.data.formats.sizes import pixel_size
from samtailor.data.pixels.masks import read_labels
from samtailor.data.pixels.rle import mask_rle
from samtailor.data.splits import split_items, split_note
from samtailor.data.task import SPLITS, ImageRecord, Instance, Task
from samtailor.errors import DataError

__all__ = ["PARTS", "find_celebamask", "read_celebamask"]

PARTS = (
    *("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip"),
    *("hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
)
IMAGES, MASKS = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno"
PER_FOLDER = 2000
_IDS_PER_IMAGE = 32  # an instance id is image number * 32 + index in PARTS


def find_celebamask(root: Path) -> Path | None:
    """Find the folder that holds ``CelebA-HQ-img/``: ``root``, or ``root/CelebAMask-HQ``."""
    return next((home for home in (root, root / "CelebAMask-HQ") if (home / IMAGES).is_dir()), None)


def read_celebamask(root: str | Path, seed: int = 0) -> Task:
    """Read ``CelebA-HQ-img/N.jpg`` with ``CelebAMask-HQ-mask-anno/{N // 2000}/{N:05}_PART.png``.

    The values of a mask picture are 0 and 255, or 0 and 1. It is resized to its image (nearest neighbour). Of each
    image only the header is read. Splits come from ``train.txt``, ``val.txt`` and ``test.txt`` (one or more, with one
    image per line).

    Args:
        root: the folder with CelebA-HQ-img/, or the one above it.
        seed: seed of the split by image number, if there are no lists.

    Raises:
        DataError: a file is missing, broken, or contradicts another. The message names the file.
    """
    root = Path(root)
    home = find_celebamask(root)
    if home is None:
        raise DataError(
            f"{root} holds no folder {IMAGES}; expected the layout of CelebAMask-HQ.",
            f"Put the images into {root / IMAGES}.",
        )
    images = files_by_stem(home / IMAGES)
    for stem, path in images.items():
        if not (stem.isascii() and stem.isdecimal() and stem == str(int(stem))):
            raise DataError(
                f"{path} is not an image of CelebAMask-HQ; expected numbers as names: 0.jpg.", "Remove the file."
            )
    masks = _find_masks(home / MASKS)
    _check_pairs({int(stem): path for stem, path in images.items()}, masks, home / MASKS)
    stems, note = _split(home, images, seed)
    splits = {
        split: tuple(_record(images[stem], masks[int(stem)]) for stem in sorted(split_stems, key=int))
        for split, split_stems in stems.items()
    }
    labels = {instance.label for records in splits.values() for record in records for instance in record.instances}
    classes = tuple(part for part in PARTS if part in labels)
    return Task(root.resolve().name, root, "CelebAMask-HQ" + note, classes, splits)


def _find_masks(folder: Path) -> dict[int, dict[str, Path]]:
    """Return image number -> part -> mask picture."""
    if not folder.is_dir():
        raise DataError(f"The folder {folder} is missing; expected the masks in it.", "Create it and add the masks.")
    masks: dict[int, dict[str, Path]] = {}
    for path in sorted(folder.glob("*/*.png")):
        match = re.fullmatch(r"(\d{5})_(\w+)", path.stem, re.ASCII)
        if match is None or match[2] not in PARTS:
            raise DataError(
                f"{path} is not a part of a face; expected names like 00000_skin.png, with one of {', '.join(PARTS)}.",
                "Remove or rename the file.",
            )
        number = int(match[1])
        if path.parent.name != str(number // PER_FOLDER):
            raise DataError(
                f"{path} is in the wrong folder; expected {folder / str(number // PER_FOLDER) / path.name}.",
                "Move the file.",
            )
        masks.setdefault(number, {})[match[2]] = path
    return masks


def _check_pairs(images: dict[int, Path], masks: dict[int, dict[str, Path]], folder: Path) -> None:
    """Raise DataError if an image has no mask, or masks have no image."""
    unpaired = sorted(images.keys() - masks.keys())
    if unpaired:
        number = unpaired[0]
        expected = folder / str(number // PER_FOLDER) / f"{number:05}_skin.png"
        raise DataError(
            f"{len(unpaired)} of {len(images)} images have no mask, the first is {images[number]}; expected "
            f"{expected}, or another part.",
            "Add the masks or remove the images.",
        )
    unpaired = sorted(masks.keys() - images.keys())
    if unpaired:
        number = unpaired[0]
        raise DataError(
            f"{len(unpaired)} of {len(masks)} faces have masks but no image, the first is number {number}: "
            f"{next(iter(masks[number].values()))}.",
            f"Add {number}.jpg to {IMAGES}/ or remove the masks.",
        )


def _split(home: Path, images: dict[str, Path], seed: int) -> tuple[dict[str, list[str]], str]:
    """Return split -> stems, and the words for ``Task.format``, empty if lists make the split."""
    listed: dict[str, list[str]] = {}
    for split in SPLITS:
        path = home / f"{split}.txt"
        for number, line in read_lines(path) if path.is_file() else []:
            if (stem := Path(line).stem) not in images:
                raise DataError(
                    f"{path}, line {number}: the image {line} is not in {IMAGES}/.", "Fix the list or add the image."
                )
            listed.setdefault(split, []).append(stem)
    if listed:
        return {split: list(dict.fromkeys(stems)) for split, stems in listed.items()}, ""
    return split_items(list(images), str, seed), f", {split_note('image number', seed)}"


def _record(image: Path, parts: dict[str, Path]) -> ImageRecord:
    width, height = picture_size(image)
    instances = []
    for index, part in enumerate(PARTS):
        if part in parts:
            mask = _read_mask(parts[part], image, width, height)
            instances.append(Instance(int(image.stem) * _IDS_PER_IMAGE + index, part, mask_rle(mask), int(mask.sum())))
    return ImageRecord(image, width, height, tuple(instances))


def _read_mask(path: Path, image: Path, width: int, height: int) -> np.ndarray:
    """Return the mask (H, W) bool at the size of its image."""
    labels = read_labels(path)
    values = set(np.unique(labels).tolist())
    if not (values <= {0, 255} or values <= {0, 1}):
        raise DataError(
            f"{path} has the values {sorted(values)[:5]}; expected 0 and 255.", "Save it as a black-and-white picture."
        )
    if labels.shape[0] * width != labels.shape[1] * height:
        raise DataError(
            f"{path} has {pixel_size(labels.shape[1], labels.shape[0])}, but {image} has {width} x {height}; expected "
            "the same shape.",
            "Use the original files without cropping. Images and masks of CelebAMask-HQ are square.",
        )
    mask = Image.fromarray(labels != 0)
    return np.asarray(mask.resize((width, height), Image.Resampling.NEAREST), dtype=bool)
