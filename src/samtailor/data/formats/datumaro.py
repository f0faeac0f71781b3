"""Read the json files of Datumaro: polygons, masks and ellipses of each item."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from samtailor.data.formats.builders import DraftBuilder, build_task, note_left_out, open_image, split_of
from samtailor.data.formats.curves import ellipse_rle
from samtailor.data.formats.encodings import note_encoding, read_any_json
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.shapes import box_rle, points_rle, rle_from_dict
from samtailor.data.formats.sniff import files_below, first_files, head_text
from samtailor.data.pixels.rle import Rle
from samtailor.data.reading import Reading
from samtailor.data.split_names import split_in_name
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["is_datumaro", "read_datumaro"]

_SHAPES = ("polygon", "mask", "ellipse", "bbox")


def is_datumaro(path: Path) -> bool:
    """Return True for a json file of Datumaro, and for a folder with one."""
    files = [path] if path.is_file() else first_files(path, (".json",))
    return any(_is_of_datumaro(file) for file in files)


def read_datumaro(root: str | Path, reading: Reading) -> Task:
    """Read polygons, masks and ellipses; boxes are left out or filled, and points and lines are left out.

    Shapes of one label and one group are one instance. Splits come from the names of the files, such as
    ``annotations/train.json``.

    Args:
        root: a json file, or a folder with json files, and with the images anywhere below.
        reading: collects broken items and shapes.
    """
    root = Path(root)
    folder = root if root.is_dir() else root.parent.parent if root.parent.name == "annotations" else root.parent
    files = [root] if root.is_file() else [p for p in sorted(files_below(root, (".json",))) if _is_of_datumaro(p)]
    finder = ImageFinder(folder, reading)
    builders: dict[Path, DraftBuilder] = {}
    classes: list[str] = []
    for file in files:
        content, encoding = read_any_json(file)
        note_encoding(reading, file, encoding)
        names = _label_names(file, content)
        classes += names
        for number, item in enumerate(content["items"] if isinstance(content.get("items"), list) else []):
            entry = f"item {item.get('id', number)}" if isinstance(item, dict) else f"item {number}"
            builder = _open(item if isinstance(item, dict) else {}, entry, file, folder, finder, reading)
            if builder is None:
                continue
            builder = builders.setdefault(builder.path, builder)
            shapes = item.get("annotations")
            for index, shape in enumerate(shapes if isinstance(shapes, list) else []):
                _add(builder, f"{entry}, annotation {index}", shape if isinstance(shape, dict) else {}, names)
    return build_task(folder, "Datumaro json", builders.values(), reading, classes)


def _open(
    item: dict[str, Any], entry: str, file: Path, folder: Path, finder: ImageFinder, reading: Reading
) -> DraftBuilder | None:
    image = item.get("image") if isinstance(item.get("image"), dict) else item.get("media")
    image = image if isinstance(image, dict) else {}
    size = image.get("size")
    stated = (size[1], size[0]) if isinstance(size, list) and len(size) == 2 else None
    name = image.get("path") or f"{item.get('id')}.jpg"
    split = split_in_name(file.stem) or split_of(file, folder)
    return open_image(reading, finder, file, name, entry=entry, stated=stated, split=split)


def _add(builder: DraftBuilder, entry: str, shape: dict[str, Any], names: list[str]) -> None:
    kind = shape.get("type")
    if kind in ("label", "caption"):
        return
    if kind not in _SHAPES:
        builder.reading.count()
        note_left_out(builder.reading, builder.path)
        return
    number = shape.get("label_id")
    label = names[number] if type(number) is int and 0 <= number < len(names) else None
    attributes = shape.get("attributes")
    crowd = bool(isinstance(attributes, dict) and attributes.get("is_crowd")) and kind == "polygon"
    group = shape.get("group") or None
    builder.add(f"{entry} ({kind})", label, _maker(shape), kind == "bbox", group, crowd)


def _maker(shape: dict[str, Any]) -> Callable[[int, int], tuple[Rle, int]]:
    def make(height: int, width: int) -> tuple[Rle, int]:
        kind = shape["type"]
        if kind == "mask":
            rle = shape.get("rle")
            if not isinstance(rle, dict):
                raise ValueError("its mask has no rle")
            return rle_from_dict(rle, height, width)
        numbers = shape.get("bbox") if kind == "bbox" else shape.get("points")
        if not isinstance(numbers, list) or any(type(n) not in (int, float) for n in numbers):
            raise ValueError(f"its points are {str(numbers)[:60]}; expected numbers")
        if kind == "polygon":
            if len(numbers) < 6 or len(numbers) % 2:
                raise ValueError(f"it has {len(numbers)} coordinates; expected an even number, 6 or more")
            return points_rle(list(zip(numbers[::2], numbers[1::2], strict=True)), height, width)
        if len(numbers) != 4:
            raise ValueError(f"it has {len(numbers)} numbers; expected four")
        if kind == "bbox":
            x, y, w, h = numbers
            return box_rle(x, y, x + w, y + h, height, width)
        x0, y0, x1, y1 = numbers
        return ellipse_rle(((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2), height, width)

    return make


def _label_names(file: Path, content: Any) -> list[str]:
    """Return the names of the labels in their order."""
    try:
        return [str(label["name"]).strip() for label in content["categories"]["label"]["labels"]]
    except (KeyError, TypeError) as error:
        raise DataError(f"{file} (Datumaro) has no categories with labels.", "Export the data set again.") from error


def _is_of_datumaro(file: Path) -> bool:
    text = head_text(file)
    has_keys = '"categories"' in text and ('"items"' in text or '"dm_format_version"' in text)
    return has_keys and '"labels"' in text and '"images"' not in text
