"""Click maps: the IoU for a click at each place of a grid, for base and adapted model."""

from __future__ import annotations

import numpy as np

from samtailor.adapters.answer import AdaptedModel
from samtailor.data.task import ImageRecord, Instance
from samtailor.evaluation.study_results import ClickMap
from samtailor.metrics import Patch, count_patches, iou
from samtailor.metrics.extent import mask_extent
from samtailor.prompts import Prompts

__all__ = ["click_map"]

MARGIN = 0.3  # of the object's box, on each side, to include clicks beside the object


def click_map(model: AdaptedModel, record: ImageRecord, instance: Instance, clicks_across: int = 16) -> ClickMap:
    """Compute the IoU of the single mask with ``instance`` for clicks on a grid around it, base and adapted.

    Args:
        model: a base with an adapter.
        record: the image.
        instance: of that image.
        clicks_across: clicks along the longer side of the grid; they are equally far apart, at least one pixel.
    """
    truth = instance.mask()
    true_patch = Patch.of(truth)
    box = mask_extent(truth)
    x0, x1 = max(0.0, box.left - MARGIN * box.width), min(record.width, box.right + MARGIN * box.width)
    y0, y1 = max(0.0, box.top - MARGIN * box.height), min(record.height, box.bottom + MARGIN * box.height)
    step = max(1.0, max(x1 - x0, y1 - y0) / clicks_across)
    across, down = max(1, int((x1 - x0) / step)), max(1, int((y1 - y0) / step))
    x = x0 + (np.arange(across) + 0.5) * (x1 - x0) / across
    y = y0 + (np.arange(down) + 0.5) * (y1 - y0) / down
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 1, 2).astype(np.float32)
    prompts = Prompts(points=points, labels=np.ones(points.shape[:2], dtype=np.int64))
    image = model.open(record)

    def scores(scored: AdaptedModel) -> tuple[tuple[float, ...], ...]:
        answers = scored.answer(image, prompts)
        patches = (answer.patch(row) for answer in answers for row in range(len(answer.iou)))
        ious = [iou(count_patches(patch, true_patch)) for patch in patches]
        return tuple(tuple(float(v) for v in row) for row in np.reshape(ious, (down, across)))

    inside = truth[points[:, 0, 1].astype(int), points[:, 0, 0].astype(int)].reshape(down, across)
    return ClickMap(
        image=record.path.name,
        instance=instance.id,
        label=instance.label,
        extent=(float(x0), float(y0), float(x1), float(y1)),
        x=tuple(x.tolist()),
        y=tuple(y.tolist()),
        base=scores(model.plain),
        adapted=scores(model),
        inside=tuple(tuple(row) for row in inside.tolist()),
    )
