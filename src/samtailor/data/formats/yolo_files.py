"""Find the files of a YOLO data set: class names, images of each split, and the label file of each image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from samtailor.data.formats.encodings import note_encoding, read_text
from samtailor.data.formats.files import IMAGE_SUFFIXES
from samtailor.data.formats.find_images import is_outside, note_outside, note_repaired_path, plain_path, refuse_link
from samtailor.data.formats.yolo_yaml import LAYOUT_HINT, check_classes, find_yaml, read_yaml
from samtailor.data.reading import Reading
from samtailor.data.task import SPLITS
from samtailor.errors import DataError

__all__ = ["YoloFiles", "find_yolo", "is_yolo", "label_file"]

_KEYS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
_CLASS_FILES = ("classes.txt", "labels/classes.txt", "obj.names")
_LOOKED_AT = 200  # label files that are read to write a data.yaml to paste


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
    """Return True for a yaml file, and for a folder with a data.yaml, an obj.data or text files in ``labels/``."""
    if path.is_file():
        return path.suffix.lower() in (".yaml", ".yml")
    return (
        find_yaml(path) is not None
        or (path / "obj.data").is_file()
        or any(next((path / part / "labels").rglob("*.txt"), None) for part in ("", *SPLITS))
    )


def find_yolo(path: Path, reading: Reading | None = None) -> YoloFiles:
    """Read data.yaml, obj.data or classes.txt, and list the images of each split.

    Args:
        path: folder of the data set, or its yaml file.
        reading: collects missing images.

    Raises:
        DataError: a file or folder is missing, broken, or contradicts another.
    """
    reading = reading or Reading()
    file = path if path.is_file() else find_yaml(path)
    if file is None and (path / "obj.data").is_file():
        return _from_obj_data(path / "obj.data", reading)
    if file is None:
        return _without_yaml(path, reading)
    content = read_yaml(file)
    if content.get("names") is None:
        raise DataError(f"{file} has no names of the classes.", f"Add to it:\n{_names_to_paste(file.parent)}")
    classes = check_classes(file, content)
    entries = {}
    for split, keys in _KEYS.items():
        entry = next((content[key] for key in keys if content.get(key) not in (None, "", [])), None)
        if entry is not None:
            entries[split] = entry
    images = _Lists(file, content.get("path"), reading).read(entries) if entries else _usual_folders(file.parent)
    return YoloFiles(file, classes, images, content.get("kpt_shape") is not None)


def label_file(image: Path) -> Path:
    """Return the label file of an image: its path with the last ``images`` replaced by ``labels``, or else beside it.

    The file may not exist.
    """
    beside = image.with_suffix(".txt")
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index].lower() == "images":
            parts[index] = {"Images": "Labels", "IMAGES": "LABELS"}.get(parts[index], "labels")
            mirrored = Path(*parts).with_suffix(".txt")
            return next((path for path in (mirrored, beside) if path.is_file()), _upper(mirrored))
    return beside if beside.is_file() else _upper(beside)


def _upper(label: Path) -> Path:
    """Return the label file with the suffix in capitals if there is one, or else the path itself."""
    upper = label.with_suffix(".TXT")
    return upper if upper.is_file() else label


class _Lists:
    """The images of the splits that a yaml file names."""

    def __init__(self, file: Path, base: Any, reading: Reading) -> None:
        home = file.parent
        self._file, self._home, self._reading = file, home, reading
        # ``path`` is often a folder of another machine.
        self._roots = [home / base, home] if isinstance(base, str) and base.strip() and "\0" not in base else [home]

    def read(self, entries: dict[str, Any]) -> dict[str, list[Path]]:
        """Return split -> images. A split whose folder is missing is left out if another one has images."""
        images: dict[str, list[Path]] = {}
        errors: dict[str, DataError] = {}
        for split, entry in entries.items():
            try:
                images[split] = self._images_of(split, entry)
            except DataError as error:
                errors[split] = error
        if errors and ("train" in errors or not images):
            raise next(iter(errors.values()))
        for split, fault in errors.items():
            self._reading.count()
            self._reading.broken(self._file, split, fault.what.removesuffix("."), fault.hint)
        return images

    def _images_of(self, split: str, entry: Any) -> list[Path]:
        """List the images of one key: a folder, a text file that lists images, or a list of those."""
        images: list[Path] = []
        for source in entry if isinstance(entry, list) else [entry]:
            if not isinstance(source, str) or "\0" in source:
                raise DataError(f"{self._file} has {split}: {source!r:.80}; expected a folder of images.", LAYOUT_HINT)
            path = self._resolve(split, source)
            images += self._read_list(path) if path.is_file() else _images_below(path)
        if not images:
            raise DataError(
                f"{self._file} has {split}: {str(entry)[:200]}, but no image is there; expected one or more.",
                f"Add images or remove {split}.",
            )
        return sorted(dict.fromkeys(images))

    def _resolve(self, split: str, entry: str) -> Path:
        """Return the path of an entry: below ``path`` if it exists there, or else below the yaml's own folder.

        Roboflow writes ``../train/images`` for ``train/images``. Of a path on another machine, its end is searched.
        """
        plain = entry.strip().replace("\\", "/")
        candidates = [root / plain for root in self._roots] + [self._home / plain.removeprefix("../")]
        path = next((path for path in candidates if path.exists()), None) or self._by_end(plain_path(plain))
        if path is None:
            expected = " or ".join(dict.fromkeys(map(str, candidates)))
            raise DataError(
                f"{self._file} has {split}: {entry[:200]}, which does not exist; expected {expected}.",
                f"Fix path or {split} in the yaml.",
            )
        return Path(*path.parts) if ".." not in path.parts else path.resolve()

    def _by_end(self, path: PurePosixPath) -> Path | None:
        """Return what has the longest end of a path below the data set: ``images/a.png`` of ``data/images/a.png``."""
        parts = [part for part in path.parts if part not in ("/", "..", ".")]
        ends = (self._home.joinpath(*parts[start:]) for start in range(len(parts)))
        return next((end for end in ends if end.exists()), None)

    def _read_list(self, file: Path) -> list[Path]:
        """Return the images in a list. A missing one is recorded and left out."""
        text, encoding = read_text(file)
        note_encoding(self._reading, file, encoding)
        is_foreign = is_outside(self._home, file)
        if is_foreign:
            note_outside(self._reading, self._home, file)
        images: list[Path] = []
        missing: list[tuple[int, str]] = []
        for number, line in enumerate(text.splitlines(), 1):
            name = line.strip()
            if not name:
                continue
            plain = name.replace("\\", "/").replace("\0", "")
            candidates = [root / plain for root in (file.parent, *self._roots)]
            image = next((path for path in candidates if _is_image(path)), None)
            if image is None and (image := self._by_end(plain_path(plain))) is not None and _is_image(image):
                self._note_moved(file)
            if image is None or not _is_image(image):
                missing.append((number, name))
                continue
            images.append(image.resolve() if ".." in image.parts else image)
        if missing and not images:
            where = "" if is_foreign else f", the first is {missing[0][1][:200]}; expected it below {self._home}"
            raise DataError(f"{file} lists {len(missing)} images, and none of them exists{where}.", "Fix the list.")
        for number, name in missing:
            self._reading.count()
            # A list elsewhere on this machine may be any file: its lines are not for messages.
            what = "it names no image that exists" if is_foreign else f"the image {name[:200]} is missing"
            self._reading.broken(file, f"line {number}", what, "Add the image or remove the line.")
        return images

    def _note_moved(self, file: Path) -> None:
        note_repaired_path(self._reading, file, "found by the end of the path")


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


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


def _without_yaml(root: Path, reading: Reading) -> YoloFiles:
    file = next((root / name for name in _CLASS_FILES if (root / name).is_file()), None)
    if file is None:
        raise DataError(
            f"{root} has no data.yaml and no classes.txt; expected one of them to name the classes.",
            f"Write {root / 'data.yaml'}, with your names:\n{_names_to_paste(root)}",
        )
    return YoloFiles(file, _read_names(file, reading), _usual_folders(root), False)


def _read_names(file: Path, reading: Reading) -> dict[int, str]:
    refuse_link(file)
    text, encoding = read_text(file)
    note_encoding(reading, file, encoding)
    return check_classes(file, {"names": [line.strip() for line in text.splitlines() if line.strip()]})


def _from_obj_data(file: Path, reading: Reading) -> YoloFiles:
    """Read Darknet's obj.data (lines such as ``train = data/train.txt``), as CVAT writes it for YOLO 1.1."""
    text, encoding = read_text(file)
    note_encoding(reading, file, encoding)
    values = {key.strip(): value.strip() for key, mark, value in (x.partition("=") for x in text.splitlines()) if mark}
    names = file.parent / plain_path(values.get("names", "obj.names")).name
    if not names.is_file():
        raise DataError(f"{file} names its classes in {names}, which is missing.", LAYOUT_HINT)
    entries = {split: values[key] for split, keys in _KEYS.items() for key in keys if values.get(key)}
    images = _Lists(file, None, reading).read(entries) if entries else _usual_folders(file.parent)
    return YoloFiles(names, _read_names(names, reading), images, False)


def _names_to_paste(root: Path) -> str:
    """Return the lines of a data.yaml that name the classes of the label files below a folder."""
    numbers: set[int] = set()
    for path in _first(root.rglob("labels/**/*.txt")):
        try:
            lines = read_text(path)[0].splitlines()
        except DataError:
            continue
        numbers |= {int(word) for line in lines for word in line.split()[:1] if word.isascii() and word.isdecimal()}
    top = min(max(numbers, default=0), 999)
    return "names:\n" + "\n".join(f"  {number}: class {number}" for number in range(top + 1))


def _first(paths: Iterable[Path]) -> list[Path]:
    return [path for _, path in zip(range(_LOOKED_AT), paths, strict=False)]
