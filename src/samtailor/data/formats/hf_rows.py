"""Open a folder of Hugging Face ``datasets``, and write the pictures in its rows as files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from samtailor.data.formats.files import FIX_HINT, IMAGE_SUFFIXES
from samtailor.data.formats.pictures import pictures_root
from samtailor.data.split_names import SPLIT_OF
from samtailor.errors import DataError
from samtailor.machine.extras import require

__all__ = ["class_names", "is_hf_folder", "is_picture_list", "is_saved", "open_splits"]

_METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
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
                kind, files = _data_files(root)
                data = datasets.load_dataset(kind, data_files=files, cache_dir=str(pictures_root() / "tables"))
        except DataError:
            raise
        except Exception as error:  # datasets raises errors of many types on damaged files
            cause = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{root} cannot be read as a Hugging Face data set: {cause[:500]}.", FIX_HINT) from error
    splits = {str(name): rows for name, rows in data.items()} if hasattr(data, "items") else {"": data}
    if list(splits) == ["train"]:  # the name that datasets gives to rows without splits
        splits = {"": splits["train"]}
    rows_of: dict[str, Any] = {}
    for name, rows in splits.items():
        split = "" if name == "" else SPLIT_OF.get(name, "")
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


def _data_files(root: Path) -> tuple[str, dict[str, list[str]]]:
    """Return the builder of ``datasets`` for a folder, and split -> files.

    ``datasets`` itself would read the folder's README.md, which may name files on the web; it is not given the folder.
    """
    paths = [path for path in sorted(root.rglob("*")) if path.is_file() and _is_visible(path, root)]
    tables = [path for path in paths if path.suffix.lower() == ".parquet" and path.name not in _METADATA]
    if tables:
        kinds = {folder for path in tables if (folder := _configuration(path.relative_to(root)))}
        if len(kinds) > 1 or (kinds and any(not _configuration(path.relative_to(root)) for path in tables)):
            raise DataError(
                f"{root} has parquet files of several data sets, in {', '.join(sorted(kinds))}; expected one.",
                "Pass the folder of one of them.",
            )
        return "parquet", _by_split(root, tables)
    metadata = [path for path in paths if path.name in _METADATA]
    files = _by_split(root, [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES])
    for path in metadata:
        own = _split_in(path.relative_to(root))
        for split, listed in files.items():
            if own in ("", split):
                listed.append(str(path))
    return "imagefolder", files


def _by_split(root: Path, paths: list[Path]) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    for path in paths:
        files.setdefault(_split_in(path.relative_to(root)) or "train", []).append(str(path.absolute()))
    return files


def _split_in(path: Path) -> str:
    """Return the split, as ``datasets`` calls it, that a folder or the file name of a table begins with."""
    words = [*path.parts[:-1], *re.split(r"[-_.\s]", path.name)[:-1]] if path.suffix == ".parquet" else path.parts[:-1]
    names = {"train": "train", "val": "validation", "test": "test"}
    return next((names[SPLIT_OF[word.lower()]] for word in words if word.lower() in SPLIT_OF), "")


def _configuration(path: Path) -> str:
    """Return the folders of a table that name neither a split nor just ``data``."""
    folders = (
        part for part in path.parts[:-1] if part.lower() not in SPLIT_OF and part.lower() not in ("data", "default")
    )
    return "/".join(folders)


def _is_visible(path: Path, root: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(root).parts)


def _undecoded(datasets: Any, rows: Any) -> Any:
    for name, feature in rows.features.items():
        if (undecoded := _undecoded_feature(datasets, feature)) is not None:
            rows = rows.cast_column(name, undecoded)
    return rows


def _undecoded_feature(datasets: Any, feature: Any) -> Any:
    """Return a feature whose pictures, also inside lists and objects, are not decoded; None if it holds no picture."""
    if isinstance(feature, datasets.Image):
        return datasets.Image(decode=False)
    if isinstance(feature, dict):
        inner = {name: _undecoded_feature(datasets, part) for name, part in feature.items()}
        return {name: part or feature[name] for name, part in inner.items()} if any(inner.values()) else None
    if isinstance(feature, list):
        part = _undecoded_feature(datasets, feature[0])
        return None if part is None else [part]
    part = _undecoded_feature(datasets, feature.feature) if hasattr(feature, "feature") else None
    return None if part is None else [part]


def is_picture_list(feature: Any) -> bool:
    """Return True for a list of pictures."""
    inner = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", None)
    return type(inner).__name__ == "Image"


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Hide the progress bars and messages of ``datasets``, and keep it off the web."""
    shown = not datasets.are_progress_bars_disabled()
    offline = datasets.config.HF_HUB_OFFLINE
    verbosity = datasets.logging.get_verbosity()
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)  # what it logs is in its exception too
    datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = offline
        datasets.logging.set_verbosity(verbosity)
        if shown:
            datasets.enable_progress_bars()
