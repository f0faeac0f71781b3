"""Read a task from folders of images and mask pictures, paired by file stem."""

from __future__ import annotations

from pathlib import Path

from samtailor.data.formats.files import IMAGE_SUFFIXES, MASK_SUFFIXES, files_by_stem, picture_size
from samtailor.data.formats.label_maps import UNNAMED_CLASS, read_classes, read_label_map
from samtailor.data.pixels.masks import MAX_LABEL
from samtailor.data.splits import check_split_names, split_items, split_note
from samtailor.data.task import SPLITS, ImageRecord, Instance, Task
from samtailor.errors import DataError

__all__ = ["find_splits", "is_flat", "read_folders"]

_Pair = tuple[Path, Path]


def find_splits(root: Path) -> list[str]:
    """Return the splits that ``root`` has as folders with ``images/`` or ``masks/``."""
    return [split for split in SPLITS if any((root / split / part).is_dir() for part in ("images", "masks"))]


def is_flat(root: Path) -> bool:
    """Return True if ``images/`` and ``masks/`` are directly in ``root``."""
    return (root / "images").is_dir() and (root / "masks").is_dir()


def read_folders(root: str | Path, seed: int = 0) -> Task:
    """Read ``train/images/`` with ``train/masks/`` (``val``, ``test`` likewise), or ``images/`` with ``masks/``.

    With ``classes.json`` ({"1": "cell", "2": "wall"}) each value in a mask is a class, with one instance per class and
    image; 0 is background, and 255 is void unless it is named. Without it, each value above 0 is one instance of the
    class ``object``. Masks are read whole; of each image only the header is read.

    Args:
        root: the folder.
        seed: seed of the split by file stem, if there are no folders for splits.

    Raises:
        DataError: a file is missing, broken, or contradicts another. The message names the file.
    """
    root = Path(root)
    classes = read_classes(root / "classes.json")
    layout = "image and mask folders"
    if split_names := find_splits(root):
        check_split_names(root, "")
        pairs = {split: _pair(root / split / "images", root / split / "masks") for split in split_names}
    elif is_flat(root):
        pairs = split_items(_pair(root / "images", root / "masks"), lambda pair: pair[0].stem, seed)
        layout += f", {split_note('file stem', seed)}"
    else:
        raise DataError(
            f"No image and mask folders in {root}; expected train/images/ and train/masks/ (val, test likewise), or "
            "images/ and masks/.",
            "Rename the folders. The guide to data formats (docs/guides/data.md) shows all layouts.",
        )
    splits = {
        split: tuple(_record(index, *pair, classes) for index, pair in enumerate(split_pairs))
        for split, split_pairs in pairs.items()
    }
    names = (UNNAMED_CLASS,) if classes is None else tuple(classes.values())
    kind = "one instance per value" if classes is None else "one class per value"
    return Task(root.resolve().name, root, f"{layout}, {kind}", names, splits)


def _pair(images: Path, masks: Path) -> list[_Pair]:
    """Return images with their masks, sorted by stem.

    Raises:
        DataError: an image has no mask, or a mask has no image.
    """
    by_image = files_by_stem(images)
    by_mask = files_by_stem(masks, MASK_SUFFIXES, "masks")
    unpaired = [by_image[stem] for stem in sorted(by_image.keys() - by_mask.keys())]
    if unpaired:
        jpeg = next(iter(masks.glob(f"{_literal(unpaired[0].stem)}.[jJ][pP]*[gG]")), None)
        hint = "Add a mask with the same stem for each image. If an image shows no object, its mask is all 0."
        if jpeg is not None:
            hint = f"{jpeg} is a JPEG. Its compression changes mask values: export the masks as PNG."
        raise DataError(
            f"{len(unpaired)} of {len(by_image)} images have no mask, the first is {unpaired[0]}; expected "
            f"{masks / unpaired[0].stem}.png (or {', '.join(MASK_SUFFIXES[1:])}).",
            hint,
        )
    unpaired = [by_mask[stem] for stem in sorted(by_mask.keys() - by_image.keys())]
    if unpaired:
        raise DataError(
            f"{len(unpaired)} of {len(by_mask)} masks have no image, the first is {unpaired[0]}; expected "
            f"{images / unpaired[0].stem}.png (or {', '.join(IMAGE_SUFFIXES[1:])}).",
            "Add the images or remove the masks.",
        )
    return [(by_image[stem], by_mask[stem]) for stem in sorted(by_image)]


def _literal(stem: str) -> str:
    """Escape the characters that ``Path.glob`` treats as wildcards."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in stem)


def _record(index: int, image: Path, mask: Path, classes: dict[int, str] | None) -> ImageRecord:
    width, height = picture_size(image)
    masks = read_label_map(mask, image, width, height, classes)
    instances = tuple(
        Instance(index * (MAX_LABEL + 1) + value, name, rle, area) for value, (name, rle, area) in masks.items()
    )
    return ImageRecord(image, width, height, instances)
