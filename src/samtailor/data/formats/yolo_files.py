"""Find the files of a YOLO data set: class names, images of each split, and the label file of each image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtailor.data.formats.files import IMAGE_SUFFIXES, read_lines
from samtailor.data.formats.yolo_yaml import LAYOUT_HINT, check_classes, find_yaml, read_yaml
from samtailor.data.task import SPLITS
from samtailor.errors import DataError

__all__ = ["YoloFiles", "find_yolo", "is_yolo", "label_file"]

_KEYS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


@dataclass(frozen=True)
class YoloFiles:
    """The files of a YOLO data set.

    Attributes:
        source: the file that names the classes.
        classes: class number -> name, in rising order of numbers.
        images: split -> its images, sorted. The only key is "" if there are no splits.
        keypoints: True for a pose data set, whose lines hold key points after a box.
    """

    source: Path
    classes: dict[int, str]
    images: dict[str, list[Path]]
    keypoints: bool


def is_yolo(path: Path) -> bool:
    """Return True for a yaml file, and for a folder with a data.yaml or with text files in ``labels/``."""
    if path.is_file():
        return path.suffix.lower() in (".yaml", ".yml")
    return find_yaml(path) is not None or any(
        next((path / part / "labels").rglob("*.txt"), None) for part in ("", *SPLITS)
    )


def find_yolo(path: Path) -> YoloFiles:
    """Read data.yaml or classes.txt, and list the images of each split.

    Args:
        path: folder of the data set, or its yaml file.

    Raises:
        DataError: a file or folder is missing, broken, or contradicts another.
    """
    file = path if path.is_file() else find_yaml(path)
    if file is None:
        return _without_yaml(path)
    content = read_yaml(file)
    classes = check_classes(file, content)
    entries = {}
    for split, keys in _KEYS.items():
        entry = next((content[key] for key in keys if content.get(key) not in (None, "", [])), None)
        if entry is not None:
            entries[split] = entry
    if entries:
        images = {split: _images_of(file, split, entry, content.get("path")) for split, entry in entries.items()}
    else:
        images = _usual_folders(file.parent)
    return YoloFiles(file, classes, images, content.get("kpt_shape") is not None)


def label_file(image: Path) -> Path:
    """Return the label file of an image: its path with the last ``images`` replaced by ``labels``, or else beside it.

    The file may not exist.
    """
    beside = image.with_suffix(".txt")
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            mirrored = Path(*parts).with_suffix(".txt")
            return mirrored if mirrored.is_file() or not beside.is_file() else beside
    return beside


def _images_of(file: Path, split: str, entry: Any, base: Any) -> list[Path]:
    """List the images of one key: a folder, a text file that lists images, or a list of those."""
    images: list[Path] = []
    for source in entry if isinstance(entry, list) else [entry]:
        if not isinstance(source, str) or "\0" in source:
            raise DataError(f"{file} has {split}: {source!r}; expected a folder of images.", LAYOUT_HINT)
        path = _resolve(file, split, source, base)
        images += _read_list(path) if path.is_file() else _images_below(path)
    if not images:
        raise DataError(
            f"{file} has {split}: {entry}, but no image is there; expected one or more.",
            f"Add images or remove {split}.",
        )
    return sorted(dict.fromkeys(images))


def _resolve(file: Path, split: str, entry: str, base: Any) -> Path:
    """Return the path of an entry: below ``path`` if it exists there, or else below the yaml's own folder.

    ``path`` is often a folder of another machine. Roboflow writes ``../train/images`` for ``train/images``.
    """
    home = file.parent
    roots = [home / base, home] if isinstance(base, str) and base.strip() else [home]
    plain = entry.replace("\\", "/")
    candidates = [root / plain for root in roots] + [home / plain.removeprefix("../")]
    for candidate in candidates:
        if candidate.exists():
            return Path(*candidate.parts) if ".." not in candidate.parts else candidate.resolve()
    expected = " or ".join(dict.fromkeys(map(str, candidates)))
    raise DataError(
        f"{file} has {split}: {entry}, which does not exist; expected {expected}.", f"Fix path or {split} in the yaml."
    )


def _read_list(file: Path) -> list[Path]:
    images = []
    for number, line in read_lines(file):
        candidates = [file.parent / line, file.parent / line.removeprefix("./")]
        image = next((path for path in candidates if path.is_file()), None)
        if image is None:
            raise DataError(
                f"{file}, line {number}: the image {line} is missing; expected {candidates[0]}.",
                "Add the image or remove the line.",
            )
        images.append(image)
    return images


def _images_below(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]


def _usual_folders(root: Path) -> dict[str, list[Path]]:
    """List ``images/train`` or ``train/images`` (``val`` may be ``valid``), or else ``images/`` without splits."""
    images: dict[str, list[Path]] = {}
    for split, names in _KEYS.items():
        for name in names:
            folder = next((f for f in (root / "images" / name, root / name / "images") if f.is_dir()), None)
            if folder is not None:
                images[split] = _images_below(folder)
                break
    if images:
        return images
    folder = root / "images"
    if not folder.is_dir():
        raise DataError(
            f"No images in {root}; expected images/train/ with labels/train/, or train/images/ with train/labels/ "
            "(val and test likewise), or images/ with labels/.",
            LAYOUT_HINT,
        )
    return {"": _images_below(folder)}


def _without_yaml(root: Path) -> YoloFiles:
    file = root / "classes.txt"
    if not file.is_file():
        raise DataError(
            f"{root} has no data.yaml and no classes.txt; expected one of them to name the classes.", LAYOUT_HINT
        )
    classes = check_classes(file, {"names": [line for _, line in read_lines(file)]})
    return YoloFiles(file, classes, _usual_folders(root), False)
