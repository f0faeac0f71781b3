"""The images of a COCO file: their pictures on disk, and the annotations of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtailor.data.findings import times
from samtailor.data.formats.coco_content import Key, as_key
from samtailor.data.formats.coco_notes import CocoNotes
from samtailor.data.formats.coco_sizes import coordinate_scale
from samtailor.data.formats.files import FIX_HINT
from samtailor.data.formats.find_images import note_repaired_path
from samtailor.data.formats.picture_finder import PictureFinder, name_parts
from samtailor.data.pixels.images import image_size
from samtailor.data.reading import Reading
from samtailor.data.words import quoted
from samtailor.errors import DataError, ImageError

__all__ = ["ImageLister", "ListedImage", "named"]

_NAME_KEYS = ("file_name", "filename", "path", "coco_url", "url")


@dataclass
class ListedImage:
    """An image that a file lists.

    Attributes:
        name: its name in the file.
        path: the picture.
        width: width of the picture, pixels.
        height: its height.
        scale: factors from the coordinates of the file to pixels.
        annotations: its annotations, each with its number in the file.
        turn: EXIF orientation by which its masks are turned after reading; 1 for none.
    """

    name: str
    path: Path
    width: int
    height: int
    scale: tuple[float, float]
    annotations: list[tuple[int, dict[str, Any]]]
    turn: int = 1

    @property
    def drawn_size(self) -> tuple[int, int]:
        """(width, height) of the pixels on which the masks were drawn."""
        return (self.height, self.width) if self.turn > 4 else (self.width, self.height)


class ImageLister:
    """Finds the pictures of one COCO file, and reports those that cannot be used."""

    def __init__(self, path: Path, finder: PictureFinder, reading: Reading, notes: CocoNotes) -> None:
        self._path, self._finder, self._reading, self._notes = path, finder, reading, notes

    def read(self, images: list[Any], annotations: list[Any]) -> list[ListedImage]:
        """Return the images whose pictures can be used, with their annotations, in the order of the file."""
        grouped = self._with_ids(images, self._by_image(annotations))
        names: dict[Key, str] = {}
        by_path: dict[Path, ListedImage] = {}
        for number, entry in enumerate(images):
            self._reading.count()
            key = as_key(entry.get("id")) if isinstance(entry, dict) else None
            if key is None:
                self._broken(f"image number {number}", _id_problem(entry))
                continue
            name = next((entry[k] for k in _NAME_KEYS if isinstance(entry.get(k), str) and entry[k].strip()), None)
            if key not in names:
                names[key] = name or ""
                self._add_image(key, entry, name, grouped.get(key, []), by_path)
            elif name_parts(names[key])[0] == name_parts(name or "")[0]:
                self._notes.repaired("image listed twice", self._path)
            else:
                raise DataError(
                    f"{self._path}: two images have the id {quoted(key)}: {quoted(names[key])} and {quoted(name)}; the "
                    "annotations cannot be told apart.",
                    FIX_HINT,
                )
        for key in [key for key in grouped if key not in names]:
            for number, annotation in grouped[key]:
                cause = f"has the image_id {quoted(annotation['image_id'])}, but the file lists no such image"
                self._broken(named(number, annotation), cause)
        return list(by_path.values())

    def _broken(self, entry: str, cause: str, hint: str = FIX_HINT) -> None:
        self._reading.broken(self._path, entry, cause, hint)

    def _by_image(self, annotations: list[Any]) -> dict[Key, list[tuple[int, dict[str, Any]]]]:
        grouped: dict[Key, list[tuple[int, dict[str, Any]]]] = {}
        for number, annotation in enumerate(annotations):
            self._reading.count()
            if not isinstance(annotation, dict):
                self._broken(f"annotation number {number}", f"is {quoted(annotation)}; expected an object")
                continue
            key = as_key(annotation.get("image_id"))
            if key is None:
                problem = (
                    f"the image_id {quoted(annotation['image_id'])}" if "image_id" in annotation else "no image_id"
                )
                self._broken(named(number, annotation), f"has {problem}; expected the id of an image")
                continue
            grouped.setdefault(key, []).append((number, annotation))
        return grouped

    def _with_ids(
        self, images: list[Any], grouped: dict[Key, list[tuple[int, dict[str, Any]]]]
    ) -> dict[Key, list[tuple[int, dict[str, Any]]]]:
        """Return the annotations by image id, if they state file names instead of ids."""
        rows = [entry for entry in images if isinstance(entry, dict)]
        ids = {as_key(entry.get("id")) for entry in rows}
        if any(key in ids for key in grouped):
            return grouped
        by_name = {entry.get("file_name"): as_key(entry.get("id")) for entry in rows}
        if not grouped or not all(by_name.get(key) is not None for key in grouped):
            return grouped
        self._notes.repaired("image_id with the name of the file", self._path)
        return {by_name[key]: rows_of for key, rows_of in grouped.items()}  # type: ignore[misc]

    def _add_image(
        self,
        key: Key,
        entry: dict[str, Any],
        name: str | None,
        annotations: list[tuple[int, dict[str, Any]]],
        by_path: dict[Path, ListedImage],
    ) -> None:
        """Find the picture of an image and add it, or report why it cannot be used."""
        title = f"image {quoted(key)}" + (f" ({quoted(name)})" if name else "")
        loss = f" (with its {times(len(annotations), 'annotation')})" if annotations else ""
        if name is None:
            value = entry.get("file_name")
            problem = f"the file name {quoted(value)}" if "file_name" in entry else "no file_name"
            self._broken(title, f"has {problem}; expected the name of a file{loss}")
            return
        picture = self._finder.find(name)
        if picture is None:
            hint = f"Put the images into {self._finder.folder}."
            alike = self._finder.alike(name)
            cause = f"the image file {self._finder.expected(name)} is missing"
            if len(alike) > 1:
                cause = f"{len(alike)} files have this name, such as {alike[0]} and {alike[1]}"
                hint = "Write the folder into the file_name of each image."
            self._broken(title, f"{cause}{loss}", hint)
            return
        if (first := by_path.get(picture.path)) is not None:
            if name_parts(first.name)[0] == name_parts(name)[0]:
                self._notes.repaired("image listed twice", picture.path)
                first.annotations += annotations
            else:
                cause = f"its file {picture.path} is also that of {quoted(first.name)}{loss}"
                self._broken(title, cause, "Add the missing picture, or list each file once.")
            return
        try:
            width, height = image_size(picture.path)
            scale = coordinate_scale(self._path, entry, picture.path, (width, height), [a for _, a in annotations])
        except (ImageError, DataError) as error:
            self._broken(title, f"{error.what.rstrip('.')}{loss}", error.hint)
            return
        if picture.repair:
            note_repaired_path(self._reading, picture.path, picture.repair)
        if scale.repair:
            self._notes.repaired(scale.repair, picture.path)
        if scale.scaled:
            self._notes.scaled(picture.path, scale.scaled)
        if scale.turn > 1:
            self._notes.turned(picture.path)
        by_path[picture.path] = ListedImage(
            name, picture.path, width, height, scale.factors, list(annotations), scale.turn
        )


def _id_problem(entry: Any) -> str:
    if not isinstance(entry, dict):
        return f"is {quoted(entry)}; expected an object"
    return f"has the id {quoted(entry['id'])}; expected a number or text" if "id" in entry else "has no id"


def named(number: int, annotation: dict[str, Any]) -> str:
    return f"annotation {quoted(annotation['id'])}" if "id" in annotation else f"annotation number {number}"
