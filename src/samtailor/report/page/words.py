"""What each row and figure means, in one sentence each."""

from __future__ import annotations

from collections.abc import Iterable

from samtailor.evaluation.results import EvaluationSummary

__all__ = ["METRICS", "ROW_MEANINGS", "SENSITIVITY", "instances_in", "listed"]

ROW_MEANINGS = {
    "base-single": "The single mask that the base returns for a prompt. The adapted model is compared with this row.",
    "base-best": "Of the three alternative masks of the base, the one that the base itself rates highest.",
    "base-oracle": "Of the same three masks, the one closest to the truth. An upper bound, because it uses the truth.",
    "adapted": "The single mask that the base returns with the adapter.",
    "adapted-best": "Of several masks with the adapter, the one with the highest score; it should be the adapted mask.",
}

METRICS = {
    "iou": "IoU: the area shared by mask and truth, divided by the area of their union; 1 is perfect.",
    "miou": "mIoU: the mean over classes of each class's mean IoU; rare and frequent classes have the same weight.",
    "dice": "Dice: twice the shared area, divided by the sum of both areas; never below IoU, with the same ranking.",
    "boundary_iou": "Boundary IoU: IoU of the two bands along the outlines; it also shows ragged edges of large masks.",
    "boundary_f1": "Boundary F1: how much of each outline is within the given distance of the other outline.",
    "hd95": "HD95: 95 % of each outline is closer to the other outline than this distance in pixels; lower is better.",
}

SENSITIVITY = {
    "mean": ("mean", "mean IoU over all instances and prompts of the group", True),
    "spread": (
        "spread",
        "standard deviation of the IoU between the prompts of one instance, averaged over instances",
        False,
    ),
    "worst": ("worst prompt", "lowest IoU of each instance over its prompts, averaged over instances", True),
    "p10": ("10th percentile", "one prompt in ten has an IoU below this value", True),
    "unstable": (
        "unstable share",
        "share of instances whose best and worst prompts differ by more than 0.2 IoU",
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
