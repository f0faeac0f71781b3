"""Print how near the gradient of sampled cells is to the gradient of all cells, class by class.

python tools/cell_gradients.py DATA --adapter runs/a [--split train] [--images 20] [--per-class 5]

A row has the mean cosine between two gradients of one prompt's loss with respect to the adapter's parameters: with a
quarter of the cells and with all of them. There is a column for each ``cell_choice`` of a fit.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import load_adapter
from samtailor.bases.registry import load_base
from samtailor.data import load_task
from samtailor.data.task import ImageRecord
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.fitting.batches import Draw, Sampler
from samtailor.fitting.config import CellChoice, FitConfig
from samtailor.fitting.gradients import add_gradients

CHOICES: tuple[CellChoice, ...] = ("boundary", "errors")


def draws(images: list[ImageRecord], seed: int) -> Iterator[Draw]:
    """Yield single instances with a click each, image by image."""
    sampler = Sampler(images, FitConfig(steps=1, batch=5, seed=seed))
    for step in range(2 * len(sampler.images)):
        for draw in sampler.batch(step):
            for row, instance in enumerate(draw.instances):
                yield Draw(draw.image, (instance,), draw.prompts[row : row + 1], draw.seed)


def gradient(model: AdaptedModel, draw: Draw, config: FitConfig) -> Tensor:
    """Compute the gradient of the loss of a draw, as one vector."""
    parameters = model.require_adapter().owned_parameters().values()
    for parameter in parameters:
        parameter.grad = None
    add_gradients(model, [draw], config, progress=0.0)
    return torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--split", default="train")
    parser.add_argument("--images", type=int, default=20, help="largest number of images, evenly spread over the split")
    parser.add_argument("--per-class", type=int, default=5, help="largest number of prompts of a class")
    parser.add_argument("--base", default="mobile-sam", help="the base that the adapter was fitted to")
    parser.add_argument("--cache", type=Path, default=None)
    args = parser.parse_args()
    base = load_base(args.base)
    model = AdaptedModel.of(base, load_adapter(args.adapter, base), EmbeddingCache(args.cache))
    records = load_task(args.data).split(args.split)
    cosines: dict[str, list[list[float]]] = defaultdict(list)
    for draw in draws(list(records[:: max(1, -(-len(records) // args.images))]), 0):
        label = draw.instances[0].label
        if len(cosines[label]) < args.per_class:
            whole = gradient(model, draw, FitConfig(steps=1, cells=1.0, precision="float32"))
            sampled = [gradient(model, draw, FitConfig(steps=1, cell_choice=c, precision="float32")) for c in CHOICES]
            cosines[label].append([float(F.cosine_similarity(g, whole, dim=0)) for g in sampled])
    print(f"| class | prompts | {' | '.join(CHOICES)} |")
    print("|---|---|---|---|")
    for label, values in sorted(cosines.items()):
        means = torch.tensor(values).mean(0).tolist()
        print(f"| {label} | {len(values)} | {' | '.join(f'{m:.2f}' for m in means)} |")
    every = torch.tensor([value for values in cosines.values() for value in values]).mean(0).tolist()
    print(f"| all | {sum(map(len, cosines.values()))} | {' | '.join(f'{m:.2f}' for m in every)} |")


if __name__ == "__main__":
    main()
