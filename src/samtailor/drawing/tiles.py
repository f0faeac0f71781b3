"""One small picture of an image with its masks in the colours of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from samtailor.data.doctor.examples import Example
from samtailor.data.findings import listed, times
from samtailor.data.task import Instance, Task
from samtailor.drawing.lettering import fitted, font_of_size, text_width
from samtailor.drawing.paint import class_colours, outline, tint
from samtailor.drawing.thumbnails import small_masks, small_picture
from samtailor.errors import SamtailorError

__all__ = ["CROWD", "Tile", "draw_tile"]

CROWD = (150, 156, 166)
"""Colour of crowd regions, which are not prompted."""

_MOST_LABELS = 6
_DARK, _BARE = (16, 18, 22), (226, 229, 234)


@dataclass(frozen=True)
class Tile:
    """A small picture of an image.

    Attributes:
        picture: (h, w, 3) uint8 RGB.
        name: split and file name.
        content: number of objects, and the classes.
        trouble: codes of the findings about this image; empty if there are none.
        severity: of the most serious of them; empty if there are none.
    """

    picture: np.ndarray
    name: str
    content: str
    trouble: str
    severity: str


def draw_tile(task: Task, example: Example, side: int) -> Tile:
    """Draw an image with its masks; one that cannot be read becomes an empty tile that says so.

    Args:
        task: gives each class its colour.
        example: the image.
        side: longest side, in pixels.
    """
    record, trouble = example.record, [finding.code for finding in example.findings]
    instances = list(record.instances)
    try:
        picture = small_picture(record.path, side)
    except SamtailorError:
        picture = np.full((side * 3 // 4, side, 3), _BARE, dtype=np.uint8)
        picture, trouble = _centred(picture, "cannot be read"), trouble or ["unreadable"]
    else:
        picture = _with_masks(task, picture, instances)
    labels = list(dict.fromkeys(i.label for i in record.promptable))
    crowds = sum(instance.crowd for instance in instances)
    content = times(len(record.promptable), "object") + (f", {times(crowds, 'crowd region')}" if crowds else "")
    classes = f": {listed(labels, 8)}" if labels and len(task.classes) > 1 else ""
    return Tile(
        picture,
        f"{example.split}: {record.path.name}",
        content + classes,
        listed(list(dict.fromkeys(trouble)), 3),
        example.findings[0].severity if example.findings else "error" if trouble else "",
    )


def _with_masks(task: Task, picture: np.ndarray, instances: list[Instance]) -> np.ndarray:
    if not instances:
        return picture
    palette = class_colours(len(task.classes))
    places = {name: k for k, name in enumerate(task.classes)}
    colours = np.array([CROWD if i.crowd else palette[places.get(i.label, 0)] for i in instances], dtype=np.uint8)
    owner = small_masks(instances, *picture.shape[:2])
    tint(picture, owner, colours)
    outline(picture, owner, colours, 1)
    return _with_labels(picture, owner, instances, colours) if len(task.classes) > 1 else picture


def _with_labels(
    picture: np.ndarray, owner: np.ndarray, instances: Sequence[Instance], colours: np.ndarray
) -> np.ndarray:
    """Write the name of each class on its largest object, as long as there is room."""
    areas = np.bincount(owner.ravel(), minlength=len(instances) + 1)[1:]
    largest: dict[str, int] = {}
    for index in np.argsort(-areas, kind="stable"):
        if areas[index]:
            largest.setdefault(instances[index].label, int(index))
    size = _letter_size(picture)
    canvas, font = Image.fromarray(picture), font_of_size(size)
    draw, taken = ImageDraw.Draw(canvas), list[tuple[float, float, float, float]]()
    for label, index in list(largest.items())[:_MOST_LABELS]:
        text = fitted(label, font, 0.6 * canvas.width)
        rows, columns = np.nonzero(owner == index + 1)
        across, down = text_width(text, font) + 8, size + 6
        nearest = np.hypot(rows - rows.mean(), columns - columns.mean()).argmin()  # the centre of a ring is outside it
        left = float(np.clip(columns[nearest] - across / 2, 0, max(0, canvas.width - across)))
        top = float(np.clip(rows[nearest] - down / 2, 0, max(0, canvas.height - down)))
        box = (left, top, left + across, top + down)
        if any(_overlap(box, other) for other in taken):
            continue
        taken.append(box)
        draw.rounded_rectangle(box, 3, fill=_DARK, outline=tuple(map(int, colours[index])))
        draw.text((left + 4, top + down / 2), text, fill="white", font=font, anchor="lm")
    return np.array(canvas)


def _letter_size(picture: np.ndarray) -> int:
    """Height of letters in pixels, so that they are legible when a page shrinks the picture."""
    height, width = picture.shape[:2]
    return max(13, int(max(height, width)) // 22)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _centred(picture: np.ndarray, text: str) -> np.ndarray:
    canvas = Image.fromarray(picture)
    centre = (canvas.width / 2, canvas.height / 2)
    ImageDraw.Draw(canvas).text(centre, text, fill=_DARK, font=font_of_size(_letter_size(picture)), anchor="mm")
    return np.array(canvas)
