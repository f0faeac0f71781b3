"""Find the weights of a model in what a checkpoint holds: in tables of a training run, under prefixes of wrappers."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from samtailor.errors import BaseModelError

__all__ = ["unwrap"]

_PARTS = (
    "image_encoder", "prompt_encoder", "mask_decoder", "sam_prompt_encoder", "sam_mask_decoder", "vision_encoder",
    "memory_attention", "memory_encoder",
)  # fmt: skip
_PART = re.compile(rf"(?:^|(?<=\.))(?:{'|'.join(_PARTS)})\.")
_USUAL = ("model", "state_dict", "model_state_dict", "module", "net", "network", "weights", "params")
"""Names under which training scripts keep the model itself; others, such as ema, are second to them."""
_DEPTH = 3

_logger = logging.getLogger(__name__)


def unwrap(state: object, path: Path) -> dict[str, Tensor]:
    """Return the tensors of the model in a checkpoint, without prefixes such as ``module.`` and ``sam.``.

    Raises:
        BaseModelError: there are no tensors, those of an optimiser alone, or several models.
    """
    if not isinstance(state, Mapping):
        raise BaseModelError(
            f"The weight file {path} holds an object of type {type(state).__name__}; expected names with tensors.",
            "Save the model's state_dict(), or download the file again.",
        )
    tables = {place: _tensors(table) for place, table in _tables(state) if not _is_optimiser(table)}
    models = {place: table for place, table in tables.items() if any(_PART.search(name) for name in table)}
    if not models:
        models = {place: table for place, table in tables.items() if table}
    if not models:
        raise BaseModelError(*_nothing(state, path))
    return _without_prefix(models[_choose(models, path)], path)


_Table = Mapping[object, object]


def _tables(state: _Table, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], _Table]]:
    """Go through a table and the tables in it, the outer ones first; an optimiser's are left out."""
    yield place, state
    if len(place) < _DEPTH and not _is_optimiser(state):
        for name, value in state.items():
            if isinstance(value, Mapping):
                yield from _tables(value, (*place, str(name)))


def _tensors(table: Mapping[object, object]) -> dict[str, Tensor]:
    return {str(name): value for name, value in table.items() if isinstance(value, Tensor)}


def _is_optimiser(table: Mapping[object, object]) -> bool:
    return "param_groups" in table and "state" in table


def _choose(models: Mapping[tuple[str, ...], object], path: Path) -> tuple[str, ...]:
    """Return the place of the model to use."""
    outer = min(map(len, models))
    places = [place for place in models if len(place) == outer]
    usual = sorted((p for p in places if p and p[-1] in _USUAL), key=lambda p: _USUAL.index(p[-1]))
    if len(places) > 1 and not usual:
        names = ", ".join(repr(".".join(place)) for place in places)
        raise BaseModelError(
            f"The weight file {path} holds several models: {names}; expected one.",
            "Save the one to use alone, with torch.save or safetensors.torch.save_file.",
        )
    chosen = usual[0] if usual else places[0]
    if others := [".".join(place) for place in models if place != chosen]:
        _logger.warning(
            "The weight file %s holds several models; %r is used, not %s.", path, ".".join(chosen), ", ".join(others)
        )
    return chosen


def _without_prefix(tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    if any(name.startswith(("detector.", "tracker.")) for name in tensors):
        return tensors  # a published SAM 3, whose two halves have parts of the same names
    counts = Counter(name[: m.start()] for name in tensors if (m := _PART.search(name)))
    if not counts:
        return tensors
    (prefix, most), *others = counts.most_common()
    if others and others[0][1] == most:
        names = ", ".join(repr(name) for name, count in counts.items() if count == most)
        raise BaseModelError(
            f"The weight file {path} holds several models, under the prefixes {names}; expected one.",
            "Save the one to use alone, with torch.save or safetensors.torch.save_file.",
        )
    short = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return short if len(short) == len(tensors) else tensors


def _nothing(state: Mapping[object, object], path: Path) -> tuple[str, str]:
    names = list(map(str, state))
    entries = (", ".join(map(repr, names[:4])) + (", ..." if len(names) > 4 else "")) if names else "nothing"
    hint = "Give the file of the model's weights, such as the state_dict() of the model."
    if any(_is_optimiser(table) for _, table in _tables(state)):
        return f"The weight file {path} holds the state of an optimiser, but no weights of a model ({entries}).", hint
    return f"The weight file {path} holds no tensors; it holds {entries}. Expected names with tensors.", hint
