"""Read a task that LabelMe wrote: one json file per image, with the shapes drawn on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from samtailor.data.findings import times
from samtailor.data.formats.builders import all_boxes, split_of, without_repeats
from samtailor.data.formats.drafts import Draft, draft_labels, split_drafts, task_from_drafts
from samtailor.data.formats.encodings import (
    choose_encoding,
    decode_unicode,
    note_encoding,
    parse_json,
    read_any_json,
)
from samtailor.data.formats.files import read_bytes
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.labelme_file import LabelMeFile
from samtailor.data.formats.pictures import Pictures
from samtailor.data.formats.shapes import BOXES_HINT
from samtailor.data.formats.sniff import files_below, first_files, head_text, is_small
from samtailor.data.reading import Reading, ReadOptions
from samtailor.data.splits import split_note
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError

__all__ = ["is_labelme", "read_labelme"]


def is_labelme(root: Path) -> bool:
    """Return True if one of the first json files below ``root`` has LabelMe's keys."""
    return any(_is_of_labelme(path) for path in first_files(root, (".json",)))


def read_labelme(
    root: str | Path, seed: int = 0, boxes_as_masks: bool = False, *, reading: Reading | None = None
) -> Task:
    """Read LabelMe's json files and the headers of their images.

    ``polygon``, ``rectangle``, ``oriented_rectangle``, ``circle`` and ``mask`` shapes become masks. Shapes with the
    same label and ``group_id`` become one instance. Points and lines have no area and are left out; the task's format
    counts them. Rotated boxes of X-AnyLabeling (``rotation``) among masks are left out, unless boxes are filled.

    Args:
        root: a folder with json files beside their images, or anywhere below; ``train/``, ``val/``, ``test/`` are
            splits.
        seed: seed of the split by file name, if there are no folders for splits.
        boxes_as_masks: accept a task of rectangles only. Otherwise it is an error.
        reading: collects broken shapes and repairs; None judges them here.

    Raises:
        DataError: too much is broken, or files contradict each other. The message names the files.
    """
    root = Path(root)
    own = reading is None
    reading = reading or Reading(ReadOptions(seed, boxes_as_masks))
    files = _Files(root, reading)
    drafts = files.read()
    layout = "LabelMe json"
    if "" in drafts:
        drafts = split_drafts(drafts[""], root, reading.options.seed)
        layout += f", {split_note('file name', reading.options.seed)}"
    images = [draft for split_images in drafts.values() for draft in split_images]
    if all_boxes([files]):
        drafts = {split: [replace(d, boxes=len(d.masks)) for d in rows] for split, rows in drafts.items()}
        images = [draft for split_images in drafts.values() for draft in split_images]
    total, boxes = sum(len(draft.masks) for draft in images), sum(draft.boxes for draft in images)
    if not reading.options.boxes_as_masks and boxes == total and boxes + files.rotated > 0:
        raise DataError(f"All shapes in {root} (LabelMe json) are rectangles; expected masks.", BOXES_HINT)
    ordered = {split: drafts[split] for split in SPLITS if split in drafts}
    task = task_from_drafts(root, layout, sorted(draft_labels(images)), ordered)
    note = f", {files.without_area} points and lines left out" if files.without_area else ""
    if files.rotated and not reading.options.boxes_as_masks:
        note += f", {times(files.rotated, 'rotated box', 'rotated boxes')} left out"
    return replace(task, format=task.format + note, findings=reading.finish(root) if own else ())


class _Files:
    """The json files below a folder.

    Attributes:
        without_area: number of points and lines left out.
        rotated: number of rotated boxes of X-AnyLabeling.
        right_angles: of all shapes, as in ``DraftBuilder``.
    """

    def __init__(self, root: Path, reading: Reading) -> None:
        self._root, self._reading = root, reading
        self._finder, self._pictures = ImageFinder(root, reading), Pictures(root)
        self._json_of: dict[Path, Path] = {}
        self._drafts: dict[str, list[tuple[Path, Draft]]] = {}
        self.without_area = self.rotated = 0
        self.right_angles: list[bool | None] = []

    def read(self) -> dict[str, list[Draft]]:
        """Return split -> drafts, in the order of the json files; the only key is "" if there are no splits."""
        old: list[Path] = []
        for path in sorted(files_below(self._root, (".json",))):
            content = read_bytes(path)
            if _is_list(content):
                continue
            if (decoded := decode_unicode(content)) is None:
                old.append(path)  # all such files have one encoding, which is chosen from all of them
                continue
            self._read(path, decoded[0])
            note_encoding(self._reading, path, decoded[1])
        if old:
            encoding = choose_encoding(map(read_bytes, old), old[0])
            for path in old:
                self._add(path, lambda path=path: read_any_json(path, encoding)[0])
                note_encoding(self._reading, path, encoding)
        in_order = {split: [draft for _, draft in sorted(rows, key=_path)] for split, rows in self._drafts.items()}
        if len(in_order) > 1 and "" in in_order:
            for draft in in_order.pop(""):
                self._reading.note(
                    "no-split",
                    "warning",
                    lambda count: f"{times(count, 'image')} left out: they are in no folder of a split.",
                    "Put their json files into train/, val/ or test/.",
                    draft.path,
                )
        return in_order

    def _read(self, path: Path, text: str) -> None:
        self._add(path, lambda: parse_json(path, text))

    def _add(self, path: Path, load: Any) -> None:
        try:
            content = load()
            if not (isinstance(content, dict) and _has_shapes(content)):
                return
            file = LabelMeFile(path, content, self._reading)
            draft = file.draft(self._json_of, self._finder, self._pictures)
        except DataError as error:
            self._reading.count()
            what = error.what.removesuffix(".").removeprefix(f"{path}: ")
            what = f"it {what.removeprefix(f'{path} ')}" if what.startswith(f"{path} ") else what
            self._reading.broken(path, "", what, error.hint)
            return
        draft = replace(
            draft,
            masks=tuple(m for m, _ in without_repeats([(m, False) for m in draft.masks], self._reading, draft.path)),
        )
        split = split_of(path, self._root)
        self._drafts.setdefault(split, []).append((path, draft))
        self.right_angles += file.right_angles
        self.without_area += file.without_area
        self.rotated += file.rotated


def _path(row: tuple[Path, Draft]) -> Path:
    return row[0]


def _is_of_labelme(path: Path) -> bool:
    """Return True if a json file has LabelMe's keys. They are ASCII, whatever the encoding of the file."""
    head = head_text(path)
    if head.lstrip("\ufeff \t\r\n")[:1] != "{" or not is_small(path):
        return False
    if '"shapes"' in head and '"imagePath"' in head:
        return True
    content = path.read_bytes().replace(b"\0", b"")
    return b'"shapes"' in content and (b'"imagePath"' in content or b'"imageData"' in content)


def _is_list(content: bytes) -> bool:
    """Return True if a json file holds a list, such as class names: it has no annotations of LabelMe."""
    return content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"["


def _has_shapes(content: dict[str, Any]) -> bool:
    return "shapes" in content and ("imagePath" in content or "imageData" in content)
