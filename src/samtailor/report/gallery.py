"""The best, median and worst instances, and those that changed most, as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from samtailor.adapters.answer import AdaptedModel
from samtailor.data.pixels.images import read_image
from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.drawing.compare import comparison
from samtailor.evaluation.classmap import pieces
from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
from samtailor.evaluation.names import image_names
from samtailor.evaluation.scoring import InstanceScore, masks_of
from samtailor.machine.progress import Progress, counted, silent
from samtailor.prompts import Prompts
from samtailor.report.content import GalleryPicture

__all__ = ["choose", "crop_around", "draw_gallery", "jpeg"]

MARGIN = 0.75  # of the instance's larger side, around it
LEAST = 96  # pixels: a crop is at least so wide and high, where the image is
SHOWN = 320  # pixels: a panel's longer side


def choose(scores: Sequence[InstanceScore], count: int) -> dict[str, list[InstanceScore]]:
    """``count`` instances of each group: best, median, worst by the adapted IoU, the rest by the gain over base-single.

    Only first prompts are looked at. Groups overlap where instances are few.
    """
    first = [s for s in scores if s.repeat == 0]
    by_score = sorted(first, key=lambda s: (s.scores["adapted"].iou, s.instance))
    by_gain = sorted(first, key=lambda s: (s.scores["adapted"].iou - s.scores["base-single"].iou, s.instance))
    middle = max(0, (len(first) - count) // 2)
    return {
        "best": by_score[::-1][:count],
        "median": by_score[middle : middle + count],
        "worst": by_score[:count],
        "most gained": [s for s in by_gain[::-1][:count] if _gain(s) > 0],
        "most lost": [s for s in by_gain[:count] if _gain(s) < 0],
    }


def _gain(score: InstanceScore) -> float:
    return score.scores["adapted"].iou - score.scores["base-single"].iou


def draw_gallery(
    model: AdaptedModel,
    task: Task,
    split: str,
    scores: Sequence[InstanceScore],
    plan: PromptPlan,
    count: int = 3,
    progress: Progress = silent,
) -> list[GalleryPicture]:
    """Draw each chosen instance: truth, base and adapted mask side by side, as JPEG."""
    names = image_names(task, split)
    places = {(names[r.path], i.id): (r, i) for r in task.split(split) for i in r.promptable}
    examples = [(group, s) for group, chosen in choose(scores, count).items() for s in chosen]
    gallery = []
    for group, s in counted(examples, "Gallery", progress):
        record, instance = places[s.image, s.instance]
        masks = masks_of(model, record, instance, plan)
        picture = _draw(record, instance, masks, plan)
        base_iou, adapted_iou = s.scores["base-single"].iou, s.scores["adapted"].iou
        gallery.append(GalleryPicture(group, s.image, s.label, base_iou, adapted_iou, picture))
    return gallery


def _draw(record: ImageRecord, instance: Instance, masks: dict[str, np.ndarray], plan: PromptPlan) -> bytes:
    truth = instance.mask()
    prompts = _together([p for _, p in fixed_prompts(pieces(instance), plan)])
    top, bottom, left, right = crop_around(truth)
    window = np.s_[top:bottom, left:right]
    corner = np.array([left, top], dtype=np.float32)
    moved = Prompts(
        None if prompts.points is None else prompts.points - corner,
        prompts.labels,
        None if prompts.boxes is None else prompts.boxes - np.tile(corner, 2),
    )
    row = comparison(
        read_image(record.path)[window],
        truth[window],
        masks["base-single"][window],
        masks["adapted"][window],
        moved,
        ("truth", "base", "adapted"),
        panel=SHOWN,
    )
    return jpeg(row)


def _together(groups: Sequence[Prompts]) -> Prompts:
    """All clicks and boxes of the pieces, to be drawn."""
    clicks = [p for p in groups if p.points is not None]
    boxes = [p.boxes for p in groups if p.boxes is not None]
    return Prompts(
        np.concatenate([p.points for p in clicks if p.points is not None]) if clicks else None,
        np.concatenate([p.labels for p in clicks if p.labels is not None]) if clicks else None,
        np.concatenate(boxes) if boxes else None,
    )


def crop_around(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of a window around a mask with some surroundings."""
    height, width = mask.shape
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    spans = list(_window(ys, height, xs)) + list(_window(xs, width, ys))
    return spans[0], spans[1], spans[2], spans[3]


def _window(along: np.ndarray, size: int, across: np.ndarray) -> Iterator[int]:
    extent = max(along[-1] - along[0], across[-1] - across[0]) + 1
    half = max(LEAST, extent * (1 + 2 * MARGIN)) / 2
    middle = (along[0] + along[-1] + 1) / 2
    start = int(np.clip(middle - half, 0, max(0, size - 2 * half)))
    yield start
    yield int(min(size, start + 2 * half))


def jpeg(picture: np.ndarray) -> bytes:
    """A (H, W, 3) uint8 RGB picture as a JPEG file's bytes."""
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
