"""Read a task in Pascal VOC's layout: palette pictures of objects and classes, or boxes in xml files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from samtailor.data.detect import PLAIN_SCORE
from samtailor.data.formats.builders import split_of
from samtailor.data.formats.drafts import Draft, LabelledMask, draft_labels, task_from_drafts
from samtailor.data.formats.encodings import read_text
from samtailor.data.formats.files import files_by_stem, picture_size
from samtailor.data.formats.label_maps import VOID
from samtailor.data.formats.shapes import BOXES_HINT
from samtailor.data.formats.voc_boxes import read_boxes
from samtailor.data.formats.voc_classes import (
    VOC_CLASSES,
    VocClasses,
    read_class_picture,
    read_object_picture,
    read_voc_classes,
)
from samtailor.data.formats.xml_polygons import match_xml_polygons, read_xml_polygons
from samtailor.data.pixels.rle import label_rles
from samtailor.data.reading import Reading, ReadOptions
from samtailor.data.splits import split_items, split_note
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError

__all__ = ["VOC_CLASSES", "find_voc", "read_voc"]

_PASCAL_NAME = re.compile(r"\d{4}_\d{6}")  # stem of an image of Pascal VOC, such as 2007_000032


def find_voc(root: Path) -> Path | None:
    """Find the folder that holds ``JPEGImages/``: ``root``, or the only one below it (``VOCdevkit/VOC2012``)."""
    if (root / "JPEGImages").is_dir():
        return root
    below = sorted(root.glob("VOC*/JPEGImages")) + sorted(root.glob("VOC*/VOC*/JPEGImages"))
    return below[0].parent if len(below) == 1 else None


def read_voc(root: str | Path, seed: int = 0, boxes_as_masks: bool = False, *, reading: Reading | None = None) -> Task:
    """Read ``JPEGImages/`` with ``SegmentationObject/`` and ``SegmentationClass/``; 0 is background, 255 is void.

    Each value in an object picture is an instance. Its class is the most frequent value under it in the class picture.
    Without object pictures, each class of an image is one instance. The class names come from ``class_names.txt`` or
    ``labelmap.txt``, or else are Pascal's twenty. Splits come from ``ImageSets/Segmentation/{train,val,test}.txt``.

    Args:
        root: the folder with JPEGImages/, or one above it.
        seed: seed of the split by file name, if there are no lists.
        boxes_as_masks: fill the boxes of ``Annotations/*.xml`` if there are no masks. Otherwise boxes alone are an
            error.
        reading: collects broken pictures and objects; None judges them here.

    Raises:
        DataError: too much is broken, or a folder is missing. The message names the files.
    """
    root = Path(root)
    own = reading is None
    reading = reading or Reading(ReadOptions(seed, boxes_as_masks))
    task = _read(root, reading)
    return replace(task, findings=reading.finish(root)) if own else task


def _read(root: Path, reading: Reading) -> Task:
    home = find_voc(root)
    if home is None:
        raise DataError(
            f"{root} holds no folder JPEGImages, or several; expected one (Pascal VOC).",
            "Pass the folder that holds JPEGImages.",
        )
    if (home / "SegmentationClass").is_dir():
        return _read_masks(root, home, reading)
    if match_xml_polygons(home / "Annotations").score >= PLAIN_SCORE:
        return read_xml_polygons(home, reading)
    if (home / "SegmentationObject").is_dir():
        raise DataError(
            f"{home} has SegmentationObject/ without SegmentationClass/; expected both.",
            "Add SegmentationClass/, which says the class of each object.",
        )
    if not reading.options.boxes_as_masks:
        raise DataError(
            f"{home} (Pascal VOC) has boxes in Annotations/, but no SegmentationClass/; expected masks.", BOXES_HINT
        )
    return _read_boxes(root, home, reading)


def _read_masks(root: Path, home: Path, reading: Reading) -> Task:
    images, splits, note = _split_images(home, "Segmentation", home / "SegmentationClass", ".png", reading)
    classes = read_voc_classes(home)
    if classes.source is None and not all(_PASCAL_NAME.fullmatch(stem) for stems in splits.values() for stem in stems):
        _note_pascal_names(home, reading)

    def read(image: Path) -> Draft:
        return _mask_draft(home, image, classes, reading)

    drafts = {split: _drafts([images[stem] for stem in stems], read, reading) for split, stems in splits.items()}
    if not (home / "SegmentationObject").is_dir():
        note += ", one instance per class and image"
    return task_from_drafts(root, "Pascal VOC" + note, classes.names.values(), drafts)


def _note_pascal_names(home: Path, reading: Reading) -> None:
    names = json.dumps({str(value): name for value, name in enumerate(VOC_CLASSES[:3], 1)})
    reading.note(
        "pascal-names",
        "warning",
        lambda _: (
            f"{home} has no table of classes: the values 1 to 20 were named like those of Pascal VOC, such as 1 "
            f"{VOC_CLASSES[0]}, but its images are not Pascal's."
        ),
        f"Name your classes in {home / 'classes.json'}, like {names}.",
        home,
    )


def _read_boxes(root: Path, home: Path, reading: Reading) -> Task:
    images, splits, note = _split_images(home, "Main", home / "Annotations", ".xml", reading)

    def read(image: Path) -> Draft:
        return _box_draft(home, image, reading)

    drafts = {split: _drafts([images[stem] for stem in stems], read, reading) for split, stems in splits.items()}
    labels = draft_labels(draft for split_drafts in drafts.values() for draft in split_drafts)
    return task_from_drafts(root, "Pascal VOC" + note, sorted(labels), drafts)


def _drafts(images: list[Path], read: Callable[[Path], Draft], reading: Reading) -> list[Draft]:
    """Return the images with their masks. One that is broken is recorded and left out."""
    drafts = []
    for image in images:
        try:
            drafts.append(read(image))
        except DataError as error:
            reading.count()
            reading.broken(image, "", error.what.removesuffix("."), error.hint)
    return drafts


def _split_images(
    home: Path, list_folder: str, annotations: Path, suffix: str, reading: Reading
) -> tuple[dict[str, Path], dict[str, list[str]], str]:
    """Choose the images of each split.

    Args:
        home: the folder that holds JPEGImages/.
        list_folder: sub-folder of ImageSets/ with the lists of splits.
        annotations: folder of the annotation files.
        suffix: their suffix.
        reading: collects files that are listed and missing.

    Returns:
        stem -> image; split -> stems; and the words for ``Task.format``, empty if lists make the split.
    """
    images = files_by_stem(home / "JPEGImages")
    annotated = {path.stem for path in annotations.iterdir() if path.suffix.lower() == suffix}
    splits: dict[str, list[str]] = {}
    for path in sorted((home / "ImageSets" / list_folder).glob("*.txt")):
        split = split_of(f"{path.stem}/a")
        if split:
            lines = [line.split()[0] for line in read_text(path)[0].splitlines() if line.strip()]
            stems = [line if line in annotated else PurePosixPath(line).stem for line in lines]
            splits[split] = sorted({*splits.get(split, []), *stems})
    note = ""
    if not splits:
        seed = reading.options.seed
        splits = split_items(sorted(annotated), str, seed)
        note = f", {split_note('file name', seed)}"
    ordered = {split: splits[split] for split in SPLITS if split in splits}
    for split, stems in ordered.items():
        ordered[split] = _present(home, split, stems, annotated, annotations, suffix, reading)
        ordered[split] = _present(home, split, ordered[split], set(images), home / "JPEGImages", ".jpg", reading)
    return images, ordered, note


def _present(
    home: Path, split: str, stems: list[str], present: set[str], folder: Path, suffix: str, reading: Reading
) -> list[str]:
    """Return the stems whose file is there, and record the others.

    Raises:
        DataError: no file is there.
    """
    missing = [stem for stem in stems if stem not in present]
    hint = f"Add the files, or remove them from ImageSets/*/{split}.txt."
    if missing and len(missing) == len(stems):
        raise DataError(
            f"{len(missing)} of {len(stems)} files of {split} in {home} (Pascal VOC) are missing, the first is "
            f"{folder / missing[0]}{suffix}.",
            hint,
        )
    for stem in missing:
        reading.count()
        reading.broken(folder / f"{stem}{suffix}", "", f"the file of {split} is missing", hint)
    return [stem for stem in stems if stem in present]


