"""Read prompts from a file: a CSV table, or a COCO json with boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtailor.data.formats.encodings import parse_json, read_text
from samtailor.errors import PromptError
from samtailor.prediction.coco_prompts import coco_prompts
from samtailor.prediction.csv_prompts import csv_prompts
from samtailor.prediction.jobs import PromptRow

__all__ = ["PromptFile", "read_prompt_file"]


@dataclass(frozen=True)
class PromptFile:
    """Prompts for many images.

    Attributes:
        path: the file.
        prompts: name of an image as in the file -> its prompts, in order.
        image_ids: name -> id, from a COCO json.
        categories: class name -> id; empty if the file has no classes.
    """

    path: Path
    prompts: Mapping[str, tuple[PromptRow, ...]]
    image_ids: Mapping[str, int] = field(default_factory=dict)
    categories: Mapping[str, int] = field(default_factory=dict)


def read_prompt_file(path: str | Path) -> PromptFile:
    """Read a CSV table or a COCO json.

    A CSV table has the columns ``image`` and ``x``, ``y`` (with ``label``, 1 or 0) or ``x0``, ``y0``, ``x1``, ``y1``.
    Rows of one image that have the same value in the column ``prompt`` are one prompt; without this column, each row
    is a prompt. A column ``class`` names the object's class. A COCO json has boxes in its annotations; a list of
    results is read too.

    Raises:
        DataError: the file cannot be read.
        PromptError: its content is wrong; the message lists the first wrong rows.
    """
    path = Path(path).expanduser()
    text, _ = read_text(path)
    if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("{", "["):
        content: Any = parse_json(path, text)
        prompts, image_ids, categories = coco_prompts(path, content)
    else:
        prompts, image_ids = csv_prompts(path, text), {}
        names = sorted({row.category for rows in prompts.values() for row in rows if row.category})
        categories = {name: position for position, name in enumerate(names, 1)}
    if not prompts:
        raise PromptError(f"{path} holds no prompts.", "Add a row for each click or box, or an annotation with a box.")
    return PromptFile(path, prompts, image_ids, categories)
