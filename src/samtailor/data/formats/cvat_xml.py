"""Read the xml files of CVAT: "CVAT for images 1.1", and "CVAT for video 1.1" with its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from defusedxml import DefusedXmlException, ElementTree

from samtailor.data.formats.builders import DraftBuilder, build_task, note_left_out, open_image, split_of
from samtailor.data.formats.curves import ellipse_rle, row_runs_rle, turned_box_rle
from samtailor.data.formats.files import FIX_HINT, read_bytes
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.shapes import points_rle
from samtailor.data.formats.sniff import files_below, first_files, head_text
from samtailor.data.pixels.rle import Rle
from samtailor.data.reading import Reading
from samtailor.data.task import Task
from samtailor.errors import DataError

__all__ = ["is_cvat_xml", "read_cvat_xml"]

_SHAPES = ("polygon", "mask", "box", "ellipse")


def is_cvat_xml(path: Path) -> bool:
    """Return True for an xml file of CVAT, and for a folder with one."""
    files = [path] if path.is_file() else first_files(path, (".xml",))
    return any(_is_of_cvat(file) for file in files)


def read_cvat_xml(root: str | Path, reading: Reading) -> Task:
    """Read polygons, masks and ellipses; boxes are left out or filled, and points and lines are left out.

    Shapes with the same label and ``group_id`` are one instance. Splits come from ``subset``, or from folders.

    Args:
        root: an xml file, or a folder with xml files, and with the images anywhere below.
        reading: collects broken shapes.

    Raises:
        DataError: a file is not such an xml, or too much is broken.
    """
    root = Path(root)
    folder = root if root.is_dir() else root.parent
    files = [root] if root.is_file() else [path for path in sorted(files_below(root, (".xml",))) if _is_of_cvat(path)]
    finder = ImageFinder(folder, reading)
    builders: list[DraftBuilder] = []
    classes: list[str] = []
    for file in files:
        document = _parse(file)
        classes += [str(label.text).strip() for label in document.iterfind("meta//labels/label/name") if label.text]
        images = document.findall("image")
        builders += (
            _of_images(file, folder, images, finder, reading)
            if images
            else _of_tracks(file, folder, document.findall("track"), finder, reading)
        )
    return build_task(folder, "CVAT xml", builders, reading, classes)


def _of_images(
    file: Path, folder: Path, images: list[Any], finder: ImageFinder, reading: Reading
) -> Iterator[DraftBuilder]:
    for image in images:
        name = image.get("name") or ""
        split = split_of(f"{image.get('subset') or ''}/a") or split_of(name) or split_of(file, folder)
        stated = (_whole(image.get("width")), _whole(image.get("height")))
        builder = open_image(reading, finder, file, name, entry=f"image {name}", stated=stated, split=split)
        if builder is None:
            continue
        for number, shape in enumerate((child for child in image if child.tag != "tag"), 1):
            _add(builder, f"image {name}, shape {number}", shape, shape.get("label"))
        yield builder


def _of_tracks(
    file: Path, folder: Path, tracks: list[Any], finder: ImageFinder, reading: Reading
) -> Iterator[DraftBuilder]:
    frames: dict[int, list[tuple[Any, Any]]] = {}
    for track in tracks:
        for shape in track:
            frame = _whole(shape.get("frame"))
            if shape.get("outside") != "1" and frame is not None:
                frames.setdefault(frame, []).append((track, shape))
    if not frames:
        raise DataError(f"{file} (CVAT) has no image and no frame with a shape.", "Export the task again.")
    for frame, shapes in sorted(frames.items()):
        name = f"frame_{frame:06}.png"
        builder = open_image(reading, finder, file, name, entry=f"frame {frame}", split=split_of(file, folder))
        if builder is None:
            continue
        for track, shape in shapes:
            _add(builder, f"frame {frame}, track {track.get('id')}", shape, track.get("label"))
        yield builder


def _add(builder: DraftBuilder, entry: str, shape: Any, label: Any) -> None:
    kind = shape.tag
    if kind not in _SHAPES:
        builder.reading.count()
        note_left_out(builder.reading, builder.path)
        return
    group = shape.get("group_id")
    corners = [pair.split(",") for pair in (shape.get("points") or "").split(";")] if kind == "polygon" else None
    group = None if group in (None, "", "0") else group
    builder.add(f"{entry} ({kind})", label, _maker(shape), kind == "box", group, corners=corners)


def _maker(shape: Any) -> Callable[[int, int], tuple[Rle, int]]:
    return lambda height, width: _shape_rle(shape, height, width)


def _shape_rle(shape: Any, height: int, width: int) -> tuple[Rle, int]:
    if shape.tag == "polygon":
        points = [_floats(pair.split(",")) for pair in (shape.get("points") or "").split(";") if pair.strip()]
        if any(len(point) != 2 for point in points) or len(points) < 3:
            raise ValueError(f"it has {len(points)} points; expected three or more pairs x,y")
        return points_rle(points, height, width)
    if shape.tag == "mask":
        runs = _whole_numbers((shape.get("rle") or "").split(","))
        left, top, columns, rows = _whole_numbers([shape.get(key) for key in ("left", "top", "width", "height")])
        return row_runs_rle(runs, left, top, columns, rows, height, width)
    turn = _floats([shape.get("rotation") or "0"])[0]
    if shape.tag == "ellipse":
        x, y, rx, ry = _floats([shape.get(key) for key in ("cx", "cy", "rx", "ry")])
        return ellipse_rle((x, y), (rx, ry), height, width, turn)
    x0, y0, x1, y1 = _floats([shape.get(key) for key in ("xtl", "ytl", "xbr", "ybr")])
    return turned_box_rle((x0, y0, x1, y1), turn, ((x0 + x1) / 2, (y0 + y1) / 2), height, width)


def _floats(texts: list[Any]) -> list[float]:
    try:
        return [float(text) for text in texts]
    except (TypeError, ValueError) as error:
        raise ValueError(f"it has {str(texts)[:80]}; expected numbers") from error


def _whole_numbers(texts: list[Any]) -> list[int]:
    numbers = _floats(texts)
    if not all(number.is_integer() and abs(number) < 2**31 for number in numbers):
        raise ValueError("it has numbers of pixels that are not whole")
    return [int(number) for number in numbers]


def _whole(text: str | None) -> int | None:
    try:
        return int(float(text)) if text is not None else None
    except (ValueError, OverflowError):
        return None


def _parse(file: Path) -> Any:
    try:  # defusedxml: entities of a document type could grow without limit or fetch other files
        root = ElementTree.fromstring(read_bytes(file), forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DataError(f"{file} is not valid XML ({str(error)[:200]}).", FIX_HINT) from error
    if root.tag != "annotations":
        raise DataError(f"{file} starts with <{root.tag[:40]}>; expected <annotations>, as CVAT writes it.", FIX_HINT)
    return root


def _is_of_cvat(file: Path) -> bool:
    return file.suffix.lower() == ".xml" and "<annotations" in head_text(file)
