"""Draw one session of corrective clicks: a row for the base, a row for an adapted model.

python tools/session_picture.py DATA --adapter RUN --out session.png [--instance 3] [--clicks 5] [--with-mask]

Each panel shows the mask after one more click, the outline of the truth, and the clicks so far. The instance is chosen
among 100 drawn ones: the one whose gain is nearest to the median gain, so that the picture is typical; --instance K
takes the K-th one by gain.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import load_adapter
from samtailor.bases.registry import load_base
from samtailor.data import load_task
from samtailor.data.pixels.images import read_image
from samtailor.data.task import ImageRecord, Instance
from samtailor.drawing.compare import captioned, contact_sheet
from samtailor.drawing.overlay import draw_overlay, save_png
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.evaluation.choose import some_instances
from samtailor.metrics import count_pixels, iou
from samtailor.metrics.extent import mask_extent
from samtailor.prompts import Prompts, deepest_pixel, next_click

PANEL = 240


def session(
    model: AdaptedModel, record: ImageRecord, instance: Instance, clicks: int, with_mask: bool
) -> list[tuple[np.ndarray, Prompts, float]]:
    """Play a session: mask, prompt and IoU after each click; it ends early if the mask is right."""
    image, truth = model.open(record), instance.mask()
    point = deepest_pixel(truth)[0]
    prompts = Prompts(points=point[None, None], labels=np.ones((1, 1), dtype=np.int64))
    steps = []
    for _ in range(clicks):
        (answer,) = model.answer(image, prompts)
        mask = answer.mask(0)
        steps.append((mask, prompts, iou(count_pixels(mask, truth))))
        click = next_click(mask, truth)
        if click is None:
            break
        prompts = prompts.with_click(click[0][None], np.array([click[1]]), answer.logits[:, 0] if with_mask else None)
    return steps


def panels(
    name: str, picture: np.ndarray, truth: np.ndarray, steps: list[tuple[np.ndarray, Prompts, float]]
) -> list[np.ndarray]:
    """Draw the surroundings of the object after each click."""
    extent = mask_extent(truth)
    margin = max(extent.width, extent.height, 24)
    rows = slice(max(0, extent.top - margin), extent.bottom + margin)
    columns = slice(max(0, extent.left - margin), extent.right + margin)
    cut = picture[rows, columns]
    factor = max(1, PANEL // max(cut.shape[:2]))
    large = np.kron(cut, np.ones((factor, factor, 1), dtype=np.uint8))
    drawn = []
    for number, (mask, prompts, score) in enumerate(steps, 1):
        assert prompts.points is not None and prompts.labels is not None
        masks = [np.kron(m[rows, columns], np.ones((factor, factor), dtype=bool)) for m in (mask, truth)]
        points = (prompts.points[0] - (columns.start, rows.start)) * factor
        overlay = draw_overlay(large, masks[0], points=points, labels=prompts.labels[0], truth=masks[1])
        drawn.append(captioned(overlay, f"{name}, {number}: IoU {score:.2f}"))
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--instance", type=int, default=None)
    parser.add_argument("--clicks", type=int, default=5)
    parser.add_argument("--with-mask", action="store_true")
    parser.add_argument("--base", default="mobile-sam")
    args = parser.parse_args()
    base = load_base(args.base)
    adapted = AdaptedModel.of(base, load_adapter(args.adapter, base), EmbeddingCache())
    played = []
    for record in some_instances(load_task(args.data).split("test"), 100, 0, whole=True):
        for instance in record.promptable:
            both = [session(m, record, instance, args.clicks, args.with_mask) for m in (adapted.plain, adapted)]
            gain = float(np.mean([s[2] for s in both[1]]) - np.mean([s[2] for s in both[0]]))
            played.append((gain, len(played), record, instance, both))
    played.sort(key=lambda entry: entry[:2])
    place = len(played) // 2 if args.instance is None else args.instance
    gain, _, record, instance, both = played[place]
    picture, truth = read_image(record.path), instance.mask()
    rows = [panels(name, picture, truth, steps) for name, steps in zip(("base", "adapted"), both, strict=True)]
    columns = max(map(len, rows))
    blank = np.full((8, 8, 3), 255, dtype=np.uint8)
    padded = [panel for row in rows for panel in [*row, *[blank] * (columns - len(row))]]
    save_png(args.out, contact_sheet(padded, columns, gap=10))
    print(f"{record.path.name}, instance {instance.id}: {place + 1} of {len(played)} by gain, {gain:+.3f}")


if __name__ == "__main__":
    main()
