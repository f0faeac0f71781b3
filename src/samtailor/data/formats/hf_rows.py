"""Open a folder of Hugging Face ``datasets``, and write the pictures in its rows as files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from samtailor.data.formats.files import FIX_HINT
from samtailor.data.formats.pictures import pictures_root
from samtailor.errors import DataError

__all__ = ["INSTALL", "class_names", "is_hf_folder", "is_saved", "open_splits"]

INSTALL = "pip install 'samtailor[datasets]'"
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
        DataError: the extra is not installed, the folder cannot be read, or a split has an unknown name.
    """
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"{root} is a Hugging Face data set, but the package datasets is not installed.", f"Run: {INSTALL}"
        ) from error
    with _quiet(datasets):
        try:
            if is_saved(root):
                data = datasets.load_from_disk(str(root))
            else:
                data = datasets.load_dataset(str(root), cache_dir=str(pictures_root() / "tables"))
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
