"""The fixed set of prompts that the sensitivity study sends for each instance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samtailor.data.task import Instance
from samtailor.prompts import (
    Prompts,
    deepest_pixel,
    simulate_background_click,
    simulate_boundary_click,
    simulate_box,
    simulate_click,
)

__all__ = ["GROUPS", "VARIANTS", "variant_prompts"]

BOX_JITTERS = {"box": 0.0, "box 5 %": 0.05, "box 10 %": 0.1, "box 20 %": 0.2}
CLICKS = {"centre click": 1, "random click": 3, "boundary click": 2}
PAIRS = ("two clicks", "click + background")
VARIANTS = (*CLICKS, *BOX_JITTERS, *PAIRS)
"""Names of the prompts, in the order of reports. There are three random clicks and two boundary clicks."""

GROUPS = {"one click": tuple(CLICKS), "box": tuple(BOX_JITTERS), "several clicks": PAIRS, "all": VARIANTS}
"""Group -> its prompts. Spread is measured among the prompts of one group."""

_Named = list[tuple[int, str]]


def variant_prompts(instances: Sequence[Instance], seed: int) -> list[tuple[_Named, Prompts]]:
    """Simulate all prompts of all instances of an image, in three sets: clicks, boxes, pairs of points.

    The prompts are a function of (seed, instance id).

    Returns:
        ((position in ``instances``, name) for each prompt, the prompts).
    """
    clicks: list[tuple[int, str, np.ndarray]] = []
    boxes: list[tuple[int, str, np.ndarray]] = []
    pairs: list[tuple[int, str, np.ndarray, tuple[int, int]]] = []
    for row, instance in enumerate(instances):
        rng, mask = np.random.default_rng([seed, abs(instance.id), 77]), instance.mask()
        clicks.append((row, "centre click", deepest_pixel(mask)[0]))
        clicks += [(row, "random click", simulate_click(mask, rng)) for _ in range(CLICKS["random click"])]
        clicks += [(row, "boundary click", simulate_boundary_click(mask, rng)) for _ in range(CLICKS["boundary click"])]
        boxes += [(row, name, simulate_box(mask, rng, jitter)) for name, jitter in BOX_JITTERS.items()]
        pairs.append((row, "two clicks", np.stack([simulate_click(mask, rng) for _ in range(2)]), (1, 1)))
        click, background = simulate_click(mask, rng), simulate_background_click(mask, rng)
        labels = (1, 0) if background is not None else (1, 1)  # a mask that fills the image has no background
        second = click if background is None else background
        pairs.append((row, "click + background", np.stack([click, second]), labels))
    one = np.ones((len(clicks), 1), dtype=np.int64)
    return [
        ([c[:2] for c in clicks], Prompts(points=np.stack([c[2] for c in clicks])[:, None], labels=one)),
        ([b[:2] for b in boxes], Prompts(boxes=np.stack([b[2] for b in boxes]))),
        (
            [p[:2] for p in pairs],
            Prompts(points=np.stack([p[2] for p in pairs]), labels=np.array([p[3] for p in pairs], dtype=np.int64)),
        ),
    ]
