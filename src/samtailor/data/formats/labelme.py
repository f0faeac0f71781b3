"""Read a task that LabelMe wrote: one json file per image, with the shapes drawn on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from samtailor.data.formats.drafts import Draft, draft_labels, split_drafts, task_from_drafts
from samtailor.data.formats.files import read_bytes, read_json
from samtailor.data.formats.labelme_file import LabelMeFile
from samtailor.data.formats.shapes import BOXES_HINT
from samtailor.data.splits import check_split_names, split_note
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError

__all__ = ["is_labelme", "read_labelme"]

_SNIFFED = 20  # files that is_labelme reads; a large folder of other json files must not be read whole


def is_labelme(root: Path) -> bool:
    """Return True if one of the first json files below ``root`` has LabelMe's keys."""
    for _, path in zip(range(_SNIFFED), _json_files(root), strict=False):
        try:
            if _has_shapes(read_json(path)):
                return True
        except DataError:
            continue
    return False


def read_labelme(root: str | Path, seed: int = 0, boxes_as_masks: bool = False) -> Task:
    """Read LabelMe's json files and the headers of their images.

    ``polygon``, ``rectangle``, ``circle`` and ``mask`` shapes become masks. Shapes with the same label and ``group_id``
    become one instance. Points and lines have no area and are left out; the task's format counts them.

    Args:
        root: a folder with json files beside their images, in ``train/``, ``val/``, ``test/`` or anywhere below.
        seed: seed of the split by file name, if there are no folders for splits.
        boxes_as_masks: accept a task of rectangles only. Otherwise it is an error.

    Raises:
        DataError: a file is missing, broken, or contradicts another. The message names the file.
    """
    root = Path(root)
    folders = {split: root / split for split in SPLITS if next(_json_files(root / split), None)}
    layout = "LabelMe json"
    without_area = 0
    drafts: dict[str, list[Draft]] = {}
    if folders:
        check_split_names(root, "")
    json_of: dict[Path, Path] = {}
    for split, folder in (folders or {"": root}).items():
        drafts[split] = []
        for path in sorted(_json_files(folder)):
            if _is_list(path):
                continue
            content = read_json(path)
            if _has_shapes(content):
                file = LabelMeFile(path, content)
                drafts[split].append(file.draft(json_of))
                without_area += file.without_area
    if not folders:
        drafts = split_drafts(drafts[""], root, seed)
        layout += f", {split_note('file name', seed)}"
    images = [draft for split_images in drafts.values() for draft in split_images]
    if not boxes_as_masks and sum(draft.boxes for draft in images) == sum(len(draft.masks) for draft in images) > 0:
        raise DataError(f"All shapes in {root} (LabelMe json) are rectangles; expected masks.", BOXES_HINT)
    task = task_from_drafts(root, layout, sorted(draft_labels(images)), drafts)
    note = f", {without_area} points and lines left out" if without_area else ""
    return replace(task, format=task.format + note)


def _json_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.json"):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _is_list(path: Path) -> bool:
    """Return True if a json file holds a list, such as class names: it has no annotations of LabelMe."""
    return read_bytes(path)[:64].lstrip()[:1] == b"["


def _has_shapes(content: dict[str, Any]) -> bool:
    return "shapes" in content and ("imagePath" in content or "imageData" in content)
