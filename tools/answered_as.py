"""As which class is a click on each class answered? The mask with which the answer overlaps most says it.

python tools/answered_as.py DATA --adapter runs/a [--split test] [--images 40] [--base mobile-sam] [--device cpu]

One click for each instance, as ``samtailor evaluate`` clicks. An answer that overlaps with every instance of the image
by less than an IoU of 0.25 is "nothing"; "small" counts answers of less than a tenth of the asked mask's area.
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

LEAST, SMALL = 0.25, 0.1


def answers(model: AdaptedModel, record: ImageRecord) -> dict[int, np.ndarray]:
    """Click on each instance; position of the instance -> mask (H, W)."""
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
    parser.add_argument("--images", type=int, default=40, help="at most so many, evenly spread")
    parser.add_argument("--base", default="mobile-sam", help="the one the adapter was fitted to")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cache", type=Path, default=None)
    given = parser.parse_args()
    base = load_base(given.base, torch.device(given.device))
    model = AdaptedModel.of(base, load_adapter(given.adapter, base), EmbeddingCache(given.cache))
    records = load_task(given.data).split(given.split)
    as_what: dict[str, Counter[str]] = defaultdict(Counter)
    small: Counter[str] = Counter()
    for record in records[:: max(1, -(-len(records) // given.images))]:
        truths = [i.mask() for i in record.promptable]
        for row, mask in answers(model, record).items():
            overlaps = [iou(count_pixels(mask, truth)) for truth in truths]
            best = int(np.argmax(overlaps))
            asked = record.promptable[row].label
            as_what[asked]["nothing" if overlaps[best] < LEAST else record.promptable[best].label] += 1
            small[asked] += int(mask.sum() < SMALL * truths[row].sum())
    for asked, counts in sorted(as_what.items(), key=lambda pair: -pair[1].total()):
        others = ", ".join(f"{label} {n}" for label, n in counts.most_common() if label != asked)
        print(f"{asked}: {counts[asked]} of {counts.total()}; small {small[asked]}; {others}")


if __name__ == "__main__":
    main()
