"""Read a task in Pascal VOC's layout: palette pictures of objects and classes, or boxes in xml files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data.formats.drafts import Draft, LabelledMask, draft_labels, task_from_drafts
from samtailor.data.formats.files import files_by_stem, picture_size, read_lines
from samtailor.data.formats.label_maps import VOID, read_labels_of
from samtailor.data.formats.shapes import BOXES_HINT
from samtailor.data.formats.voc_boxes import read_boxes
from samtailor.data.pixels.rle import label_rles
from samtailor.data.splits import split_items, split_note
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError

__all__ = ["VOC_CLASSES", "find_voc", "read_voc"]

VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


def find_voc(root: Path) -> Path | None:
    """Find the folder that holds ``JPEGImages/``: ``root``, or the only one below it (``VOCdevkit/VOC2012``)."""
    if (root / "JPEGImages").is_dir():
        return root
    below = sorted(root.glob("VOC*/JPEGImages")) + sorted(root.glob("VOC*/VOC*/JPEGImages"))
    return below[0].parent if len(below) == 1 else None


def read_voc(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read ``JPEGImages/`` with ``SegmentationObject/`` and ``SegmentationClass/``; 0 is background, 255 is void.

    Each value in an object picture is an instance. Its class is the most frequent value under it in the class picture.
    Without object pictures, each class of an image is one instance. The class names come from ``class_names.txt`` or
    ``labelmap.txt``, or else are Pascal's twenty. Splits come from ``ImageSets/Segmentation/{train,val,test}.txt``.

    Args:
        root: the folder with JPEGImages/, or one above it.
        seed: seed of the split by file name, if there are no lists.
        boxes_as_masks: fill the boxes of ``Annotations/*.xml`` if there are no masks. Otherwise boxes alone are an
            error.

    Raises:
        DataError: a file is missing, broken, or contradicts another. The message names the file.
    """
    root = Path(root)
    home = find_voc(root)
    if home is None:
        raise DataError(
            f"{root} holds no folder JPEGImages, or several; expected one (Pascal VOC).",
            "Pass the folder that holds JPEGImages.",
        )
    if (home / "SegmentationClass").is_dir():
        return _read_masks(root, home, seed)
    if (home / "SegmentationObject").is_dir():
        raise DataError(
            f"{home} has SegmentationObject/ without SegmentationClass/; expected both.",
            "Add SegmentationClass/, which says the class of each object.",
        )
    if not boxes_as_masks:
        raise DataError(
            f"{home} (Pascal VOC) has boxes in Annotations/, but no SegmentationClass/; expected masks.", BOXES_HINT
        )
    return _read_boxes(root, home, seed)


def _read_masks(root: Path, home: Path, seed: int) -> Task:
    images, splits, note = _split_images(home, "Segmentation", home / "SegmentationClass", ".png", seed)
    names = _class_names(home)
    drafts = {split: [_mask_draft(home, images[stem], names) for stem in stems] for split, stems in splits.items()}
    if not (home / "SegmentationObject").is_dir():
        note += ", one instance per class and image"
    return task_from_drafts(root, "Pascal VOC" + note, names.values(), drafts)


def _read_boxes(root: Path, home: Path, seed: int) -> Task:
    images, splits, note = _split_images(home, "Main", home / "Annotations", ".xml", seed)
    drafts = {split: [_box_draft(home, images[stem]) for stem in stems] for split, stems in splits.items()}
    labels = draft_labels(draft for split_drafts in drafts.values() for draft in split_drafts)
    return task_from_drafts(root, "Pascal VOC" + note, sorted(labels), drafts)


