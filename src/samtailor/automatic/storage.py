"""Keep what finds instances beside an adapter: two files in the folder ``automatic`` of its run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from samtailor.adapters.answer import AdaptedModel
from samtailor.automatic.finder import Finder
from samtailor.automatic.head import ProposalHead
from samtailor.automatic.merge import MergeRules
from samtailor.automatic.quality import Quality
from samtailor.automatic.seeds import SeedRules
from samtailor.errors import AdapterError
from samtailor.machine.fields import FieldError, Fields, parse_object
from samtailor.machine.files import write_atomically, write_json
from samtailor.machine.tensors import TensorsError, check_tensors, read_tensors

__all__ = ["CARD", "WEIGHTS", "is_there", "load_finder", "save_finder"]

WEIGHTS, CARD = "proposals.safetensors", "automatic.json"
FORMAT = 1


def is_there(folder: Path) -> bool:
    """Whether the folder holds what ``save_finder`` writes."""
    return (folder / CARD).is_file()


def save_finder(folder: Path, finder: Finder, adapter_digest: str, facts: dict[str, Any]) -> None:
    """Write head, quality score and rules.

    Args:
        folder: to write into.
        finder: to keep.
        adapter_digest: ``weights_digest`` of the adapter's card: the head belongs to this adapter.
        facts: of the fit, added to the card.
    """
    tensors = {f"head.{name}": value for name, value in finder.head.state_dict().items()}
    if finder.quality is not None:
        tensors |= {f"quality.{name}": value for name, value in finder.quality.state_dict().items()}
    content = safetensors.torch.save({name: value.cpu().contiguous() for name, value in tensors.items()})
    card = {
        "format": FORMAT,
        "classes": list(finder.classes),
        "head": finder.head.config,
        "quality": finder.quality is not None,
        "seeds": asdict(finder.seeds),
        "merging": asdict(finder.merging),
        "base": finder.model.base.fingerprint,
        "adapter": adapter_digest,
        **facts,
    }
    write_atomically(folder / WEIGHTS, content)
    write_json(folder / CARD, card)


def load_finder(folder: Path, model: AdaptedModel, adapter_digest: str) -> Finder:
    """Load what ``save_finder`` wrote.

    Raises:
        AdapterError: nothing is there, a file is damaged, or it belongs to another base or adapter.
    """
    if not is_there(folder):
        raise AdapterError(
            f"{folder.parent} cannot find instances by itself yet.", f"Run: samtailor fit-automatic {folder.parent}"
        )
    try:
        card = Fields(parse_object((folder / CARD).read_bytes()))
        if card.whole("format") > FORMAT:
            raise FieldError("it is of a newer version of samtailor")
        for name, own in (("base", model.base.fingerprint), ("adapter", adapter_digest)):
            if card.text(name) != own:
                raise FieldError(f"it belongs to another {name}")
        head = ProposalHead(**card.table("head"))
        quality = Quality() if card.values.get("quality") is True else None
        seeds, merging = SeedRules(**card.table("seeds")), MergeRules(**card.table("merging"))
        tensors = read_tensors((folder / WEIGHTS).read_bytes())
        expected = {f"head.{name}": value for name, value in head.state_dict().items()}
        expected |= {} if quality is None else {f"quality.{name}": v for name, v in quality.state_dict().items()}
        check_tensors(tensors, expected)
        classes = card.values["classes"]
    except (OSError, FieldError, TensorsError, TypeError, KeyError) as error:
        raise AdapterError(
            f"The files in {folder} cannot be used: {error}.", f"Run: samtailor fit-automatic {folder.parent}"
        ) from error
    head.load_state_dict(_part(tensors, "head."))
    if quality is not None:
        quality.load_state_dict(_part(tensors, "quality."))
        quality.eval()
    head.eval().to(model.base.device)
    return Finder(model, head, tuple(map(str, classes)), quality, seeds, merging)


def _part(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
