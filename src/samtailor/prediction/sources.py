"""Find the images that a user means by files, folders and patterns, and give each a unique name."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from samtailor.data.formats.files import IMAGE_SUFFIXES
from samtailor.errors import ImageError

__all__ = ["Source", "Sources", "find_sources", "unique_sources", "whole_path"]


@dataclass(frozen=True)
class Source:
    """An image file.

    Attributes:
        path: the file; it may be missing.
        name: path in results, with forward slashes; unique.
        stem: beginning of the names of output files; unique, also where capitals make no difference.
    """

    path: Path
    name: str
    stem: str


@dataclass(frozen=True)
class Sources:
    """Images that were found.

    Attributes:
        images: in the order of the words, sorted within a folder or a pattern; each file once.
        others: number of files in folders that are not images.
    """

    images: tuple[Source, ...]
    others: int = 0


def find_sources(words: Iterable[str | Path], leave_out: Path | None = None) -> Sources:
    """Find images.

    Args:
        words: files, folders (searched with all folders inside) and patterns such as ``photos/*.jpg`` or
            ``photos/**/*.jpg``. A file that does not exist is kept, so that its error names it.
        leave_out: a folder that is not searched, because results are written there.

    Raises:
        ImageError: a folder holds no image, or a pattern matches none.
    """
    found: list[tuple[Path, str]] = []
    others = 0
    for word in words:
        path = Path(word).expanduser()
        if path.is_dir():
            files = _files_below(path, leave_out)
            images = [file for file in files if _is_image(file)]
            others += len(files) - len(images)
            if not images:
                raise ImageError(
                    f"The folder {path} holds no image; {len(files)} other files.",
                    f"Expected files such as {', '.join(IMAGE_SUFFIXES[:3])}, also in folders inside.",
                )
            found += [(file, file.relative_to(path).as_posix()) for file in images]
        elif glob.has_magic(str(path)) and not path.exists():
            found += _matches(path, leave_out)
        else:
            found.append((path, path.name))
    return Sources(unique_sources(found), others)


def unique_sources(found: Sequence[tuple[Path, str]]) -> tuple[Source, ...]:
    """Make unique names for files, each with the name that it would have alone; a file that comes twice is kept once.

    Files of the same name get their path below the folder that all files have in common.
    """
    files: dict[Path, tuple[Path, str]] = {}
    for path, name in found:
        files.setdefault(whole_path(path), (path, name))
    items = [(whole, path, name) for whole, (path, name) in files.items()]
    common = Path(os.path.commonpath([whole.parent for whole, *_ in items])) if items else Path()
    taken = Counter(name.casefold() for _, _, name in items)
    names = [name if taken[name.casefold()] == 1 else whole.relative_to(common).as_posix() for whole, _, name in items]
    if len(set(names)) < len(names):
        names = [whole.relative_to(common).as_posix() for whole, *_ in items]
    stems = [PurePosixPath(name).with_suffix("").as_posix() for name in names]
    repeated = Counter(stem.casefold() for stem in stems)
    stems = [stem if repeated[stem.casefold()] == 1 else name for name, stem in zip(names, stems, strict=True)]
    if len(set(stems)) < len(stems):  # a.png, a.jpg and a.png.jpg
        stems = names
    return tuple(Source(path, name, stem) for (_, path, _), name, stem in zip(items, names, stems, strict=True))


def _files_below(folder: Path, leave_out: Path | None) -> list[Path]:
    """Return all files below a folder, sorted, without hidden ones."""
    left_out = None if leave_out is None else leave_out.resolve()
    files = []
    for root, folders, names in os.walk(folder):
        inner = Path(root)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and (inner / f).resolve() != left_out)
        files += [inner / name for name in sorted(names) if not name.startswith(".")]
    return files


def _matches(pattern: Path, leave_out: Path | None) -> list[tuple[Path, str]]:
    parts = pattern.parts
    fixed = Path(*parts[: next(i for i, part in enumerate(parts) if glob.has_magic(part))])
    left_out = None if leave_out is None else leave_out.resolve()
    matches = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207
    files = [path for path in matches if path.is_file() and not (left_out and left_out in path.resolve().parents)]
    if not files:
        raise ImageError(f"No file matches {pattern}.", "Check the pattern; ** stands for folders of any depth.")
    return [(path, path.relative_to(fixed).as_posix()) for path in files]


def whole_path(path: Path) -> Path:
    """Return the path from the root, without ``..``; links are kept, because their names are the user's."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES
