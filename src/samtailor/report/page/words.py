"""What each row and figure means, in one sentence each."""

from __future__ import annotations

from collections.abc import Iterable

from samtailor.evaluation.results import EvaluationSummary

__all__ = ["METRICS", "ROW_MEANINGS", "SENSITIVITY", "instances_in", "listed"]

ROW_MEANINGS = {
    "base-single": "The one mask that the base gives for a prompt. The adapted model is compared with this.",
    "base-best": "Of the base's three masks, the one that the base itself rates highest.",
    "base-oracle": "Of those three, the one closest to the truth. An upper bound: it needs the answer.",
    "adapted": "The one mask that the base gives with the adapter.",
}

METRICS = {
    "iou": "IoU: the area that mask and truth share, divided by the area that either covers; 1 is perfect.",
    "miou": "mIoU: the mean over classes of each class's mean IoU; a rare class weighs as much as a frequent one.",
    "dice": "Dice: twice the shared area, divided by the sum of both areas; kinder than IoU, same order.",
    "boundary_iou": "Boundary IoU: IoU of the two bands along the outlines; a large mask cannot hide ragged edges.",
    "boundary_f1": "Boundary F1: how much of the two outlines lies within the given distance of the other.",
    "hd95": "HD95: 95 % of each outline lies closer to the other than this, in pixels; smaller is better.",
}

SENSITIVITY = {
    "mean": ("mean", "the mean IoU over instances and prompts of the group", True),
    "spread": (
        "spread",
        "the standard deviation of an instance's IoU over its prompts, averaged over instances",
        False,
    ),
    "worst": ("worst prompt", "the IoU of each instance under its worst prompt, averaged", True),
    "p10": ("10th percentile", "one prompt in ten scores below this", True),
    "unstable": (
        "unstable share",
        "the share of instances whose best and worst prompt lie more than 0.2 IoU apart",
        False,
    ),
}
"""Figure of ``GroupStability`` -> (heading, meaning, whether higher is better)."""


def instances_in(evaluation: EvaluationSummary, n: int) -> str:
    """``1,989 test instances``; with several prompts each: ``3,000 prompts on 1,000 test instances``."""
    each = evaluation.prompts.per_instance if evaluation.prompts else 1
    noun = f"{evaluation.split.strip()} instance".strip()
    if each <= 1:
        return f"{n:,} {noun}{'' if n == 1 else 's'}"
    instances = round(n / each)
    return f"{n:,} prompts on {instances:,} {noun}{'' if instances == 1 else 's'}"


def listed(names: Iterable[str], most: int = 6) -> str:
    """``a, b and c``; of many names, the first and how many more."""
    every = list(names)
    if len(every) > most:
        return f"{', '.join(every[:most])} and {len(every) - most:,} more"
    return " and ".join(every) if len(every) < 3 else f"{', '.join(every[:-1])} and {every[-1]}"
