"""Read a task from COCO json files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from samtailor.data.findings import listed
from samtailor.data.formats.coco_file import CocoFile
from samtailor.data.formats.coco_notes import CocoNotes
from samtailor.data.formats.coco_panoptic import PanopticFile
from samtailor.data.formats.coco_search import (
    ROBOFLOW,
    CocoSource,
    Search,
    base_folder,
    make_source,
    match_coco,
    search_coco,
    sniff,
)
from samtailor.data.pixels.pillow import is_file
from samtailor.data.reading import Reading, ReadOptions
from samtailor.data.splits import split_items, split_note
from samtailor.data.task import RECTANGLES, SPLITS, ImageRecord, Instance, Task
from samtailor.errors import DataError

__all__ = ["match_coco", "read_coco"]


def read_coco(root: str | Path, seed: int = 0, boxes_as_masks: bool = False, *, reading: Reading | None = None) -> Task:
    """Read COCO files, found by their content, and the headers of their images.

    Pixels are not decoded. Areas are counted from the masks. The task lists every class of the files, used or not.

    Args:
        root: a folder with json files in it, in ``annotations/`` or in folders of splits; or one json file. Files whose
            names, or whose folders' names, name no split are split by file name.
        seed: seed of that split.
        boxes_as_masks: fill ``bbox`` if an annotation has no mask. Otherwise such an annotation is broken.
        reading: collects broken entries and repairs, and has its own options; without one, too many broken entries are
            an error and the others are left out.

    Raises:
        DataError: no file is there, a file is broken, or contradicts another. The message names the file.
    """
    own = Reading(ReadOptions(seed, boxes_as_masks)) if reading is None else reading
    root = Path(root)
    task = _read(root, own)
    if reading is None:
        own.finish(root)
    return task


def _read(path: Path, reading: Reading) -> Task:
    if is_file(path):
        root = base_folder(path)
        kind, _ = sniff(path)
        source = make_source(path, root, kind == "panoptic")
        search, is_one = Search((source,)), True
    else:
        root, search, is_one = path, search_coco(path), False
    if not search.sources:
        raise _nothing_found(root, search)
    notes = CocoNotes()
    files = [(source, _open(source, root, reading, notes)) for source in search.sources]
    records: dict[str, list[ImageRecord]] = {}
    for source, file in files:
        records.setdefault(source.split, []).extend(file.records())
    splits = {split: _with_unique_ids(images) for split, images in records.items()}
    layout = "COCO json" + ("" if is_one else _described(search.sources, root))
    if "" in splits:
        layout += f", {split_note('file name', reading.options.seed)}"
        by_split = split_items(splits[""], lambda record: _relative(record.path, root), reading.options.seed)
        splits = {split: tuple(images) for split, images in by_split.items()}
    notes.report(reading, root)
    for unread, _ in search.unread:
        reading.note(
            "unread-files",
            "note",
            lambda count: f"{count} COCO files were not read; first: {search.unread[0][0]}: {search.unread[0][1]}.",
            "To read one of them, pass its path.",
            unread,
        )
    classes = dict.fromkeys(name for _, file in files for name in file.classes)
    boxes = f", {RECTANGLES}" if any(file.has_filled_boxes for _, file in files) else ""
    return Task(root.resolve().name, root, layout + boxes, tuple(classes), splits)


def _open(source: CocoSource, root: Path, reading: Reading, notes: CocoNotes) -> CocoFile | PanopticFile:
    return (PanopticFile if source.panoptic else CocoFile)(source, root, reading, notes)


def _described(sources: Sequence[CocoSource], root: Path) -> str:
    """Return what kind of COCO it is and where the splits come from; empty for train.json, val.json and test.json."""
    if all(source.path.stem in SPLITS and source.path.parent in (root, root / "annotations") for source in sources):
        return ""
    words = [source.word for source in sources if source.word]
    if any(source.panoptic for source in sources):
        kind = "panoptic"
    elif any(source.path.name == ROBOFLOW for source in sources):
        kind = "Roboflow"
    else:
        kind = listed([source.path.relative_to(root).as_posix() for source in sources], 1)
    return f" ({kind})" + (f", splits {'/'.join(dict.fromkeys(words))}" if words else "")


def _with_unique_ids(records: list[ImageRecord]) -> tuple[ImageRecord, ...]:
    """Return the images of one split with a new id for each instance whose id another file of the split has used."""
    used: set[int] = set()
    highest = max((instance.id for record in records for instance in record.instances), default=-1)
    unique = []
    for record in records:
        instances: list[Instance] = []
        for instance in record.instances:
            if instance.id in used:
                highest += 1
                instance = Instance(highest, *_but_id(instance))
            used.add(instance.id)
            instances.append(instance)
        unique.append(ImageRecord(record.path, record.width, record.height, tuple(instances)))
    return tuple(unique)


def _but_id(instance: Instance) -> tuple[str, dict[str, object], int, bool, int]:
    return instance.label, instance.rle, instance.area, instance.crowd, instance.parts


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _nothing_found(root: Path, search: Search) -> DataError:
    reasons = [f"{path} {reason}" for path, reason in search.near_misses]
    reasons += [f"{path}: {reason}" for path, reason in search.unread]
    expected = "expected json files with images and annotations, in it, in annotations/ or in train/, val/ and test/"
    if reasons:
        more = f" (and {len(reasons) - 5} more)" if len(reasons) > 5 else ""
        return DataError(
            f"No COCO file in {root}; {expected}. {'; '.join(reasons[:5])}{more}.",
            "Export the annotations as COCO instances.",
        )
    return DataError(f"No COCO file in {root}; {expected}. There is no json file.", "Pass the path of a json file.")
