"""Print what the Point Matching Module brings when it also refines masks at inference.

python tools/pmm_at_inference.py DATA --out runs/pmm [--steps 1000] [--instances 600]

Fits plm+pmm with the repaired term, or continues the fit in --out, and answers one click per test instance. Rows:

* plain: the mask of the model.
* outline: the outer contour of its largest piece, as a polygon of the module's points; what a polygon loses.
* moved: the same polygon with each point moved by the module.
* corrected: the plain mask, with the pixels added and removed between the two polygons.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from pycocotools import mask as coco

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.pmm.adapter import PlmPMM
from samtailor.adapters.pmm.contours import contour
from samtailor.adapters.pmm.features import features_at
from samtailor.bases.registry import load_base
from samtailor.data import load_task
from samtailor.data.task import ImageRecord
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.evaluation.choose import drawn_part
from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
from samtailor.fit import fit_task
from samtailor.fitting.config import FitConfig
from samtailor.frames import Frame
from samtailor.metrics.bootstrap import Estimate, Resampler
from samtailor.metrics.boundary import boundary_of
from samtailor.metrics.scores import score_mask

ROWS = ("plain", "outline", "moved", "corrected")
OPTIONS = {
    "pmm_weight": 0.5,
    "pmm_match": "chamfer",
    "pmm_least_iou": 0.5,
    "pmm_largest_offset": 8.0,
    "pmm_clip_apart": 1,
}
CHUNK = 4


def filled(points: torch.Tensor, frame: Frame) -> np.ndarray:
    """Fill a closed contour (P, 2) of the low-res frame: (H, W) bool, image frame."""
    corners = frame.low_res_to_image(points).double().flatten().tolist()
    return np.asarray(coco.decode(coco.frPyObjects([corners], frame.height, frame.width)[0])).astype(bool)


@torch.inference_mode()
def masks(model: AdaptedModel, record: ImageRecord) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield the position of each instance and its masks by row; the model's own mask if it has no contour."""
    adapter, image = model.require_adapter(), model.open(record)
    assert isinstance(adapter, PlmPMM)
    valid = image.frame.valid_low_res()
    for rows, prompts in fixed_prompts(record.promptable, PromptPlan()):
        for start in range(0, len(prompts), CHUNK):
            decoded = model.decode(image, prompts[start : start + CHUNK])
            lines = [contour(mask.numpy(), adapter.points) for mask in (decoded.logits[0, :, 0] > 0) & valid]
            points = torch.stack([torch.zeros(adapter.points, 2) if p is None else torch.from_numpy(p) for p in lines])
            features = features_at(decoded, points, decoded.logits.shape[-1], adapter.stage)
            moved = points + adapter._limited(adapter.pmm(features).float())
            whole = image.frame.logits_to_image(decoded.logits[0, :, :1].float())[:, 0] > 0
            for k, line in enumerate(lines):
                plain = whole[k].numpy()
                made = dict.fromkeys(ROWS, plain)
                if line is not None:
                    before, after = filled(points[k], image.frame), filled(moved[k], image.frame)
                    corrected = (plain | (after & ~before)) & ~(before & ~after)
                    made = {"plain": plain, "outline": before, "moved": after, "corrected": corrected}
                yield rows[start + k], made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--instances", type=int, default=600)
    parser.add_argument("--base", default="mobile-sam")
    args = parser.parse_args()
    task, base, cache = load_task(args.data), load_base(args.base), EmbeddingCache()
    config = FitConfig(method="plm+pmm", steps=args.steps, validations=10, method_options=OPTIONS)
    result = fit_task(task, base, args.out, config, cache=cache, resume=True)
    model = AdaptedModel.of(base, result.adapter, cache)
    images, labels = [], []
    ious: dict[str, list[float]] = {row: [] for row in ROWS}
    f1s: dict[str, list[float]] = {row: [] for row in ROWS}
    for record in drawn_part(task, "test", args.instances, 0).split("test"):
        for position, made in masks(model, record):
            instance = record.promptable[position]
            truth = instance.mask()
            images.append(record.path.name)
            labels.append(instance.label)
            for row in ROWS:
                scores = score_mask(made[row], truth, boundary_of(truth))
                ious[row].append(scores.iou)
                f1s[row].append(scores.boundary_f1[-1])
    resampler = Resampler(images)
    print(f"{task.name}, test, {len(images)} instances, one click; step {result.best_step} of {args.steps}")
    print("| mask | mIoU | minus plain | boundary F1, 3 px | minus plain |")
    print("|---|---|---|---|---|")
    for row in ROWS:
        cells = []
        for scores in (ious, f1s):
            own, plain = (resampler.mean_over_classes(scores[name], labels) for name in (row, "plain"))
            gain = Estimate.of(own - plain)
            cells += [f"{own[0]:.3f}", f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"]
        print(f"| {row} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
