"""Opening a Hugging Face ``datasets`` folder, and its pictures as files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs

from samtailor.errors import DataError
from samtailor.machine.extras import require
from samtailor.machine.files import write_atomically

__all__ = ["Pictures", "class_names", "is_hf_folder", "is_saved", "open_splits"]

_SPLITS = {"train": "train", "training": "train", "validation": "val", "valid": "val", "val": "val", "dev": "val"}
_SPLITS |= {"test": "test", "testing": "test"}
_DATA = ("*.parquet", "metadata.jsonl", "metadata.csv")


def is_saved(root: Path) -> bool:
    """Whether ``save_to_disk`` wrote the folder."""
    return (root / "dataset_dict.json").is_file() or all(
        (root / name).is_file() for name in ("dataset_info.json", "state.json")
    )


def is_hf_folder(root: Path) -> bool:
    """Whether the folder holds parquet files or an image folder's metadata, at most one folder down."""
    return any(next(root.glob(f"{where}{name}"), None) for name in _DATA for where in ("", "*/"))


def open_splits(root: Path) -> dict[str, Any]:
    """split -> rows (a ``datasets.Dataset`` whose pictures are not decoded); the one key "" without splits.

    Rows stay on disk; they are read when asked for.

    Raises:
        DataError: the folder cannot be read, or a split has an unknown name.
        SamtailorError: ``datasets`` is not installed.
    """
    datasets = require("datasets", extra="formats", purpose=f"Reading the Hugging Face dataset {root}")
    with _quiet(datasets):
        try:
            if is_saved(root):
                found = datasets.load_from_disk(str(root))
            else:
                found = datasets.load_dataset(str(root), cache_dir=str(_pictures_root() / "tables"))
        except Exception as error:  # it raises anything on damaged files
            cause = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{root} cannot be read as a Hugging Face data set: {cause}.", "Save it again.") from error
    splits = {str(name): rows for name, rows in found.items()} if hasattr(found, "items") else {"": found}
    if list(splits) == ["train"]:  # what datasets calls rows that nobody has split
        splits = {"": splits["train"]}
    named: dict[str, Any] = {}
    for name, rows in splits.items():
        split = "" if name == "" else _SPLITS.get(name, "")
        if name and not split:
            raise DataError(f"{root} has the split {name!r}; expected train, validation (or val), test.", "Rename it.")
        if split in named:
            raise DataError(f"{root} has two splits that mean {split!r}: {', '.join(splits)}.", "Keep one of them.")
        named[split] = _undecoded(datasets, rows)
    return named


def class_names(feature: Any) -> list[str] | None:
    """Names of a ``ClassLabel`` feature, looked for inside lists; None where there are none."""
    while feature is not None:
        if (names := getattr(feature, "names", None)) is not None:
            return [str(name) for name in names]
        feature = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
    return None


class Pictures:
    """Where pictures that lie inside the rows are written as files: one folder per data set in the user's cache.

    A picture that is there already with the same bytes is left alone.
    """

    def __init__(self, root: Path) -> None:
        digest = hashlib.blake2b(str(root.resolve()).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        self.root, self.folder = root, _pictures_root() / f"{root.resolve().name}-{digest}"
        self._taken: set[str] = set()

    def path(self, split: str, row: int, picture: dict[str, Any]) -> Path:
        """File of a picture ({"bytes", "path"}): its own, or the written one."""
        name, content = picture.get("path"), picture.get("bytes")
        if content is None:
            if name and Path(name).is_file():
                return Path(name)
            raise DataError(f"{self.root}, row {row} of {split or 'the data'}: the image {name} is missing.", "Add it.")
        short = PurePosixPath(str(name or "").replace("\\", "/")).name or f"{row:06}{_suffix(content)}"
        if (split + short).lower() in self._taken:
            short = f"{row:06}-{short}"
        self._taken.add((split + short).lower())
        file = self.folder / (split or "all") / short
        if not (file.is_file() and file.stat().st_size == len(content) and file.read_bytes() == content):
            write_atomically(file, content)
        return file


def _pictures_root() -> Path:
    chosen = os.environ.get("SAMTAILOR_PICTURES", "").strip()
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("samtailor", appauthor=False)) / "pictures"


def _suffix(content: bytes) -> str:
    if content.startswith(b"\x89PNG"):
        return ".png"
    if content.startswith(b"\xff\xd8"):
        return ".jpg"
    return ".webp" if content[8:12] == b"WEBP" else ".tif" if content[:2] in (b"II", b"MM") else ".img"


def _undecoded(datasets: Any, rows: Any) -> Any:
    for name, feature in rows.features.items():
        if isinstance(feature, datasets.Image):
            rows = rows.cast_column(name, datasets.Image(decode=False))
    return rows


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Without the library's own progress bars."""
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
