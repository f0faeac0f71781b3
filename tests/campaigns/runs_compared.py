"""Encoding and fitting on the small task of ``sound.run``, and what must be equal after an interruption."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

from tests.campaigns.mutations.tensors import header_of
from tests.campaigns.sound.run import sound
from tests.data.helpers import picture

__all__ = ["STEPS", "check_entries", "check_run", "encode", "fit", "reference"]

STEPS = 6
_IMAGES = 16


class Reference:
    """What an uninterrupted encoding and an uninterrupted fit wrote, and how many seconds they took."""

    def __init__(self) -> None:
        folder = sound().folder / "reference"
        self.seconds = {"encode": 0.0, "fit": 0.0}
        for number in range(_IMAGES):
            picture(sound().folder / "pictures" / f"{number}.png", 48, 40)
        for name, act in (("encode", encode), ("fit", fit)):
            act(folder / f"{name}-first")  # imports and first calls take longer
            began = time.monotonic()
            act(folder / name)
            self.seconds[name] = time.monotonic() - began
        self.entries = _entries(folder / "encode")
        self.run = _facts(folder / "fit" / "run")


@cache
def reference() -> Reference:
    """Return the results without an interruption."""
    return Reference()


def encode(folder: Path) -> None:
    """Encode the pictures into ``folder/cache``."""
    from samtailor.data import ImageRecord
    from samtailor.embeddings.cache import EmbeddingCache
    from samtailor.embeddings.encoding import encode_images

    records = [ImageRecord(path, 48, 40) for path in sorted((sound().folder / "pictures").iterdir())]
    encode_images(sound().base, records, EmbeddingCache(folder / "cache"))


def fit(folder: Path) -> None:
    """Start or continue a fit in ``folder/run`` with the cache ``folder/cache``."""
    from samtailor.embeddings.cache import EmbeddingCache
    from samtailor.fit import fit_task
    from samtailor.fitting.config import FitConfig

    config = FitConfig(steps=STEPS, batch=1, val_prompts=1, validations=3, min_area=1, seed=3)
    cache_ = EmbeddingCache(folder / "cache")
    fit_task(sound().task, sound().base, folder / "run", config, cache=cache_, resume=True)


def check_entries(folder: Path, whole: bool) -> None:
    """Check that every entry is that of the uninterrupted encoding; ``whole``: and that none is missing."""
    found, expected = _entries(folder), reference().entries
    different = [name for name, content in found.items() if expected.get(name) != content]
    assert not different, f"{len(different)} entries differ"
    assert not whole or found.keys() == expected.keys(), f"{len(found)} of {len(expected)} entries"


def check_run(folder: Path) -> None:
    """Check that a finished run has the parameters, the card and the log of the uninterrupted fit."""
    found, expected = _facts(folder / "run"), reference().run
    for name, value in expected.items():
        assert found[name] == value, f"{name} differs from the uninterrupted fit"


def _entries(folder: Path) -> dict[str, Any]:
    return {path.stem: header_of(path.read_bytes()) for path in (folder / "cache").rglob("*.safetensors")}


def _facts(run: Path) -> dict[str, Any]:
    card = json.loads((run / "adapter.json").read_text())
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {
        "adapter.safetensors": header_of((run / "adapter.safetensors").read_bytes()),
        "adapter.json": {key: value for key, value in card.items() if key not in ("seconds", "created")},
        "metrics.jsonl": [{key: value for key, value in row.items() if "seconds" not in key} for row in rows],
    }
