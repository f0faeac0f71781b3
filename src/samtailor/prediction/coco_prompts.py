"""Prompts from the boxes of a COCO json: a dataset, or a list of results."""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath
from typing import Any

from samtailor.errors import PromptError
from samtailor.prediction.csv_prompts import listed
from samtailor.prediction.jobs import PromptRow

__all__ = ["coco_prompts"]

_FORM = 'Expected "images" with id and file_name, and "annotations" with image_id and bbox [x, y, width, height].'


def coco_prompts(path: Path, content: Any) -> tuple[dict[str, tuple[PromptRow, ...]], dict[str, int], dict[str, int]]:
    """Return name of an image -> prompts, name -> image id, and class name -> id.

    A list of results has no table of images; there, ``file_name`` or a text in ``image_id`` names the image, or a
    number is the name without its suffix.

    Raises:
        PromptError: the content has another form, or annotations are wrong; the message lists the first of them.
    """
    tables = content if isinstance(content, dict) else {"annotations": content}
    annotations, images = tables.get("annotations"), tables.get("images", [])
    if not isinstance(annotations, list) or not isinstance(images, list):
        raise PromptError(f"{path} is not a COCO json with boxes.", _FORM)
    files = {
        image["id"]: image["file_name"]
        for image in images
        if isinstance(image, dict)
        and _is_id(image.get("id"))
        and isinstance(image.get("file_name"), str)
        and PurePosixPath(image["file_name"]).name
    }
    classes = {
        category["id"]: category["name"]
        for category in tables.get("categories") or []
        if isinstance(category, dict) and _is_id(category.get("id")) and isinstance(category.get("name"), str)
    }
    prompts: dict[str, list[PromptRow]] = {}
    faults = []
    for position, annotation in enumerate(annotations):
        try:
            name, box = _name(annotation, files, known=bool(images)), _box(annotation)
        except ValueError as error:
            faults.append(f"annotation {position} (counted from 0): {error}")
            continue
        category = annotation.get("category_id")
        prompts.setdefault(name, []).append(PromptRow(box=box, category=_class_name(category, classes)))
    if faults:
        raise PromptError(f"{path} has {len(faults)} wrong annotations: {listed(faults)}.", _FORM)
    ids = {name: number for number, name in files.items() if isinstance(number, int)}
    if not images:
        numbers = {_name(a, files, known=False): a.get("image_id") for a in annotations}
        ids = {name: number for name, number in numbers.items() if isinstance(number, int)}
    categories = {name: number for number, name in classes.items() if isinstance(number, int)}
    if not classes:
        used = {a.get("category_id") for a in annotations}
        categories = {str(number): number for number in sorted(u for u in used if isinstance(u, int))}
    return {name: tuple(rows) for name, rows in prompts.items()}, ids, categories


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _class_name(category: Any, classes: dict[Any, str]) -> str | None:
    if not _is_id(category):
        return None
    return classes.get(category, None if classes else str(category))


def _name(annotation: Any, files: dict[Any, str], known: bool) -> str:
    if not isinstance(annotation, dict):
        raise ValueError("it is not an object")
    number = annotation.get("image_id")
    if known:
        if not _is_id(number) or number not in files:
            raise ValueError(f"its image_id {str(number)[:40]!r} is not among the images")
        return files[number]
    name = annotation.get("file_name") or number
    if not _is_id(name) or not PurePosixPath(str(name)).name:
        raise ValueError("it has neither image_id nor file_name")
    return str(name)


def _box(annotation: dict[str, Any]) -> tuple[float, float, float, float]:
    box = annotation.get("bbox")
    numbers = isinstance(box, list) and len(box) == 4 and all(type(v) in (int, float) and math.isfinite(v) for v in box)
    if not numbers:
        raise ValueError(f"its bbox is {str(box)[:60]}; expected four numbers")
    x, y, width, height = map(float, box)  # type: ignore[arg-type]
    if width <= 0 or height <= 0:
        raise ValueError(f"its bbox has the width {width:g} and the height {height:g}; expected more than 0")
    return x, y, x + width, y + height
