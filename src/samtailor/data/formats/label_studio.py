"""Read the JSON and JSON-MIN exports of Label Studio: polygons, brushes and ellipses."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.data.findings import times
from samtailor.data.formats.builders import DraftBuilder, build_task, note_left_out, open_image, split_of
from samtailor.data.formats.curves import ellipse_rle, turned_box_rle
from samtailor.data.formats.encodings import note_encoding, read_any_json
from samtailor.data.formats.files import IMAGE_SUFFIXES
from samtailor.data.formats.find_images import ImageFinder, plain_path
from samtailor.data.formats.label_studio_brush import brush_mask
from samtailor.data.formats.shapes import pair_list, points_rle
from samtailor.data.formats.sniff import files_below, first_files, head_text
from samtailor.data.pixels.limits import open_embedded
from samtailor.data.pixels.rle import Rle, mask_rle
from samtailor.data.reading import Reading
from samtailor.data.task import Task

__all__ = ["is_label_studio", "read_label_studio"]

_KINDS = ("polygon", "brush", "bitmask", "ellipse", "rectangle")
_MARKS = ('"result"', '"was_cancelled"', '"completed_by"', '"data"')


def is_label_studio(path: Path) -> bool:
    """Return True for a json file of Label Studio, and for a folder with one."""
    files = [path] if path.is_file() else first_files(path, (".json",))
    return any(_is_of_label_studio(file) for file in files)


def read_label_studio(root: str | Path, reading: Reading) -> Task:
    """Read the regions that a person confirmed; predictions, cancelled and other drafts are not read.

    Rectangles are left out or filled. A task with several annotations is broken, unless one is the ground truth.

    Args:
        root: a json file, or a folder with json files, and with the images anywhere below.
        reading: collects broken tasks and regions.
    """
    root = Path(root)
    folder = root if root.is_dir() else root.parent
    files = (
        [root]
        if root.is_file()
        else [path for path in sorted(files_below(root, (".json",))) if _is_of_label_studio(path)]
    )
    finder = ImageFinder(folder, reading)
    builders: dict[Path, DraftBuilder] = {}
    for file in files:
        content, encoding = read_any_json(file)
        note_encoding(reading, file, encoding)
        for number, task in enumerate(content if isinstance(content, list) else [content]):
            entry = f"task {task.get('id', number)}" if isinstance(task, dict) else f"task {number}"
            try:
                image, regions = _of_task(task, file, reading)
            except ValueError as error:
                reading.count()
                reading.broken(file, entry, str(error), "Fix the task in Label Studio, and export again.")
                continue
            builder = open_image(reading, finder, file, image, entry=entry, split=split_of(file, folder))
            if builder is None:
                continue
            builder = builders.setdefault(builder.path, builder)
            _add(builder, entry, regions)
    return build_task(folder, "Label Studio json", builders.values(), reading)


def _of_task(task: Any, file: Path, reading: Reading) -> tuple[str, list[dict[str, Any]]]:
    """Return the image of a task, and its regions; ValueError if it is not clear which they are."""
    if not isinstance(task, dict):
        raise ValueError(f"it is a JSON {type(task).__name__}; expected an object")
    if "data" not in task:  # JSON-MIN
        return _image_name(task), [region for regions in _lists_of_regions(task) for region in regions]
    annotations = task.get("annotations", task.get("completions")) or []
    if not isinstance(annotations, list) or not all(isinstance(entry, dict) for entry in annotations):
        raise ValueError("its annotations are not a list of objects")
    kept = [entry for entry in annotations if not entry.get("was_cancelled")]
    for _ in range(len(annotations) - len(kept)):
        reading.note(
            "skipped-annotations",
            "note",
            lambda count: (
                f"{times(count, 'annotation')} of Label Studio left out, because the person skipped the task."
            ),
            "Nothing to do, if that was intended.",
            file,
        )
    truth = [entry for entry in kept if entry.get("ground_truth")]
    kept = truth if len(truth) == 1 else kept
    if len(kept) > 1:
        raise ValueError(f"it has {len(kept)} annotations by different people; expected one, or one ground truth")
    regions = kept[0].get("result") if kept else []
    if not isinstance(regions, list):
        raise ValueError("its result is not a list")
    return _image_name(task["data"]), [region for region in regions if isinstance(region, dict)]


def _image_name(data: Any) -> str:
    """Return the path of the image among the fields of a task."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)} if isinstance(data, dict) else {}
    for key in ("image", "img", "photo", "picture", "image_url"):
        if key in texts:
            return str(texts[key])
    pictures = [value for value in texts.values() if plain_path(value).suffix.lower() in IMAGE_SUFFIXES]
    if len(pictures) != 1:
        raise ValueError(f"it names {len(pictures)} images; expected one")
    return pictures[0]


