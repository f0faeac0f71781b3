"""Split images into train, val and test if the files do not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from samtailor.data.defaults import SHARES
from samtailor.data.sources import source_name
from samtailor.data.task import SPLITS

__all__ = ["seeded_digest", "split_by_name", "split_items", "split_note"]


_Item = TypeVar("_Item")


def split_by_name(names: Iterable[str], seed: int = 0) -> dict[str, str]:
    """Choose a split for each name from a hash of (seed, name), in the shares ``SHARES``.

    A name keeps its split when other names are added or removed. There is one exception: if a split would be empty,
    the name with the nearest hash moves there. So three or more names fill all splits, and two fill train and val.

    Args:
        names: distinct names, such as file stems. Their order does not matter.
        seed: a different seed gives a different split.

    Returns:
        name -> split.
    """
    positions = {name: _position(name, seed) for name in sorted(names)}
    splits = {name: _split_at(position) for name, position in positions.items()}
    middles = _middles()
    required = SPLITS[: len(positions)]
    for empty in required:
        if empty in splits.values():
            continue
        sizes = {split: list(splits.values()).count(split) for split in SPLITS}
        movable = [name for name, split in splits.items() if sizes[split] > 1 or split not in required]
        nearest = min(movable, key=lambda name: (abs(positions[name] - middles[empty]), name))
        splits[nearest] = empty
    return splits


def split_items(items: Sequence[_Item], name_of: Callable[[_Item], str], seed: int = 0) -> dict[str, list[_Item]]:
    """Split items by their names, as ``split_by_name`` does. Augmented copies of one picture get one split.

    Returns:
        split -> its items, in their order. Every split is present.
    """
    names = [source_name(name_of(item)) for item in items]  # copies of one picture stay in one split
    splits = split_by_name(names, seed)
    return {split: [item for item, name in zip(items, names, strict=True) if splits[name] == split] for split in SPLITS}


def split_note(by: str, seed: int) -> str:
    """Return the words in ``Task.format`` for a split that samtailor made.

    Args:
        by: what the split depends on, such as "file name".
        seed: the seed of the split.
    """
    shares = "/".join(str(round(100 * share)) for share in SHARES.values())
    return f"split {shares} by {by} (seed {seed})"


def seeded_digest(seed: int, name: str) -> bytes:
    """Return 8 bytes that depend only on the seed and the name."""
    return hashlib.blake2b(f"{seed}:{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _position(name: str, seed: int) -> float:
    """Map a name to a number in [0, 1)."""
    return int.from_bytes(seeded_digest(seed, name), "big") / 2**64


def _split_at(position: float) -> str:
    end = 0.0
    for split, share in SHARES.items():
        end += share
        if position < end:
            return split
    return SPLITS[-1]


def _middles() -> dict[str, float]:
    """Middle of each split's range in [0, 1)."""
    middles, end = {}, 0.0
    for split, share in SHARES.items():
        middles[split] = end + share / 2
        end += share
    return middles
