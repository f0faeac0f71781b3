"""Splitting images into train, val and test where the user has not done so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from samtailor.data.task import SPLITS
from samtailor.errors import DataError

__all__ = ["SHARES", "refuse_misnamed_splits", "split_by_name"]

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}

_MISNAMED = {"valid": "val", "validation": "val", "dev": "val", "training": "train", "testing": "test"}


def split_by_name(names: Iterable[str], seed: int = 0) -> dict[str, str]:
    """Choose a split for each name from a hash of (seed, name): 70 % train, 10 % val, 20 % test.

    A name keeps its split when others are added or removed. Only where a split would stay empty does the name
    whose hash lies nearest to it move there: three names or more fill all splits, two fill train and val.

    Args:
        names: distinct names, e.g. file stems; their order does not matter.
        seed: another seed gives another split.

    Returns:
        name -> split.
    """
    places = {name: _place(name, seed) for name in sorted(names)}
    chosen = {name: _split_at(place) for name, place in places.items()}
    middle = _middles()
    for split in SPLITS[: len(places)]:
        if split in chosen.values():
            continue
        sizes = {other: list(chosen.values()).count(other) for other in SPLITS}
        spare = [name for name, other in chosen.items() if sizes[other] > 1 or other not in SPLITS[: len(places)]]
        moved = min(spare, key=lambda name: (abs(places[name] - middle[split]), name))
        chosen[moved] = split
    return chosen


def refuse_misnamed_splits(root: Path, suffix: str) -> None:
    """Refuse ``valid``, ``validation``, ... beside proper splits, which would be left out without a word.

    Raises:
        DataError: ``root`` holds such a file (``suffix`` ".json") or folder (``suffix`` "").
    """
    for wrong, right in _MISNAMED.items():
        found, wanted = root / f"{wrong}{suffix}", root / f"{right}{suffix}"
        if found.exists() and not wanted.exists():
            raise DataError(f"{found} is no split that is read; splits are {', '.join(SPLITS)}.", f"Name it {wanted}.")


def _place(name: str, seed: int) -> float:
    """A place in [0, 1) that depends on nothing but seed and name."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _split_at(place: float) -> str:
    end = 0.0
    for split, share in SHARES.items():
        end += share
        if place < end:
            return split
    return SPLITS[-1]


def _middles() -> dict[str, float]:
    middles, end = {}, 0.0
    for split, share in SHARES.items():
        middles[split] = end + share / 2
        end += share
    return middles