def _lists_of_regions(task: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """JSON-MIN holds regions, without ``value``, in a list named after the control that made them."""
    for entries in task.values():
        if isinstance(entries, list) and entries and all(isinstance(entry, dict) for entry in entries):
            yield [{"type": _kind_of(entry), "value": entry, **entry} for entry in entries if _kind_of(entry)]


def _kind_of(value: dict[str, Any]) -> str:
    return next((key for key in value if key.endswith("labels") and isinstance(value[key], list)), "")


def _add(builder: DraftBuilder, entry: str, regions: list[dict[str, Any]]) -> None:
    # A region drawn without labels may have them in another result with the same id.
    labels: dict[Any, list[Any]] = {}
    for region in regions:
        value = region.get("value")
        if isinstance(value, dict) and (kind := _kind_of(value)) and region.get("id") is not None:
            labels.setdefault(str(region["id"]), value[kind])
    drawn: set[Any] = set()
    for number, region in enumerate(regions):
        kind = str(region.get("type") or "").removesuffix("labels")
        value = region.get("value")
        if kind in ("keypoint", "vector"):
            builder.reading.count()
            note_left_out(builder.reading, builder.path)
        if kind not in _KINDS or not isinstance(value, dict):
            continue  # a choice, a text, a relation
        place = f"{entry}, region {region.get('id', number)} ({kind})"
        own = _kind_of(value)
        names = value[own] if own else labels.get(str(region.get("id")), [])
        key = (str(region.get("id")), kind)
        if region.get("id") is not None and key in drawn:
            continue  # the same region once as a shape and once with labels
        drawn.add(key)
        if len(names) != 1:
            builder.reading.count()
            cause = f"it has {len(names)} labels; expected one"
            builder.reading.broken(builder.source, place, cause, "Choose one label in Label Studio.")
            continue
        builder.add(place, names[0], _maker(kind, region, value), kind == "rectangle")


def _maker(kind: str, region: dict[str, Any], value: dict[str, Any]) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        if region.get("image_rotation") not in (None, 0):
            raise ValueError(f"the image was turned by {region['image_rotation']} degrees in Label Studio")
        stated = (region.get("original_width"), region.get("original_height"))
        if stated not in ((None, None), (width, height)):
            raise ValueError(
                f"it is on an image of {stated[0]} x {stated[1]} pixels, but the file has {width} x {height}"
            )
        return _shape_rle(kind, value, height, width)

    return make


def _shape_rle(kind: str, value: dict[str, Any], height: int, width: int) -> tuple[Rle, int]:
    across, down = width / 100, height / 100  # coordinates are percent of the sides
    if kind == "polygon":
        # Rounded to a millionth: the rasteriser rounds to fifths of a pixel, and a percentage is rarely exact.
        points = [(round(x * across, 6), round(y * down, 6)) for x, y in pair_list(value.get("points"), 3)]
        return points_rle(points, height, width)
    if kind == "brush":
        mask = brush_mask(value.get("rle"), height, width)
        return mask_rle(mask), int(mask.sum())
    if kind == "bitmask":
        mask = _picture_mask(value.get("imageDataURL"))
        if mask.shape != (height, width):
            raise ValueError(f"its mask has {mask.shape[1]} x {mask.shape[0]} pixels; expected {width} x {height}")
        return mask_rle(mask), int(mask.sum())
    numbers: list[Any] = [
        value.get(key) for key in ("x", "y", *(("radiusX", "radiusY") if kind == "ellipse" else ("width", "height")))
    ]
    if any(type(number) not in (int, float) for number in numbers):
        raise ValueError(f"it has the numbers {str(numbers)[:80]}; expected a position and a size in percent")
    x, y, w, h = (float(number) * side for number, side in zip(numbers, (across, down, across, down), strict=True))
    rotation: Any = value.get("rotation") or 0
    turn = float(rotation) if type(rotation) in (int, float) else 0.0
    if kind == "ellipse":
        return ellipse_rle((x, y), (w, h), height, width, turn)
    return turned_box_rle((x, y, x + w, y + h), turn, (x, y), height, width)


def _picture_mask(text: Any) -> np.ndarray:
    """Return the mask of a picture as a data URL: not transparent, or not black if it has no transparency."""
    try:
        content = base64.b64decode(str(text).partition("base64,")[2], validate=True)
        with open_embedded(content, ("PNG",)) as picture:
            has_alpha = "A" in picture.mode or "transparency" in picture.info
            return np.asarray(picture.convert("RGBA").getchannel("A") if has_alpha else picture.convert("L")) > 0
    except Exception as error:  # Pillow raises errors of many types on damaged bytes
        raise ValueError(f"its mask is not a PNG ({str(error)[:80] or type(error).__name__})") from error


def _is_of_label_studio(path: Path) -> bool:
    text = head_text(path)
    is_list = text.lstrip("\ufeff \t\r\n")[:1] == "["
    if not is_list and '"completions"' not in text:
        return False
    if '"image_id"' in text or '"bbox"' in text:
        return False  # results of COCO are lists too
    has_annotations = '"annotations"' in text or '"completions"' in text
    return '"original_width"' in text or (has_annotations and any(mark in text for mark in _MARKS))
