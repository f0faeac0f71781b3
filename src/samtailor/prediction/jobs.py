"""What to predict: images, and the prompts on each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.errors import PromptError
from samtailor.frames import Frame
from samtailor.prompts import Prompts, check_prompts

__all__ = ["Job", "PromptRow", "checked_groups", "with_words"]


@dataclass(frozen=True)
class PromptRow:
    """One prompt on one image, as a user gave it; image frame.

    Attributes:
        points: x, y of each click.
        labels: of each click, 1 foreground, 0 background.
        box: x0, y0, x1, y1, or None.
        category: name of the object's class, if the source of the prompts has one.
        word: a class name that is part of the prompt, or empty.
    """

    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    box: tuple[float, float, float, float] | None = None
    category: str | None = None
    word: str = ""


@dataclass(frozen=True)
class Job:
    """One image with its prompts.

    Attributes:
        path: the image file.
        name: of the image in results: a path with forward slashes, unique among the jobs.
        stem: beginning of the names of its files, unique among the jobs; may contain folders.
        prompts: at least one.
        image_id: of the image in the file of prompts, or None.
    """

    path: Path
    name: str
    stem: str
    prompts: tuple[PromptRow, ...]
    image_id: int | None = None


def with_words(rows: Sequence[PromptRow], words: Sequence[str]) -> list[PromptRow]:
    """Give words to prompts: one word to all of them, or each word to a prompt of its own if there is none.

    Raises:
        PromptError: a word is empty, or there are several beside other prompts.
    """
    names = [word.strip() for word in words]
    if not all(names):
        raise PromptError("A word is empty.", "Give the name of a class.")
    if rows and len(names) > 1:
        raise PromptError(
            f"{len(names)} words were given beside other prompts.",
            "Clicks and boxes go with at most one word: run the command once for each word.",
        )
    if not rows:
        return [PromptRow(category=name, word=name) for name in names]
    return [replace(row, category=name, word=name) for row in rows for name in names] or list(rows)


def checked_groups(rows: Sequence[PromptRow], frame: Frame) -> Iterator[tuple[np.ndarray, Prompts]]:
    """Check the prompts of one image, those with a box apart from those without.

    Yields:
        Positions of the prompts of a group, and the prompts.

    Raises:
        PromptError: as ``check_prompts``.
    """
    for with_box in (False, True):
        places = [i for i, row in enumerate(rows) if (row.box is not None) == with_box]
        if not places:
            continue
        chosen = [rows[i] for i in places]
        prompt: dict[str, Any] = {"boxes": [row.box for row in chosen] if with_box else None}
        if any(row.points for row in chosen):
            # Each row has its own list, so that rows of one length are not taken for a single prompt.
            prompt |= {"points": [list(row.points) for row in chosen], "labels": [list(row.labels) for row in chosen]}
        if any(row.word for row in chosen):
            prompt["words"] = [row.word for row in chosen]
        yield np.array(places), check_prompts(**prompt, frame=frame)
