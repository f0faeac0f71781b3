"""Decide by content which layout a folder has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CERTAIN", "UNCLEAR", "Candidate", "Match", "chosen", "rank_layouts"]

PLAIN_SCORE = 0.8  # of a layout whose test says only yes or no
CERTAIN = 1.0
UNCLEAR = 0.2  # below, reading will fail, and says why


@dataclass(frozen=True)
class Match:
    """How well a folder fits one layout.

    Attributes:
        score: 0 if it does not fit, up to 1. With ``CERTAIN``, 1, no other layout is tried.
        reason: what was found; with score 0 what is missing, or empty if nothing looks like this layout.
    """

    score: float
    reason: str = ""


@dataclass(frozen=True)
class Candidate:
    """A layout that a folder may have.

    Attributes:
        format: name of the layout, one of ``FORMATS``.
        score: 0 if it does not fit, up to 1.
        reason: what was found or what is missing; may be empty.
    """

    format: str
    score: float
    reason: str


def rank_layouts(path: Path, tests: Mapping[str, Callable[[Path], bool | Match]]) -> list[Candidate]:
    """Judge a folder by the test of every layout.

    Args:
        path: the folder.
        tests: name of the layout -> test. Of equal scores the first in this order wins.

    Returns:
        One candidate per layout that was tried, best first.
    """
    ranked = []
    for name, test in tests.items():
        match = test(path)
        if isinstance(match, bool):
            match = Match(PLAIN_SCORE if match else 0.0)
        ranked.append(Candidate(name, match.score, match.reason))
        if match.score >= CERTAIN:
            break
    return sorted(ranked, key=lambda candidate: -candidate.score)


def chosen(ranked: list[Candidate]) -> Candidate | None:
    """Return the best candidate; None if no layout fits."""
    return ranked[0] if ranked and ranked[0].score > 0 else None
