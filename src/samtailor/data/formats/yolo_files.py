"""Finding the files of a YOLO data set: class names, images per split, and the label file of each image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from samtailor.data.formats.folders import IMAGE_SUFFIXES
from samtailor.data.formats.reading import read_bytes, read_lines
from samtailor.data.task import SPLITS
from samtailor.errors import DataError

__all__ = ["YoloFiles", "find_yolo", "is_yolo", "labels_of"]

_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_KEYS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
_HINT = "Write it like:  train: images/train   val: images/val   names: [cell, wall]"


@dataclass(frozen=True)
class YoloFiles:
    """What a YOLO data set consists of.

    Attributes:
        source: the file that names the classes.
        classes: class number -> name, by rising number.
        images: split -> its images, sorted; the one key "" where there are no splits.
        keypoints: the label lines hold key points after a box (a pose data set).
    """

    source: Path
    classes: dict[int, str]
    images: dict[str, list[Path]]
    keypoints: bool


def is_yolo(path: Path) -> bool:
    """Whether ``path`` is a data.yaml, or a folder with one, or with ``labels/`` or ``train/labels/``."""
    if path.is_file():
        return path.suffix.lower() in (".yaml", ".yml")
    return _yaml_of(path) is not None or any(
        next((path / part / "labels").rglob("*.txt"), None) for part in ("", *SPLITS)
    )


def find_yolo(path: Path) -> YoloFiles:
    """Read data.yaml (or classes.txt) and list the images of each split.

    Args:
        path: the data set's folder, or its yaml file.

    Raises:
        DataError: a file or folder is missing, broken, or contradicts another.
    """
    file = path if path.is_file() else _yaml_of(path)
    if file is None:
        return _without_yaml(path)
    content = _read_yaml(file)
    classes = _classes(file, content)
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


def labels_of(image: Path) -> Path:
    """The label file of an image: its path with the last ``images`` replaced by ``labels``, else beside it."""
    parts = list(image.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            mirrored = Path(*parts).with_suffix(".txt")
            return (
                mirrored if mirrored.is_file() or not image.with_suffix(".txt").is_file() else image.with_suffix(".txt")
            )
    return image.with_suffix(".txt")


def _yaml_of(root: Path) -> Path | None:
    for name in _NAMES:
        if (root / name).is_file():
            return root / name
    others = [path for path in sorted(root.glob("*.y*ml")) if b"names" in path.read_bytes()]
    return others[0] if len(others) == 1 else None


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(read_bytes(file))
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: undecodable bytes, impossible dates
        raise DataError(f"{file} is not YAML ({' '.join(str(error).split())}).", _HINT) from error
    if not isinstance(content, dict):
        raise DataError(f"{file} holds a YAML {type(content).__name__}; expected keys with values.", _HINT)
    return content


def _classes(file: Path, content: dict[str, Any]) -> dict[int, str]:
    names = content.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise DataError(
            f"{file} has the names {names!r}; expected a list of class names, or numbers with names.", _HINT
        )
    classes: dict[int, str] = {}
    for key, name in names.items():
        number = int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() else key
        if type(number) is not int or number < 0 or number in classes:
            raise DataError(f"{file} has the class number {key!r}; expected 0, 1, 2, ..., each once.", _HINT)
        if not isinstance(name, (str, int, float)) or not str(name).strip() or str(name).strip() in classes.values():
            raise DataError(f"{file} has the class name {name!r}; expected text, each name once.", _HINT)
        classes[number] = str(name).strip()
    count = content.get("nc")
    if count is not None and count != len(classes):
        raise DataError(f"{file} says nc: {count}, but names {len(classes)} classes.", "Make them equal.")
    return dict(sorted(classes.items()))


def _images_of(file: Path, split: str, entry: Any, base: Any) -> list[Path]:
    """Images of one key: a folder, a text file that lists images, or a list of those."""
    found: list[Path] = []
    for one in entry if isinstance(entry, list) else [entry]:
        if not isinstance(one, str) or "\0" in one:
            raise DataError(f"{file} has {split}: {one!r}; expected a folder of images.", _HINT)
        place = _resolve(file, split, one, base)
        found += _listed(place) if place.is_file() else _pictures(place)
    if not found:
        raise DataError(f"{file} has {split}: {entry}, but there is no image.", f"Add images or remove {split}.")
    return sorted(dict.fromkeys(found))


def _resolve(file: Path, split: str, entry: str, base: Any) -> Path:
    """Where an entry points: below ``path`` if that is there, else below the yaml's own folder.

    ``path`` is often that of another machine, and Roboflow writes ``../train/images`` for ``train/images``.
    """
    home = file.parent
    roots = [home / base, home] if isinstance(base, str) and base.strip() else [home]
    plain = entry.replace("\\", "/")
    tries = [root / plain for root in roots] + [home / plain.removeprefix("../")]
    for candidate in tries:
        if candidate.exists():
            return Path(*candidate.parts) if ".." not in candidate.parts else candidate.resolve()
    looked = " or ".join(dict.fromkeys(map(str, tries)))
    raise DataError(f"{file} has {split}: {entry}, which is not there; looked for {looked}.", "Mend path or the entry.")


def _listed(file: Path) -> list[Path]:
    found = []
    for number, line in read_lines(file):
        tries = [file.parent / line, file.parent / line.removeprefix("./")]
        image = next((path for path in tries if path.is_file()), None)
        if image is None:
            raise DataError(f"{file}, line {number}: the image {line} is missing; looked for {tries[0]}.", "Add it.")
        found.append(image)
    return found


def _pictures(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]


def _usual_folders(root: Path) -> dict[str, list[Path]]:
    """``images/train`` or ``train/images`` (``val`` may be ``valid``), else ``images/`` without splits."""
    images: dict[str, list[Path]] = {}
    for split, names in _KEYS.items():
        for name in names:
            folder = next((f for f in (root / "images" / name, root / name / "images") if f.is_dir()), None)
            if folder is not None:
                images[split] = _pictures(folder)
                break
    if images:
        return images
    folder = root / "images"
    if not folder.is_dir():
        raise DataError(
            f"No images in {root}; expected images/train/ with labels/train/, or train/images/ with train/labels/ "
            "(val and test likewise), or images/ with labels/.",
            _HINT,
        )
    return {"": _pictures(folder)}


def _without_yaml(root: Path) -> YoloFiles:
    file = root / "classes.txt"
    if not file.is_file():
        raise DataError(f"There is no data.yaml or classes.txt in {root}, so the classes have no names.", _HINT)
    classes = _classes(file, {"names": [line for _, line in read_lines(file)]})
    return YoloFiles(file, classes, _usual_folders(root), False)
