"""Find the image that an annotation file names, although files were moved, renamed or written on another machine."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from samtailor.data.formats.files import IMAGE_SUFFIXES
from samtailor.data.formats.names import name_key, shared_folders, without_upload_prefix
from samtailor.data.pixels.pillow import is_file
from samtailor.data.reading import Reading
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["ImageFinder", "is_outside", "note_links", "note_outside", "note_repaired_path", "plain_path", "refuse_link"]


class ImageFinder:
    """Images below a folder, by name. The folder is listed once, and only if a path is not where it should be."""

    def __init__(self, root: Path, reading: Reading) -> None:
        self._root, self._reading = root, reading
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, name: str, folder: Path) -> Path:
        """Return the image that a file in ``folder`` names; note a path that had to be repaired.

        Raises:
            ValueError: no image has that name, or several do; the message is a short cause.
        """
        relative = plain_path(name)
        if not relative.name:
            raise ValueError(f"its image has the name {name[:80]!r}; expected a file name")
        for base in (
            folder / relative,
            folder / relative.name,
            self._root / relative,
            self._root / "images" / relative,
        ):
            if is_file(base):
                path = base.resolve() if ".." in base.parts else base
                note_outside(self._reading, self._root, path)
                return path
        path = self._search(relative, folder)
        note_repaired_path(self._reading, path)
        note_outside(self._reading, self._root, path)
        return path

    def _search(self, relative: PurePosixPath, folder: Path) -> Path:
        index = self._index()
        bare = without_upload_prefix(relative.name)
        stem = PurePosixPath(bare).stem
        keys = (relative.name, bare, f"stem:{PurePosixPath(relative.name).stem}", f"stem:{stem}")
        for key in keys:
            paths = index.get(name_key(key), [])
            if len(paths) > 1:
                agreement = [(shared_folders(path, relative.parts), self._shared(path, folder)) for path in paths]
                paths = [path for path, length in zip(paths, agreement, strict=True) if length == max(agreement)]
            if len(paths) == 1:
                return paths[0]
            if paths:
                names = ", ".join(str(path.relative_to(self._root)) for path in paths[:3])
                raise ValueError(f"its image {relative} may be one of {len(paths)} files: {names}")
        raise ValueError(f"its image {relative} is missing")

    def _shared(self, path: Path, folder: Path) -> int:
        """Return how many folders of the annotation file, such as ``train``, are also above the image."""
        above = {name_key(part) for part in path.relative_to(self._root).parts[:-1]}
        own = folder.relative_to(self._root).parts if folder.is_relative_to(self._root) else ()
        return len(above & {name_key(part) for part in own})

    def _index(self) -> dict[str, list[Path]]:
        if self._by_name is None:
            self._by_name = {}
            for path in sorted(self._root.rglob("*")):
                hidden = any(part.startswith(".") for part in path.relative_to(self._root).parts)
                if path.suffix.lower() in IMAGE_SUFFIXES and not hidden and is_file(path):
                    names = {path.name, f"stem:{path.stem}", without_upload_prefix(path.name)}
                    for key in {name_key(name) for name in names}:
                        self._by_name.setdefault(key, []).append(path)
        return self._by_name


def plain_path(name: str) -> PurePosixPath:
    """Return the path in a name from an annotation file: with slashes, and without URL parts or drive letters."""
    text = name.strip().replace("\0", "")
    if "?" in text or re.match(r"^[a-z][a-z0-9+.-]+://", text, re.IGNORECASE):
        parts = urlsplit(text)
        query = parse_qs(parts.query)
        text = query["d"][0] if "d" in query else parts.path if parts.scheme or "?" in text else text
    if "%" in text:
        text = unquote(text)
    text = re.sub(r"^[A-Za-z]:", "", text.replace("\\", "/"))
    return PurePosixPath(text)


def is_outside(root: Path, path: Path) -> bool:
    """Return True if a file, with links followed, is not below the folder of the task."""
    return not path.resolve().is_relative_to(root.resolve())


def refuse_link(file: Path) -> None:
    """Raise DataError if a list of classes is a link that leads out of its folder: its lines would be shown."""
    if file.is_symlink() and is_outside(file.parent, file):
        raise DataError(
            f"{file} is a link to a file outside the data set, whose lines are not shown as classes.",
            "Copy the file into the folder.",
        )


def note_repaired_path(reading: Reading, path: Path, how: str = "") -> None:
    """Note an image that was found by its name, not where the annotations say.

    Args:
        reading: the reading.
        path: the image.
        how: how the stated name differs, in words; the first one is told.
    """
    detail = f" ({how})" if how else ""

    def what(count: int) -> str:
        if count == 1:
            return f"One image has another path or name than the annotations state{detail}; it was found by name."
        return f"{count} images have another path or name than the annotations state{detail}; they were found by name."

    hint = "Look at the masks of some. To avoid this note, put the images where the annotations say."
    reading.note("repaired-path", "note", what, hint, path)


def note_links(task: Task, reading: Reading) -> None:
    """Note images in the folder of a task that are links to files outside it."""
    root = task.root.absolute()
    real = root.resolve()
    noted = reading.noted("outside-task")
    for record in task.images:
        if str(record.path) in noted:
            continue
        path = record.path.absolute()
        if path.is_relative_to(root) and not path.resolve().is_relative_to(real):
            note_outside(reading, task.root, record.path)


def note_outside(reading: Reading, root: Path, path: Path) -> None:
    """Note an image that is outside the folder of the task, also behind a link."""
    if is_outside(root, path):
        reading.note(
            "outside-task",
            "warning",
            lambda count: (
                f"{count} images are outside the task's folder."
                if count > 1
                else "One image is outside the task's folder."
            ),
            "Check that the annotations come from someone you trust, or copy the images into the folder.",
            path,
        )
