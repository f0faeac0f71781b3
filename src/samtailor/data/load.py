"""Load a task from a folder or file of any known layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from samtailor.data.detect import UNCLEAR, Candidate, Match, chosen, rank_layouts
from samtailor.data.formats.celebamask import find_celebamask, read_celebamask
from samtailor.data.formats.coco import match_coco, read_coco
from samtailor.data.formats.coco_crowd import CROWDS
from samtailor.data.formats.coco_search import sniff
from samtailor.data.formats.cvat_xml import is_cvat_xml, read_cvat_xml
from samtailor.data.formats.darwin import is_darwin, read_darwin
from samtailor.data.formats.datumaro import is_datumaro, read_datumaro
from samtailor.data.formats.find_images import note_links
from samtailor.data.formats.folder_words import is_only_role
from samtailor.data.formats.folders import match_folders, read_folders
from samtailor.data.formats.hf import read_hf
from samtailor.data.formats.hf_rows import is_hf_folder, is_saved
from samtailor.data.formats.label_maps import VOID
from samtailor.data.formats.label_studio import is_label_studio, read_label_studio
from samtailor.data.formats.labelme import is_labelme, read_labelme
from samtailor.data.formats.qupath import is_qupath, read_qupath
from samtailor.data.formats.sa1b import is_sa1b, read_sa1b
from samtailor.data.formats.street_polygons import is_street_polygons, read_street_polygons
from samtailor.data.formats.supervisely import is_supervisely, read_supervisely
from samtailor.data.formats.via import is_via, read_via
from samtailor.data.formats.voc import find_voc, read_voc
from samtailor.data.formats.xml_polygons import match_xml_polygons, read_xml_polygons
from samtailor.data.formats.yolo import read_yolo
from samtailor.data.formats.yolo_files import is_yolo
from samtailor.data.one_class import only_class
from samtailor.data.other_tools import name_tool
from samtailor.data.pixels.pillow import is_special
from samtailor.data.reading import Reading, ReadOptions
from samtailor.data.regroup import split_by_group
from samtailor.data.split_names import SPLIT_OF
from samtailor.data.task import Task
from samtailor.data.words import quoted
from samtailor.errors import DataError
from samtailor.machine.arguments import AnyPath, as_path
from samtailor.machine.text import did_you_mean

__all__ = ["FORMATS", "SAMPLE", "candidates", "load_task"]

SAMPLE = "sample"
MASK_VALUES = ("auto", "objects", "classes")


@dataclass(frozen=True)
class _Format:
    """A layout that can be read.

    Attributes:
        matches: returns True or a ``Match`` if a folder has this layout. A ``Match`` with score 0 says what is missing.
        read: (path, reading) -> task; it tells the reading what it skipped or repaired.
        files: the files of this layout, in words.
    """

    matches: Callable[[Path], bool | Match]
    read: Callable[[Path, Reading], Task]
    files: str


def _with_options(read: Callable[[Path, int, bool], Task]) -> Callable[[Path, Reading], Task]:
    return lambda path, reading: read(path, reading.options.seed, reading.options.boxes_as_masks)


# The layout with the best score is read; of equal ones the first. LabelMe comes before hf, because any folder may hold
# a metadata.csv.
_FORMATS = {
    "coco": _Format(
        match_coco,
        lambda path, reading: read_coco(path, reading=reading),
        "json files with images and annotations, such as train.json, annotations/instances_train.json or "
        "train/_annotations.coco.json",
    ),
    "folders": _Format(
        match_folders,
        lambda path, reading: read_folders(path, reading=reading),
        "train/images/ with train/masks/ (val, test likewise), images/ with masks/, a.png with a_mask.png",
    ),
    "celebamask": _Format(
        lambda path: find_celebamask(path) is not None,
        lambda path, reading: read_celebamask(path, reading.options.seed),
        "CelebA-HQ-img/ with CelebAMask-HQ-mask-anno/",
    ),
    "voc": _Format(
        lambda path: find_voc(path) is not None,
        lambda path, reading: read_voc(path, reading=reading),
        "JPEGImages/ with SegmentationObject/ or SegmentationClass/",
    ),
    "yolo": _Format(
        is_yolo, lambda path, reading: read_yolo(path, reading=reading), "data.yaml, labels/ with classes.txt"
    ),
    "labelme": _Format(is_labelme, lambda path, reading: read_labelme(path, reading=reading), "*.json beside images"),
    "hf": _Format(
        lambda path: is_saved(path) or is_hf_folder(path),
        lambda path, reading: read_hf(path, reading=reading),
        "dataset_dict.json, *.parquet, metadata.jsonl or metadata.csv (Hugging Face datasets)",
    ),
}
_FORMATS |= {
    "cvat": _Format(is_cvat_xml, read_cvat_xml, "annotations.xml of CVAT for images, with the images below"),
    "via": _Format(is_via, read_via, "json or csv of the VGG Image Annotator"),
    "label-studio": _Format(is_label_studio, read_label_studio, "json export of Label Studio, with the images below"),
    "sa1b": _Format(is_sa1b, read_sa1b, "a json file per image, with image and annotations (SA-1B)"),
    "supervisely": _Format(is_supervisely, read_supervisely, "meta.json, DATASET/ann/ with DATASET/img/ (Supervisely)"),
    "datumaro": _Format(is_datumaro, read_datumaro, "annotations/train.json of Datumaro, with the images below"),
    "darwin": _Format(is_darwin, read_darwin, "a json file per image of V7 Darwin, with the images below"),
    "qupath": _Format(is_qupath, read_qupath, "a GeoJSON file of QuPath per image, with the images below"),
    "xml": _Format(
        match_xml_polygons, read_xml_polygons, "an xml file with polygons per image (LabelMe on the web, Roboflow)"
    ),
    "street": _Format(is_street_polygons, read_street_polygons, "gtFine/ with leftImg8bit/ (Cityscapes, Mapillary)"),
}
_OF_ONE_FILE = (
    "cvat",
    "via",
    "label-studio",
    "sa1b",
    "datumaro",
    "darwin",
    "qupath",
)  # layouts that may also be a single file
FORMATS = tuple(_FORMATS)


def candidates(path: str | Path) -> list[Candidate]:
    """Judge which layouts a folder may have, from its content.

    Returns:
        One candidate per layout of ``FORMATS`` that was tried, best first. The best one is read, unless its score is 0.
    """
    return rank_layouts(Path(path).expanduser(), {name: layout.matches for name, layout in _FORMATS.items()})


def load_task(  # more than seven parameters: a public verb; its keyword arguments are its options
    path: AnyPath | Task,
    seed: int = 0,
    *,
    format: str | None = None,
    split_by: str | None = None,
    boxes_as_masks: bool = False,
    only: str | None = None,
    skip_broken: bool = False,
    crowds: str = "auto",
    split_masks: bool | None = None,
    mask_values: str = "auto",
) -> Task:
    """Load a task. The layout is detected; the guide to data formats (docs/guides/data.md) shows all layouts.

    Args:
        path: a folder, one COCO json file, a data.yaml, or ``"sample"`` for the task that comes with samtailor
            (unless the working folder has a folder ``sample``). A task is returned as it is.
        seed: seed of the split if the files make none, and of ``split_by``.
        format: one of ``FORMATS``; None detects it.
        split_by: regular expression for groups of images. Its match in an image's name, or the match's first group,
            is the name of the group. The task is split again, with each group in one split.
        boxes_as_masks: fill boxes if annotations have no masks. Otherwise boxes alone are an error. The task's format
            then contains "rectangles, not masks".
        only: keep only the instances of this class.
        skip_broken: leave out broken entries, however many there are. Otherwise only a few are left out, and more are
            an error that lists them.
        crowds: what ``iscrowd`` 1 means in COCO files: ``keep`` crowd regions, which are not prompted, read them as
            ``objects``, or ``auto``: objects if the file looks like one of CVAT or Datumaro, which write every brush
            mask so.
        split_masks: make an instance of each separate piece in mask pictures (image and mask folders). None does so if
            masks of one value hold three or more pieces of similar size; a finding then says so.
        mask_values: what the values of mask pictures are if no table names them: ``objects``, ``classes``, or ``auto``:
            objects, unless the masks share values that are in several pieces.

    Raises:
        ArgumentError: ``path`` is no path.
        DataError: no layout matches, a file is broken, or the task has no image, no instance, or none of the class
            ``only``.
    """
    if isinstance(path, Task):
        return path if only is None else only_class(path, only)
    path = as_path(path, "path", "the path of a dataset")
    if format is not None and format not in _FORMATS:
        raise DataError(
            f"The format {format!r} is not known; expected one of {', '.join(FORMATS)}.",
            f"Choose one of them, or leave the format out to detect it.{did_you_mean(format, FORMATS)}",
        )
    if crowds not in CROWDS:
        raise DataError(f"crowds is {quoted(crowds)}; expected one of {', '.join(CROWDS)}.", _choose(crowds, CROWDS))
    if mask_values not in MASK_VALUES:
        raise DataError(
            f"mask_values is {quoted(mask_values)}; expected auto, objects or classes.",
            _choose(mask_values, MASK_VALUES),
        )
    is_sample = str(path) == SAMPLE and not Path(path).is_dir()
    root = Path(str(files("samtailor") / "assets" / SAMPLE)) if is_sample else path
    try:
        reading = Reading(ReadOptions(seed, boxes_as_masks, skip_broken, crowds, split_masks, mask_values))
        task = _read(root, format, reading)
        note_links(task, reading)
        findings = reading.finish(root, is_empty=not task.images)
        task = replace(task, format=task.format + reading.skipped, findings=findings)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from error
    if is_sample:
        task = replace(task, name=SAMPLE)
    _check_not_empty(task)
    if split_by is not None:
        task = split_by_group(task, split_by, seed)
    options: dict[str, Any] = {"seed": seed, "format": format, "split_by": split_by, "boxes_as_masks": boxes_as_masks}
    options |= {"skip_broken": True} if skip_broken else {}  # absent in runs of earlier versions
    options |= {"crowds": crowds} if crowds != "auto" else {}
    options |= {"split_masks": split_masks} if split_masks is not None else {}
    options |= {"mask_values": mask_values} if mask_values != "auto" else {}
    task = replace(task, source={"path": SAMPLE if is_sample else str(root.resolve()), **options})
    return task if only is None else only_class(task, only)


def _read(path: Path, format: str | None, reading: Reading) -> Task:
    if path.is_file():
        suffix = path.suffix.lower()
        for layout in _OF_ONE_FILE:
            if (
                suffix in (".json", ".csv", ".xml", ".geojson")
                and format in (None, layout)
                and _FORMATS[layout].matches(path)
            ):
                return _FORMATS[layout].read(path, reading)
        if suffix == ".json" and format in (None, "coco"):
            _check_coco(path)
            return _FORMATS["coco"].read(path, reading)
        if suffix in (".yaml", ".yml") and format in (None, "yolo"):
            return _FORMATS["yolo"].read(path, reading)
        raise DataError(
            f"{path} is a file; expected a folder, a COCO file whose name ends in .json, or a YOLO data.yaml.",
            "Pass the folder of the data." if format is None else f"For --format {format} pass the folder.",
        )
    if is_special(path):
        raise DataError(f"{path} is a pipe or a device; expected a folder or a file.", "Pass a copy of its content.")
    if not path.is_dir():
        raise DataError(
            f"The folder {path} does not exist.",
            f"Check the path. {SAMPLE!r} is the task that comes with samtailor.",
        )
    if format is not None:
        return _FORMATS[format].read(path, reading)
    ranked = candidates(path)
    best = chosen(ranked)
    if best is not None and best.score < UNCLEAR and (tool := name_tool(path)) is not None:
        raise DataError(f"{path} has no layout that can be read: {tool[0]}. {best.reason}.", tool[1])
    if best is None:
        below = [folder for folder in sorted(path.iterdir()) if folder.is_dir() and folder.name[0] not in "._"]
        if len(below) == 1 and any(candidate.score > 0 for candidate in candidates(below[0])):
            return _read(below[0], format, reading)
        raise _unknown_layout(path, ranked)
    return _FORMATS[best.format].read(path, reading)


def _check_coco(path: Path) -> None:
    """Raise DataError if a json file is not COCO, but its folder has another layout."""
    kind, reason = sniff(path)
    if kind not in ("instances", "panoptic") and (best := chosen(candidates(path.parent))) and best.format != "coco":
        raise DataError(
            f"{path} is no COCO file: it {reason}. Its folder reads as {best.format}.",
            f"Pass the folder {path.parent}.",
        )


def _unknown_layout(path: Path, ranked: list[Candidate]) -> DataError:
    near_misses = [f"{candidate.format}: {candidate.reason}" for candidate in ranked if candidate.reason]
    expected = "; ".join(f"{name}: {layout.files}" for name, layout in _FORMATS.items())
    hint = "The guide to data formats (docs/guides/data.md) shows the layouts."
    if not any(path.iterdir()):
        return DataError(f"The folder {path} is empty; expected images and annotations.", "Check the path.")
    if (tool := name_tool(path)) is not None:
        return DataError(f"{path} has no layout that can be read: {tool[0]}.", f"{tool[1]} {hint}")
    is_part = is_only_role(path.name) or path.name.lower() in SPLIT_OF
    if is_part and (above := chosen(candidates(path.parent))) is not None:
        return DataError(
            f"{path} alone has no known layout, but it is part of {path.parent}, which reads as {above.format}.",
            f"Pass {path.parent}.",
        )
    if near_misses:
        return DataError(
            f"{path} has no known layout. What comes near: {'; '.join(near_misses)}. Expected one of: {expected}.", hint
        )
    images = path / "images"
    if images.is_dir():
        hint = f"{images} exists, but a task needs more than images: add masks/ or COCO files."
    return DataError(f"{path} has no known layout. Expected one of: {expected}.", hint)


def _choose(word: str, words: Sequence[str]) -> str:
    return f"Choose one of them.{did_you_mean(word, words) if isinstance(word, str) else ''}"


def _check_not_empty(task: Task) -> None:
    if not task.images:
        raise DataError(
            f"Task {task.root} ({task.format}) has no image; expected one or more.", "Add images and masks."
        )
    if any(record.promptable for record in task.images):
        return
    hint = "Check that the masks are not all background."
    if odd := [finding for finding in task.findings if finding.severity != "note"]:
        hint = f"{odd[0].what} {odd[0].hint}"
    if "one class per value" in task.format:
        hint = f"Check the values in the masks against classes.json; {VOID} is void unless it is named there."
    raise DataError(
        f"Task {task.root} ({task.format}) has {len(task.images)} images, but no instance; expected one or more.", hint
    )
