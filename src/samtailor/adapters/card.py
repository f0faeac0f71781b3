"""The card of an adapter, ``adapter.json``: read with checked types, so that an edited or damaged card is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samtailor.adapters.methods import METHODS, check_options
from samtailor.adapters.unfinished import unfinished
from samtailor.errors import AdapterError
from samtailor.machine.fields import FieldError, Fields, parse_object

__all__ = ["CARD_FILE", "FORMAT", "check_config", "read_card"]

CARD_FILE = "adapter.json"
FORMAT = 2
"""Format 1 implies mask token 0. Adapters with token 0 are written in format 1, so that older versions read them."""

CARD_BYTES = 16_000_000
"""A card of a task with ten thousand classes has less than a tenth of this."""
LARGEST_SIZE = 1 << 14
"""Largest whole number in the config of a method. A damaged number must not claim the memory of the machine."""

AGAIN = "Copy the whole run folder again, or fit again."


def read_card(folder: Path) -> dict[str, Any]:
    """Read ``adapter.json``; all fields that the package uses have the right types.

    Raises:
        AdapterError: the file is missing, or is not the card of an adapter; the message names the field. If the folder
            holds an unfinished fit, the message says how to continue it.
    """
    path = folder / CARD_FILE
    try:
        if path.stat().st_size > CARD_BYTES or not path.is_file():
            raise FieldError(f"expected a file of at most {CARD_BYTES / 1e6:.0f} MB")
        card = parse_object(path.read_bytes())
        _check(Fields(card))
    except (FileNotFoundError, NotADirectoryError) as error:
        if found := unfinished(folder):
            raise AdapterError(*found) from error
        raise AdapterError(
            f"There is no adapter in {folder} (no adapter.json).", "Give the run folder that fit wrote."
        ) from error
    except (OSError, FieldError) as error:
        raise AdapterError(f"{path} is not the card of an adapter: {error}.", AGAIN) from error
    if card["format"] > FORMAT:
        raise AdapterError(
            f"{path} has format {card['format']}; this version reads up to {FORMAT}.", "Update samtailor."
        )
    if card["method"] not in METHODS:
        raise AdapterError(
            f"The adapter in {folder} has the unknown method {card['method']!r:.80}; known are {', '.join(METHODS)}.",
            "Update samtailor.",
        )
    return card


def _check(card: Fields) -> None:
    card.whole("format", 1)
    card.text("method")
    card.table("config")
    if type(card.values.get("mask_token", 0)) is not int:
        card.whole("mask_token")
    card.whole("parameters")
    base = card.inside("base")
    base.text("name")
    base.text("fingerprint")
    card.text("weights_digest")
    for section in ("task", "fit", "validation", "versions"):
        if card.values.get(section) is not None:
            card.table(section)
    if card.values.get("task"):
        task = card.inside("task")
        if task.values.get("only") is not None:
            task.text("only")
    if card.values.get("fit"):
        fit = card.inside("fit")
        fit.table("settings", {"": None})
        fit.text("ended", "-")


def check_config(card: dict[str, Any]) -> None:
    """Check the options of the adapter's method.

    Raises:
        FieldError: an option does not exist or is out of its range.
    """
    config = Fields(card["config"], "config")
    for name, value in config.values.items():
        if isinstance(value, int):
            config.whole(name, 0, LARGEST_SIZE)
        elif isinstance(value, float):
            config.number(name)
        else:
            config.text(name)
    try:
        check_options(card["method"], {name: value for name, value in config.values.items() if name != "width"})
    except AdapterError as error:
        raise FieldError(f"config: {error.what} {error.hint}".rstrip(".")) from error