def _mask_draft(home: Path, image: Path, names: VocClasses, reading: Reading) -> Draft:
    width, height = picture_size(image)
    class_file, object_file = (home / f"Segmentation{kind}" / f"{image.stem}.png" for kind in ("Class", "Object"))
    classes = read_class_picture(class_file, image, width, height, names)
    if not object_file.parent.is_dir():
        by_class = label_rles(np.where(classes == VOID, 0, classes))
        reading.count(len(by_class))
        masks = [LabelledMask(names.names[value], *rle_and_area) for value, rle_and_area in by_class.items()]
        return Draft(image, width, height, tuple(masks))
    objects = read_object_picture(object_file, image, width, height)
    masks = []
    for value, rle_and_area in label_rles(np.where(objects == VOID, 0, objects)).items():
        reading.count()
        under = classes[objects == value]
        under = under[(under != 0) & (under != VOID)]
        if under.size:  # the most frequent class under the object
            masks.append(LabelledMask(names.names[int(np.bincount(under).argmax())], *rle_and_area))
            continue
        cause = f"it has no class in {class_file}; expected at least one pixel of a class"
        reading.broken(object_file, f"object {value}", cause, "Paint the object's class there.")
    return Draft(image, width, height, tuple(masks))


def _box_draft(home: Path, image: Path, reading: Reading) -> Draft:
    width, height = picture_size(image)
    masks = read_boxes(home / "Annotations" / f"{image.stem}.xml", image, height, width, reading)
    return Draft(image, width, height, masks, len(masks))
