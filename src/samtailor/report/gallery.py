"""Pictures of the best, median and worst instances, and of those that changed most."""

from __future__ import annotations

from collections.abc import Sequence
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
from samtailor.metrics.extent import mask_extent
from samtailor.prompts import Prompts
from samtailor.report.content import GalleryPicture

__all__ = ["choose", "crop_around", "draw_gallery", "jpeg"]

MARGIN = 0.75  # of the instance's larger side, around it
LEAST = 96  # pixels: smallest width and height of a crop, if the image is large enough
SHOWN = 320  # pixels: a panel's longer side


def choose(scores: Sequence[InstanceScore], count: int) -> dict[str, list[InstanceScore]]:
    """Choose ``count`` instances per group: best, median and worst by adapted IoU, the others by gain over base-single.

    Only the first prompt of an instance counts. Groups overlap if there are few instances.
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
    prompts = _joined([p for _, p in fixed_prompts(pieces(instance), plan)])
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


def _joined(groups: Sequence[Prompts]) -> Prompts:
    """Join the clicks and boxes of all pieces for drawing."""
    clicks = [p for p in groups if p.points is not None]
    boxes = [p.boxes for p in groups if p.boxes is not None]
    return Prompts(
        np.concatenate([p.points for p in clicks if p.points is not None]) if clicks else None,
        np.concatenate([p.labels for p in clicks if p.labels is not None]) if clicks else None,
        np.concatenate(boxes) if boxes else None,
    )


def crop_around(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return (top, bottom, left, right) of a window that holds a mask and some surroundings."""
    height, width = mask.shape
    box = mask_extent(mask)
    half = max(LEAST, max(box.width, box.height) * (1 + 2 * MARGIN)) / 2
    return *_window(box.top, box.bottom, half, height), *_window(box.left, box.right, half, width)


def _window(start: int, end: int, half: float, size: int) -> tuple[int, int]:
    """Return the first and last + 1 pixel of a window of ``2 half`` pixels around a span, inside 0 .. ``size``."""
    middle = (start + end) / 2
    first = int(np.clip(middle - half, 0, max(0, size - 2 * half)))
    return first, int(min(size, first + 2 * half))


def jpeg(picture: np.ndarray) -> bytes:
    """Encode a (H, W, 3) uint8 RGB picture as a JPEG file."""
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