def _split_images(
    home: Path, list_folder: str, annotations: Path, suffix: str, seed: int
) -> tuple[dict[str, Path], dict[str, list[str]], str]:
    """Choose the images of each split.

    Args:
        home: the folder that holds JPEGImages/.
        list_folder: sub-folder of ImageSets/ with the lists of splits.
        annotations: folder of the annotation files.
        suffix: their suffix.
        seed: seed of the split if there are no lists.

    Returns:
        stem -> image; split -> stems; and the words for ``Task.format``, empty if lists make the split.
    """
    images = files_by_stem(home / "JPEGImages")
    annotated = {path.stem for path in annotations.glob(f"*{suffix}")}
    lists = {split: home / "ImageSets" / list_folder / f"{split}.txt" for split in SPLITS}
    listed = {
        split: [line.split()[0] for _, line in read_lines(path)] for split, path in lists.items() if path.is_file()
    }
    for split, stems in listed.items():
        _check_present(home, split, stems, annotated, annotations, suffix)
    splits = {split: sorted(set(stems)) for split, stems in listed.items()}
    note = ""
    if not listed:
        splits = split_items(sorted(annotated), str, seed)
        note = f", {split_note('file name', seed)}"
    for split, stems in splits.items():
        _check_present(home, split, stems, set(images), home / "JPEGImages", ".jpg")
    return images, splits, note


def _check_present(home: Path, split: str, stems: list[str], present: set[str], folder: Path, suffix: str) -> None:
    missing = [stem for stem in stems if stem not in present]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(stems)} files of {split} in {home} (Pascal VOC) are missing, the first is "
            f"{folder / missing[0]}{suffix}.",
            f"Add the files, or remove them from ImageSets/*/{split}.txt.",
        )


def _class_names(home: Path) -> dict[int, str]:
    """Return value in the class pictures -> class name."""
    for file in (home / "class_names.txt", home / "labelmap.txt"):
        if file.is_file():
            lines = [line.split(":")[0].strip() for _, line in read_lines(file) if not line.startswith("#")]
            lines = [line for line in lines if line != "__ignore__"]
            if not lines or lines[0].strip("_").lower() != "background" or len(set(lines)) < len(lines):
                raise DataError(
                    f"{file} has the names {lines[:5]}; expected background first, then each class once.",
                    "Fix the order of the names.",
                )
            return dict(enumerate(lines[1:], 1))
    return dict(enumerate(VOC_CLASSES, 1))


def _mask_draft(home: Path, image: Path, names: dict[int, str]) -> Draft:
    width, height = picture_size(image)
    class_file, object_file = (home / f"Segmentation{kind}" / f"{image.stem}.png" for kind in ("Class", "Object"))
    classes = read_labels_of(class_file, image, width, height)
    unknown = [value for value in np.unique(classes).tolist() if value not in (0, VOID) and value not in names]
    if unknown:
        raise DataError(
            f"{class_file} has the class {unknown[0]}; expected 1 to {max(names)} ({VOID} is void).",
            "Name the classes in class_names.txt, one per line, _background_ first.",
        )
    if not object_file.parent.is_dir():
        by_class = label_rles(np.where(classes == VOID, 0, classes))
        masks = [LabelledMask(names[value], *rle_and_area) for value, rle_and_area in by_class.items()]
    else:
        objects = read_labels_of(object_file, image, width, height)
        by_object = label_rles(np.where(objects == VOID, 0, objects))
        masks = [
            LabelledMask(names[_class_under(objects == value, classes, value, object_file, class_file)], *rle_and_area)
            for value, rle_and_area in by_object.items()
        ]
    return Draft(image, width, height, tuple(masks))


def _class_under(mask: np.ndarray, classes: np.ndarray, value: int, object_file: Path, class_file: Path) -> int:
    """Return the most frequent class under an object."""
    under = classes[mask]
    under = under[(under != 0) & (under != VOID)]
    if under.size == 0:
        raise DataError(
            f"Object {value} of {object_file} has no class in {class_file}; expected at least one pixel of a class.",
            "Paint the object's class there.",
        )
    return int(np.bincount(under).argmax())


def _box_draft(home: Path, image: Path) -> Draft:
    width, height = picture_size(image)
    masks = read_boxes(home / "Annotations" / f"{image.stem}.xml", image, height, width)
    return Draft(image, width, height, masks, len(masks))
