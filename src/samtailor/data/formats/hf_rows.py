"""Open a folder of Hugging Face ``datasets``, and write the pictures in its rows as files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs

from samtailor.data.formats.files import FIX_HINT
from samtailor.errors import DataError
from samtailor.machine.extras import require
from samtailor.machine.files import write_atomically

__all__ = ["Pictures", "class_names", "is_hf_folder", "is_saved", "open_splits"]

_SPLITS = {"train": "train", "training": "train", "validation": "val", "valid": "val", "val": "val", "dev": "val"}
_SPLITS |= {"test": "test", "testing": "test"}
_DATA = ("*.parquet", "metadata.jsonl", "metadata.csv")


def is_saved(root: Path) -> bool:
    """Return True if ``save_to_disk`` wrote the folder."""
    return (root / "dataset_dict.json").is_file() or all(
        (root / name).is_file() for name in ("dataset_info.json", "state.json")
    )


def is_hf_folder(root: Path) -> bool:
    """Return True if the folder or one of its sub-folders holds parquet files or the metadata of an image folder."""
    return any(next(root.glob(f"{folder}{name}"), None) for name in _DATA for folder in ("", "*/"))


def open_splits(root: Path) -> dict[str, Any]:
    """Open a data set. Rows stay on disk until they are used.

    Returns:
        split -> rows, a ``datasets.Dataset`` whose pictures are not decoded. The only key is "" if there are no splits.

    Raises:
        DataError: the folder cannot be read, or a split has an unknown name.
        SamtailorError: ``datasets`` is not installed.
    """
    datasets = require("datasets", extra="formats", purpose=f"Reading the Hugging Face dataset {root}")
    with _quiet(datasets):
        try:
            if is_saved(root):
                data = datasets.load_from_disk(str(root))
            else:
                data = datasets.load_dataset(str(root), cache_dir=str(_pictures_root() / "tables"))
        except Exception as error:  # datasets raises errors of many types on damaged files
            cause = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{root} cannot be read as a Hugging Face data set: {cause}.", FIX_HINT) from error
    splits = {str(name): rows for name, rows in data.items()} if hasattr(data, "items") else {"": data}
    if list(splits) == ["train"]:  # the name that datasets gives to rows without splits
        splits = {"": splits["train"]}
    rows_of: dict[str, Any] = {}
    for name, rows in splits.items():
        split = "" if name == "" else _SPLITS.get(name, "")
        if name and not split:
            raise DataError(
                f"{root} has the split {name!r}; expected train, validation (or val), test.", "Rename the split."
            )
        if split in rows_of:
            raise DataError(
                f"{root} has the splits {', '.join(splits)}; expected only one for {split!r}.", "Remove one of them."
            )
        rows_of[split] = _undecoded(datasets, rows)
    return rows_of


def class_names(feature: Any) -> list[str] | None:
    """Return the names of a ``ClassLabel`` feature, also inside lists; None if there are none."""
    while feature is not None:
        if (names := getattr(feature, "names", None)) is not None:
            return [str(name) for name in names]
        feature = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
    return None


class Pictures:
    """Pictures inside rows, written as files to one folder per data set in the user's cache folder.

    A file that already holds the same bytes is not written again.

    Attributes:
        folder: the folder of this data set.
    """

    def __init__(self, root: Path) -> None:
        digest = hashlib.blake2b(str(root.resolve()).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        self._root, self.folder = root, _pictures_root() / f"{root.resolve().name}-{digest}"
        self._names: set[str] = set()

    def path(self, split: str, row: int, picture: dict[str, Any]) -> Path:
        """Return the file of a picture ({"bytes", "path"}): its own file, or a written one."""
        name, content = picture.get("path"), picture.get("bytes")
        if content is None:
            if name and Path(name).is_file():
                return Path(name)
            raise DataError(
                f"{self._root}, row {row} of {split or 'the data'}: the image {name} is missing.",
                "Add the file or remove the row.",
            )
        short = PurePosixPath(str(name or "").replace("\\", "/")).name or f"{row:06}{_suffix(content)}"
        if (split + short).lower() in self._names:
            short = f"{row:06}-{short}"
        self._names.add((split + short).lower())
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
    """Return the file suffix of a picture from its first bytes."""
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
    """Hide the progress bars of ``datasets``."""
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
