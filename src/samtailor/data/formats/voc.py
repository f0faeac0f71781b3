"""Reading a task in Pascal VOC's layout: palette pictures of objects and classes, or boxes in xml."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data.formats.reading import (
    Draft,
    Found,
    images_by_stem,
    number_instances,
    read_lines,
    rectangles_note,
    size_of,
)
from samtailor.data.formats.shapes import BOXES_HINT
from samtailor.data.formats.voc_boxes import read_boxes
from samtailor.data.pixels.masks import read_labels
from samtailor.data.pixels.rle import label_rles
from samtailor.data.splits import split_by_name
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError

__all__ = ["VOC_CLASSES", "find_voc", "read_voc"]

VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
_VOID = 255


def find_voc(root: Path) -> Path | None:
    """The folder that holds ``JPEGImages/``: ``root``, or the only such below it (``VOCdevkit/VOC2012``)."""
    if (root / "JPEGImages").is_dir():
        return root
    below = sorted(root.glob("VOC*/JPEGImages")) + sorted(root.glob("VOC*/VOC*/JPEGImages"))
    return below[0].parent if len(below) == 1 else None


def read_voc(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read ``JPEGImages/`` with ``SegmentationObject/`` and ``SegmentationClass/``; 0 is background, 255 void.

    Each value of an object picture is an instance, whose class is the most frequent one under it in the class
    picture. Without object pictures each class of an image is one instance. Classes are Pascal's twenty, or those
    of ``class_names.txt`` or ``labelmap.txt``. Splits are ``ImageSets/Segmentation/{train,val,test}.txt``.

    Args:
        root: the folder with JPEGImages/, or one above it.
        seed: of the split where no list makes one: 70 % train, 10 % val, 20 % test by file name.
        boxes_as_masks: fill the boxes of ``Annotations/*.xml`` in where there are no masks; an error otherwise.

    Raises:
        DataError: a file is missing, broken, or contradicts another; the message names it.
    """
    root = Path(root)
    home = find_voc(root)
    if home is None:
        raise DataError(f"No folder JPEGImages in {root} (Pascal VOC), or several below it.", "Pass the one to read.")
    has_masks = (home / "SegmentationClass").is_dir()
    if not has_masks and (home / "SegmentationObject").is_dir():
        raise DataError(f"{home} has SegmentationObject/, but no SegmentationClass/ to say the classes.", "Add it.")
    if not has_masks and not boxes_as_masks:
        raise DataError(f"{home} (Pascal VOC) has boxes in Annotations/, but no SegmentationClass/.", BOXES_HINT)
    kind = "Segmentation" if has_masks else "Main"
    pictures = images_by_stem(home / "JPEGImages")
    labelled = home / ("SegmentationClass" if has_masks else "Annotations")
    stems, made = _splits(home, kind, {p.stem for p in labelled.glob("*.png" if has_masks else "*.xml")}, seed)
    for split, chosen in stems.items():
        _refuse_missing(home, split, chosen, set(pictures), home / "JPEGImages", ".jpg")
    names = _class_names(home) if has_masks else {}
    drafts = {
        split: [
            _draft(home, pictures[stem], names) if has_masks else _box_draft(home, pictures[stem]) for stem in chosen
        ]
        for split, chosen in stems.items()
    }
    every = [draft for some in drafts.values() for draft in some]
    layout = "Pascal VOC" + ("" if not made else f", split 70/10/20 by file name (seed {seed})")
    if has_masks and not (home / "SegmentationObject").is_dir():
        layout += ", one instance per class and image"
    classes = tuple(names.values()) or tuple(sorted({label for draft in every for label, *_ in draft.found}))
    splits = {split: number_instances(some) for split, some in drafts.items()}
    return Task(root.resolve().name, root, layout + rectangles_note(every), classes, splits)


def _splits(home: Path, kind: str, labelled: set[str], seed: int) -> tuple[dict[str, list[str]], bool]:
    """split -> stems, and whether it was made here."""
    lists = {split: home / "ImageSets" / kind / f"{split}.txt" for split in SPLITS}
    found = {
        split: [line.split()[0] for _, line in read_lines(path)] for split, path in lists.items() if path.is_file()
    }
    for split, stems in found.items():
        _refuse_missing(home, split, stems, labelled, *_where(home, kind))
    if found:
        return {split: sorted(set(stems)) for split, stems in found.items()}, False
    chosen = split_by_name(labelled, seed)
    return {split: sorted(stem for stem in labelled if chosen[stem] == split) for split in SPLITS}, True


def _where(home: Path, kind: str) -> tuple[Path, str]:
    return (home / "Annotations", ".xml") if kind == "Main" else (home / "SegmentationClass", ".png")


def _refuse_missing(home: Path, split: str, stems: list[str], there: set[str], folder: Path, suffix: str) -> None:
    missing = [stem for stem in stems if stem not in there]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(stems)} files of {split} in {home} (Pascal VOC) are missing, the first is "
            f"{folder / missing[0]}{suffix}.",
            f"Add them, or take them out of ImageSets/*/{split}.txt.",
        )


def _class_names(home: Path) -> dict[int, str]:
    """value in the class pictures -> name."""
    for file in (home / "class_names.txt", home / "labelmap.txt"):
        if file.is_file():
            lines = [line.split(":")[0].strip() for _, line in read_lines(file) if not line.startswith("#")]
            lines = [line for line in lines if line != "__ignore__"]
            if not lines or lines[0].strip("_").lower() != "background" or len(set(lines)) < len(lines):
                raise DataError(
                    f"{file} has the names {lines[:5]}; expected background first, then each class once.", "Mend it."
                )
            return dict(enumerate(lines[1:], 1))
    return dict(enumerate(VOC_CLASSES, 1))


def _draft(home: Path, image: Path, names: dict[int, str]) -> Draft:
    width, height = size_of(image)
    class_file, object_file = (home / f"Segmentation{kind}" / f"{image.stem}.png" for kind in ("Class", "Object"))
    classes = _labels(class_file, image, width, height)
    unknown = [value for value in np.unique(classes).tolist() if value not in (0, _VOID) and value not in names]
    if unknown:
        raise DataError(
            f"{class_file} has the class {unknown[0]}; known are 1 to {max(names)}, {_VOID} is void.",
            "Name the classes in class_names.txt, one a line, _background_ first.",
        )
    if not object_file.parent.is_dir():
        parts = label_rles(np.where(classes == _VOID, 0, classes))
        return Draft(image, width, height, tuple((names[value], *part) for value, part in parts.items()))
    objects = _labels(object_file, image, width, height)
    found: list[Found] = []
    for value, part in label_rles(np.where(objects == _VOID, 0, objects)).items():
        under = classes[objects == value]
        under = under[(under != 0) & (under != _VOID)]
        if under.size == 0:
            raise DataError(f"Object {value} of {object_file} has no class in {class_file}.", "Paint its class there.")
        found.append((names[int(np.bincount(under).argmax())], *part))
    return Draft(image, width, height, tuple(found))


def _labels(file: Path, image: Path, width: int, height: int) -> np.ndarray:
    labels = read_labels(file)
    if labels.shape != (height, width):
        raise DataError(
            f"{file} has {labels.shape[1]} x {labels.shape[0]} pixels (width x height), but its image {image} has "
            f"{width} x {height}.",
            "Make them equal; an image counts as it is shown, EXIF rotation applied.",
        )
    return labels


def _box_draft(home: Path, image: Path) -> Draft:
    width, height = size_of(image)
    found = read_boxes(home / "Annotations" / f"{image.stem}.xml", height, width)
    return Draft(image, width, height, found, len(found))
