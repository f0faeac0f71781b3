"""Tell crowd regions from brush masks: some tools write ``iscrowd`` 1 on every mask that is not a polygon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from samtailor.data.formats.coco_masks import is_empty

__all__ = ["CROWDS", "CrowdVerdict", "crowd_flag", "judge_crowds"]

CROWDS = ("auto", "keep", "objects")
_MOST = 0.5  # share of all masks; a file of mostly crowd regions would be of no use
_SUSPICIOUS = 0.05  # share from which crowd regions deserve a word; published COCO has 1 %


@dataclass(frozen=True)
class CrowdVerdict:
    """What ``iscrowd`` 1 means in a file.

    Attributes:
        objects: True if it marks single objects, which are read like any other.
        count: number of masks with ``iscrowd`` 1.
        total: number of all masks.
        reason: why they are objects, or why they may be; empty if there is no doubt.
    """

    objects: bool
    count: int
    total: int
    reason: str = ""


def crowd_flag(annotation: dict[str, Any]) -> bool:
    """Return True for ``iscrowd`` 1; null, false, "0" or nothing are 0.

    Raises:
        ValueError: it is something else.
    """
    value = annotation.get("iscrowd")
    if value is None or value == "":
        return False
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in ("0", "1", "false", "true"):
        return value.strip().lower() in ("1", "true")
    raise ValueError(value)


def judge_crowds(annotations: Sequence[Any], choice: str = "auto", own: bool = False) -> CrowdVerdict:
    """Judge whether ``iscrowd`` 1 marks crowd regions or brush masks.

    CVAT and Datumaro write every brush mask as RLE with ``iscrowd`` 1. In COCO it marks a region of many objects, at
    most one for each class of an image, and rare.

    Args:
        annotations: all annotations of a file.
        choice: one of ``CROWDS``; ``keep`` and ``objects`` decide without a look at the file.
        own: samtailor wrote the file, and marks only crowd regions.
    """
    masks = [a for a in annotations if isinstance(a, dict) and not is_empty(a.get("segmentation"))]
    crowds = [annotation for annotation in masks if _is_crowd(annotation)]
    count, total = len(crowds), len(masks)
    if not crowds or choice == "keep" or own:
        return CrowdVerdict(False, count, total)
    if choice == "objects":
        return CrowdVerdict(True, count, total, "as you chose")
    plain_rles = sum(isinstance(a.get("segmentation"), dict) for a in masks) - sum(
        isinstance(a.get("segmentation"), dict) for a in crowds
    )
    if count > _MOST * total:
        return CrowdVerdict(
            True, count, total, "nearly all masks of the file have it" if plain_rles else _pattern(crowds)
        )
    if plain_rles == 0 and any(_is_datumaro(annotation) for annotation in crowds):
        return CrowdVerdict(True, count, total, "CVAT and Datumaro write every brush mask with it")
    several = Counter((str(a.get("image_id")), str(a.get("category_id"))) for a in crowds)
    if count > _SUSPICIOUS * total or max(several.values()) > 2:
        return CrowdVerdict(False, count, total, "CVAT and Datumaro write every brush mask with iscrowd 1")
    return CrowdVerdict(False, count, total)


def _pattern(crowds: Collection[dict[str, Any]]) -> str:
    if all(isinstance(annotation.get("segmentation"), dict) for annotation in crowds):
        return "every RLE mask of the file has it, as CVAT and Datumaro write brush masks"
    return "nearly all masks of the file have it"


def _is_crowd(annotation: dict[str, Any]) -> bool:
    try:
        return crowd_flag(annotation)
    except ValueError:
        return False


def _is_datumaro(annotation: dict[str, Any]) -> bool:
    attributes = annotation.get("attributes")
    return isinstance(attributes, dict) and "occluded" in attributes
