"""Reading a task from folders of images and masks, one mask picture per image, paired by file stem."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from samtailor.data.pixels.images import image_size
from samtailor.data.pixels.masks import MAX_LABEL, read_labels
from samtailor.data.pixels.rle import Rle, label_rles
from samtailor.data.splits import refuse_misnamed_splits, split_by_name
from samtailor.data.task import SPLITS, ImageRecord, Instance, Task
from samtailor.errors import DataError, ImageError

__all__ = [
    "IMAGE_SUFFIXES",
    "MASK_SUFFIXES",
    "UNNAMED_CLASS",
    "VOID",
    "find_splits",
    "is_flat",
    "read_classes",
    "read_folders",
    "read_label_map",
]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".webp")
VOID = 255  # with classes.json: pixels of no class, unless it is named there
UNNAMED_CLASS = "object"

_Pair = tuple[Path, Path]


def find_splits(root: Path) -> list[str]:
    """Splits that ``root`` has as folders with ``images/`` or ``masks/`` in them."""
    return [split for split in SPLITS if any((root / split / part).is_dir() for part in ("images", "masks"))]


def is_flat(root: Path) -> bool:
    """True where ``root`` holds ``images/`` and ``masks/`` themselves."""
    return (root / "images").is_dir() and (root / "masks").is_dir()


def read_folders(root: str | Path, seed: int = 0) -> Task:
    """Read ``{train,val,test}/{images,masks}/``, or ``images/`` and ``masks/`` which are split here.

    With ``classes.json`` ({"1": "cell", "2": "wall"}) each value in a mask is a class: one instance per class and
    image; 0 is background, 255 is void unless named. Without it each value above 0 is one instance, of class
    ``object``. Masks are read whole; of the images only the headers are.

    Args:
        root: the folder.
        seed: of the split of a flat folder, made by file stem: 70 % train, 10 % val, 20 % test.

    Raises:
        DataError: a file is missing, broken, or contradicts another; the message names it.
    """
    root = Path(root)
    classes = read_classes(root / "classes.json")
    if found := find_splits(root):
        refuse_misnamed_splits(root, "")
        pairs = {split: _pair(root / split / "images", root / split / "masks") for split in found}
        layout = "image and mask folders"
    elif is_flat(root):
        flat = _pair(root / "images", root / "masks")
        chosen = split_by_name((image.stem for image, _ in flat), seed)
        pairs = {split: [pair for pair in flat if chosen[pair[0].stem] == split] for split in SPLITS}
        layout = f"image and mask folders, split 70/10/20 by file stem (seed {seed})"
    else:
        raise DataError(
            f"No image and mask folders in {root}; expected train/images/ and train/masks/ (val, test likewise), or "
            "images/ and masks/.",
            "docs/guides/data.md shows the layouts.",
        )
    splits = {split: _records(chosen_pairs, classes) for split, chosen_pairs in pairs.items()}
    names = tuple(classes.values()) if classes is not None else (UNNAMED_CLASS,)
    kind = "one class per value" if classes is not None else "one instance per value"
    return Task(root.resolve().name, root, f"{layout}, {kind}", names, splits)


def read_classes(path: Path) -> dict[int, str] | None:
    """value -> class name, by rising value, from a classes.json; None where there is no file.

    Raises:
        DataError: the file is no JSON object of mask values with class names.
    """
    if not path.exists():
        return None
    hint = 'Write it like {"1": "cell", "2": "wall"}.'
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).", "Check its permissions.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}).", hint) from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds a JSON {type(content).__name__}; expected mask values with class names.", hint)
    classes: dict[int, str] = {}
    for key, name in content.items():
        if not (key.isascii() and key.isdecimal() and len(key) <= 5 and int(key) <= MAX_LABEL) or int(key) in classes:
            raise DataError(
                f"{path} has the mask value {key!r}; expected whole numbers to {MAX_LABEL}, each once.", hint
            )
        if not isinstance(name, str) or not name.strip() or name.strip() in classes.values():
            raise DataError(f"{path} has the class name {name!r}; expected text, each name once.", hint)
        classes[int(key)] = name.strip()
    classes.pop(0, None)  # background, named or not
    if not classes:
        raise DataError(f"{path} names no class; expected one or more.", hint)
    return dict(sorted(classes.items()))


def _pair(images: Path, masks: Path) -> list[_Pair]:
    """Images with their masks, sorted by stem; refuses any without its partner."""
    by_image, by_mask = _by_stem(images, IMAGE_SUFFIXES), _by_stem(masks, MASK_SUFFIXES)
    lone = [by_image[stem] for stem in sorted(by_image.keys() - by_mask.keys())]
    if lone:
        jpeg = next(iter(masks.glob(f"{_literal(lone[0].stem)}.[jJ][pP]*[gG]")), None)
        hint = "Each image needs a mask of the same stem, all 0 where nothing is on it."
        if jpeg is not None:
            hint = f"{jpeg} is JPEG, whose losses change mask values; make masks as PNG."
        raise DataError(
            f"{len(lone)} of {len(by_image)} images have no mask, the first is {lone[0]}; expected "
            f"{masks / lone[0].stem}.png (or {', '.join(MASK_SUFFIXES[1:])}).",
            hint,
        )
    lone = [by_mask[stem] for stem in sorted(by_mask.keys() - by_image.keys())]
    if lone:
        raise DataError(
            f"{len(lone)} of {len(by_mask)} masks have no image, the first is {lone[0]}; expected "
            f"{images / lone[0].stem}.png (or {', '.join(IMAGE_SUFFIXES[1:])}).",
            "Add the images or take the masks away.",
        )
    return [(by_image[stem], by_mask[stem]) for stem in sorted(by_image)]


def _by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"The folder {folder} is missing; expected images/ and masks/ side by side.", "Add it.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in suffixes or not path.is_file():
            continue
        if path.stem in found:
            raise DataError(f"{found[path.stem]} and {path} have the same stem; expected one file each.", "Rename one.")
        found[path.stem] = path
    return found


def _literal(stem: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in stem)


def _records(pairs: list[_Pair], classes: dict[int, str] | None) -> tuple[ImageRecord, ...]:
    return tuple(_record(index, image, mask, classes) for index, (image, mask) in enumerate(pairs))


def _record(index: int, image: Path, mask: Path, classes: dict[int, str] | None) -> ImageRecord:
    try:
        width, height = image_size(image)
    except ImageError as error:
        raise DataError(error.what, error.hint) from error
    found = read_label_map(mask, image, width, height, classes)
    instances = tuple(
        Instance(index * (MAX_LABEL + 1) + value, name, rle, area) for value, (name, rle, area) in found.items()
    )
    return ImageRecord(image, width, height, instances)


def read_label_map(
    mask: Path, image: Path | str, width: int, height: int, classes: dict[int, str] | None
) -> dict[int, tuple[str, Rle, int]]:
    """value -> class name, compressed RLE and area, of a mask picture.

    Args:
        mask: the picture.
        image: its image, for messages.
        width: of the image, pixels.
        height: likewise.
        classes: value -> class name; None makes each value above 0 an instance of the class ``object``.

    Raises:
        DataError: the mask cannot be read, has another size, or a value that ``classes`` does not name.
    """
    labels = read_labels(mask)
    if labels.shape != (height, width):
        raise DataError(
            f"Mask {mask} has {labels.shape[1]} x {labels.shape[0]} pixels (width x height), but its image {image} has "
            f"{width} x {height}.",
            "Make them equal; an image counts as it is shown, EXIF rotation applied.",
        )
    found = label_rles(labels)
    if classes is not None:
        if VOID not in classes:
            found.pop(VOID, None)
        _refuse_unnamed(mask, labels, list(found), classes)
    return {value: (UNNAMED_CLASS if classes is None else classes[value], *part) for value, part in found.items()}


def _refuse_unnamed(mask: Path, labels: np.ndarray, values: list[int], classes: dict[int, str]) -> None:
    unnamed = [value for value in values if value not in classes]
    if unnamed:
        pixels = int((labels == unnamed[0]).sum())
        raise DataError(
            f"Mask {mask} has the value {unnamed[0]} ({pixels} pixels), which classes.json does not name; it names "
            f"{', '.join(f'{value} {name}' for value, name in classes.items())}.",
            f"Name the value or set those pixels to {VOID} (void).",
        )
