"""The class names that an adapter reads as words: which were left out of its fit, and how they are spelt."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samtailor.errors import AdapterError
from samtailor.machine.text import did_you_mean, plain_name

if TYPE_CHECKING:
    from samtailor.adapters.contract import Adapter

__all__ = ["check_left_out", "exchanged", "left_out_names", "names_in", "words_card"]


def left_out_names(text: str) -> frozenset[str]:
    """Parse the option ``leave_out``: plain class names with commas between them."""
    return frozenset(filter(None, map(plain_name, (text, *text.split(",")))))


def check_left_out(text: str, names: Collection[str]) -> None:
    """Check that the option ``leave_out`` names classes, and leaves some.

    Raises:
        AdapterError: it names something else, or all classes.
    """
    known = {plain_name(name): name for name in names}
    parts = [text] if plain_name(text) in known else text.split(",") if text else []
    for part in parts:
        if plain_name(part) not in known:
            hint = f"Write names of classes, with commas between them.{did_you_mean(plain_name(part), known)}"
            raise AdapterError(f"leave_out names {part.strip()!r}, which no training instance has as its class.", hint)
    if names and not known.keys() - left_out_names(text):
        raise AdapterError(f"leave_out names all classes, {text!r}, so no word is left to learn.", "Name fewer.")


def exchanged(names: Sequence[str], seed: int) -> dict[str, str]:
    """Map each plain name to the spelling of another, by a seed; the same on every machine. 0 exchanges none."""
    plain = sorted({plain_name(name) for name in names})
    if not seed:
        return dict(zip(plain, plain, strict=True))
    order = sorted(plain, key=lambda name: hashlib.blake2b(f"{seed} {name}".encode()).digest())
    return dict(zip(order, [*order[1:], *order[:1]], strict=True))


def words_card(adapter: Adapter) -> dict[str, list[str]]:
    """Return what the card of an adapter that reads words says about them."""
    return {"names": list(adapter.names), "vocabulary": list(adapter.vocabulary)}


def names_in(card: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Read the class names of a card; empty if its method reads no words.

    Raises:
        AdapterError: the card at ``path`` has something else there.
    """
    content = card.get("words")
    if content is None:
        return ()
    names = content.get("names") if isinstance(content, Mapping) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AdapterError(
            f"{path} has {str(content)[:200]!r} as words; expected names, a list of texts.",
            "Copy the run folder again.",
        )
    return tuple(names)
