"""Print which class each click selects: the class of the mask that overlaps most with the answer.

python tools/class_confusion.py DATA --adapter runs/a [--split test] [--images 40] [--base mobile-sam] [--device cpu]

Each instance gets the click of ``samtailor evaluate``. If the IoU with every instance of the image is below 0.25, the
answer counts as "nothing". "small" counts the answers with less than a tenth of the area of the clicked instance.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import load_adapter
from samtailor.bases.registry import load_base
from samtailor.data import load_task
from samtailor.data.task import ImageRecord
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
from samtailor.metrics import count_pixels, iou

LOWEST_IOU, SMALL_SHARE = 0.25, 0.1


def answers(model: AdaptedModel, record: ImageRecord) -> dict[int, np.ndarray]:
    """Click on each instance; return its position in ``record.promptable`` -> mask (H, W)."""
    image, masks = model.open(record), {}
    for rows, prompts in fixed_prompts(record.promptable, PromptPlan("click", 0)):
        for part in model.answer(image, prompts):
            masks |= {row: own[0] for row, own in zip(rows[part.rows], part.masks, strict=True)}
    return masks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--images", type=int, default=40, help="largest number of images, evenly spread over the split")
    parser.add_argument("--base", default="mobile-sam", help="the base that the adapter was fitted to")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cache", type=Path, default=None)
    args = parser.parse_args()
    base = load_base(args.base, torch.device(args.device))
    model = AdaptedModel.of(base, load_adapter(args.adapter, base), EmbeddingCache(args.cache))
    records = load_task(args.data).split(args.split)
    selected: dict[str, Counter[str]] = defaultdict(Counter)  # clicked class -> selected class -> clicks
    small: Counter[str] = Counter()
    for record in records[:: max(1, -(-len(records) // args.images))]:
        truths = [i.mask() for i in record.promptable]
        for row, mask in answers(model, record).items():
            overlaps = [iou(count_pixels(mask, truth)) for truth in truths]
            best = int(np.argmax(overlaps))
            clicked = record.promptable[row].label
            selected[clicked]["nothing" if overlaps[best] < LOWEST_IOU else record.promptable[best].label] += 1
            small[clicked] += int(mask.sum() < SMALL_SHARE * truths[row].sum())
    for clicked, counts in sorted(selected.items(), key=lambda pair: -pair[1].total()):
        others = ", ".join(f"{label} {n}" for label, n in counts.most_common() if label != clicked)
        print(f"{clicked}: {counts[clicked]} of {counts.total()}; small {small[clicked]}; {others}")


if __name__ == "__main__":
    main()
