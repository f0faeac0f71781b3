"""What an adapter's card says about the scores of its masks, and whether the adapter leaves the base unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samtailor.bases.base import Base
from samtailor.errors import AdapterError

__all__ = ["corrections_in", "corrections_of", "leaves_base"]


def corrections_of(iou: list[float], estimates: list[float]) -> tuple[float, ...]:
    """Compute what to add to the model's own estimates, by mask token, from their means and the mean IoU on val."""
    return tuple(round(a - b, 6) for a, b in zip(iou, estimates, strict=True))


def corrections_in(card: Mapping[str, Any], base: Base, path: Path) -> tuple[float, ...]:
    """Read the corrections of a card; empty if it has none, as in cards of older versions.

    Raises:
        AdapterError: the card at ``path`` has something else there.
    """
    content = card.get("mask_scores")
    if content is None:
        return ()
    try:
        columns = [[float(value) for value in content[key]] for key in ("iou", "estimate")]
    except (KeyError, TypeError, ValueError):
        columns = []
    if [len(c) for c in columns] != [base.mask_tokens] * 2 or not all(math.isfinite(v) for c in columns for v in c):
        raise AdapterError(
            f"{path} has {str(content)[:200]!r} as mask_scores; expected iou and estimate, {base.mask_tokens} numbers "
            "each.",
            "Copy the run folder again.",
        )
    return corrections_of(*columns)


def leaves_base(card: Mapping[str, Any]) -> bool:
    """Say whether the fit ended without an adapter that beats the base."""
    validation = card.get("validation")
    return isinstance(validation, dict) and validation.get("beats_base") is False
