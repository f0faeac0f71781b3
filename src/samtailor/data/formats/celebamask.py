"""Reading CelebAMask-HQ as it is given out: one mask picture per part of each face."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data.formats.reading import images_by_stem, read_lines, size_of
from samtailor.data.pixels.masks import read_labels
from samtailor.data.pixels.rle import mask_rle
from samtailor.data.splits import split_by_name
from samtailor.data.task import SPLITS, ImageRecord, Instance, Task
from samtailor.errors import DataError

__all__ = ["PARTS", "find_celebamask", "read_celebamask"]

PARTS = (
    *("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip"),
    *("hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
)
IMAGES, MASKS = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno"
PER_FOLDER = 2000
_IDS = 32  # instance ids: image number * 32 + place in PARTS


def find_celebamask(root: Path) -> Path | None:
    """The folder that holds ``CelebA-HQ-img/``: ``root``, or ``root/CelebAMask-HQ``."""
    return next((home for home in (root, root / "CelebAMask-HQ") if (home / IMAGES).is_dir()), None)


def read_celebamask(root: str | Path, seed: int = 0) -> Task:
    """Read ``CelebA-HQ-img/N.jpg`` with ``CelebAMask-HQ-mask-anno/{N // 2000}/{N:05}_PART.png``.

    A mask picture is 0 and 255 (or 0 and 1); it is enlarged or shrunk to the image, nearest neighbour. Of the
    images only the headers are read.

    Args:
        root: the folder with CelebA-HQ-img/, or the one above it.
        seed: of the split made by image number, 70 % train, 10 % val, 20 % test, unless ``train.txt``, ``val.txt``,
            ``test.txt`` (one or more, one image per line) say it.

    Raises:
        DataError: a file is missing, broken, or contradicts another; the message names it.
    """
    root = Path(root)
    home = find_celebamask(root)
    if home is None:
        raise DataError(f"No folder {IMAGES} in {root} (CelebAMask-HQ).", f"Put the images into {root / IMAGES}.")
    images = images_by_stem(home / IMAGES)
    for stem, path in images.items():
        if not (stem.isascii() and stem.isdecimal() and stem == str(int(stem))):
            raise DataError(f"{path} is no image of CelebAMask-HQ; expected numbers as names: 0.jpg.", "Take it away.")
    masks = _masks(home / MASKS)
    _refuse_lone({int(stem): path for stem, path in images.items()}, masks, home / MASKS)
    stems, made = _splits(home, images, seed)
    splits = {
        split: tuple(_record(images[stem], masks[int(stem)]) for stem in sorted(chosen, key=int))
        for split, chosen in stems.items()
    }
    seen = {instance.label for records in splits.values() for record in records for instance in record.instances}
    layout = "CelebAMask-HQ" + (f", split 70/10/20 by image number (seed {seed})" if made else "")
    return Task(root.resolve().name, root, layout, tuple(part for part in PARTS if part in seen), splits)


def _masks(folder: Path) -> dict[int, dict[str, Path]]:
    """image number -> part -> mask picture."""
    if not folder.is_dir():
        raise DataError(f"The folder {folder} is missing; expected the masks in it.", "Add it.")
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(folder.glob("*/*.png")):
        match = re.fullmatch(r"(\d{5})_(\w+)", path.stem, re.ASCII)
        if match is None or match[2] not in PARTS:
            raise DataError(
                f"{path} is no part of a face; expected names like 00000_skin.png, with one of {', '.join(PARTS)}.",
                "Take it away or mend its name.",
            )
        number = int(match[1])
        if path.parent.name != str(number // PER_FOLDER):
            raise DataError(
                f"{path} lies in the wrong folder; expected {folder / str(number // PER_FOLDER) / path.name}.",
                "Move it.",
            )
        found.setdefault(number, {})[match[2]] = path
    return found


def _refuse_lone(images: dict[int, Path], masks: dict[int, dict[str, Path]], folder: Path) -> None:
    lone = sorted(images.keys() - masks.keys())
    if lone:
        expected = folder / str(lone[0] // PER_FOLDER) / f"{lone[0]:05}_skin.png"
        raise DataError(
            f"{len(lone)} of {len(images)} images have no mask, the first is {images[lone[0]]}; expected {expected}, "
            "or another part.",
            "Add the masks or take the images away.",
        )
    lone = sorted(masks.keys() - images.keys())
    if lone:
        raise DataError(
            f"{len(lone)} of {len(masks)} faces have masks but no image, the first is number {lone[0]}: "
            f"{next(iter(masks[lone[0]].values()))}.",
            f"Add {lone[0]}.jpg to {IMAGES}/ or take the masks away.",
        )


def _splits(home: Path, images: dict[str, Path], seed: int) -> tuple[dict[str, list[str]], bool]:
    """split -> stems, and whether it was made here."""
    lists = {split: home / f"{split}.txt" for split in SPLITS if (home / f"{split}.txt").is_file()}
    found: dict[str, list[str]] = {}
    for split, path in lists.items():
        for number, line in read_lines(path):
            if (stem := Path(line).stem) not in images:
                raise DataError(f"{path}, line {number}: there is no image {line} in {IMAGES}/.", "Mend the list.")
            found.setdefault(split, []).append(stem)
    if found:
        return {split: list(dict.fromkeys(stems)) for split, stems in found.items()}, False
    chosen = split_by_name(images, seed)
    return {split: [stem for stem in images if chosen[stem] == split] for split in SPLITS}, True


def _record(image: Path, parts: dict[str, Path]) -> ImageRecord:
    width, height = size_of(image)
    instances = []
    for place, part in enumerate(PARTS):
        if part in parts:
            mask = _mask(parts[part], image, width, height)
            instances.append(Instance(int(image.stem) * _IDS + place, part, mask_rle(mask), int(mask.sum())))
    return ImageRecord(image, width, height, tuple(instances))


def _mask(path: Path, image: Path, width: int, height: int) -> np.ndarray:
    labels = read_labels(path)
    values = set(np.unique(labels).tolist())
    if not (values <= {0, 255} or values <= {0, 1}):
        raise DataError(f"{path} has the values {sorted(values)[:5]}; expected 0 and 255.", "Make it black and white.")
    if labels.shape[0] * width != labels.shape[1] * height:
        raise DataError(
            f"{path} has {labels.shape[1]} x {labels.shape[0]} pixels (width x height), but {image} has {width} x "
            f"{height}, another shape.",
            "Cut neither of them; both are square in CelebAMask-HQ.",
        )
    mask = Image.fromarray(labels != 0)
    return np.asarray(mask.resize((width, height), Image.Resampling.NEAREST), dtype=bool)
