"""Pictures that compare base and adapted model on images of a task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from samtailor.adapters.answer import AdaptedModel
from samtailor.data.pixels.images import read_image
from samtailor.data.task import ImageRecord, Task
from samtailor.drawing.compare import comparison, contact_sheet
from samtailor.drawing.overlay import save_png
from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
from samtailor.metrics import count_pixels, iou, mean_over_instances

__all__ = ["compare_image", "draw_comparisons", "draw_sheet"]

SHEET_WIDTH = 1200  # pixels


def draw_comparisons(model: AdaptedModel, task: Task, out: Path, *, seed: int = 0, count: int = 8) -> list[Path]:
    """Draw the first ``count`` test images with instances: clicks and truth, the base's masks, the adapted masks.

    The prompts are those of ``evaluate_task`` with the same seed.
    """
    paths = []
    for record in [r for r in task.split("test") if r.promptable][:count]:
        path = out / f"{record.path.stem}.png"
        save_png(path, compare_image(model, record, seed))
        paths.append(path)
    return paths


def draw_sheet(paths: Sequence[Path], out: Path) -> None:
    """Stack several pictures of ``draw_comparisons``, scaled to one width, and save them as one."""
    rows = [ImageOps.scale(picture, SHEET_WIDTH / picture.width) for picture in map(Image.open, paths)]
    save_png(out, contact_sheet([np.asarray(row) for row in rows], gap=4))


def compare_image(model: AdaptedModel, record: ImageRecord, seed: int) -> np.ndarray:
    """Draw three captioned panels of one image, one click per instance; (rows, columns, 3) uint8 RGB."""
    truth = np.stack([i.mask() for i in record.promptable])
    (_, prompts), *_ = fixed_prompts(record.promptable, PromptPlan("click", seed))
    image = model.open(record)
    panels, captions = [], [f"{len(truth)} clicks" if len(truth) > 1 else "one click"]
    for name, shown in (("base", model.plain), ("adapted", model)):
        answers = shown.answer(image, prompts)
        masks = np.stack([answer.mask(row) for answer in answers for row in range(len(answer.iou))])
        score = mean_over_instances(iou(count_pixels(m, t)) for m, t in zip(masks, truth, strict=True))
        panels.append(masks)
        captions.append(f"{name}: IoU {score:.2f}")
    by_base, by_adapted = panels
    return comparison(read_image(record.path), truth, by_base, by_adapted, prompts, captions)
