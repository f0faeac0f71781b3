"""The package's own files, damaged or replaced: adapters, states of fits, embeddings, and weights of bases."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from tests.campaigns.campaign import Campaign
from tests.campaigns.mutations.raw import change_bytes
from tests.campaigns.mutations.tensors import change_safetensors, change_tensors, header_of, join
from tests.campaigns.mutations.texts import change_text
from tests.campaigns.sound.run import sound
from tests.campaigns.sound.tasks import write_files

__all__ = ["OWN_FILES"]


def _adapter_card(rng: Random, folder: Path) -> str:
    files = dict(sound().run)
    card = files["adapter.json"]
    is_json = rng.random() < 0.8
    files["adapter.json"] = change_text(".json", card, rng) if is_json else change_bytes(card, rng, 2)
    return _load_adapter(files, folder, as_saved=True)


def _adapter_weights(rng: Random, folder: Path) -> str:
    files = dict(sound().run)
    files["adapter.safetensors"] = change_safetensors(files["adapter.safetensors"], rng)
    knows = rng.random() < 0.6  # the card says the digest of the damaged file
    if knows:
        card = json.loads(files["adapter.json"])
        card["weights_digest"] = hashlib.blake2b(files["adapter.safetensors"], digest_size=16).hexdigest()
        files["adapter.json"] = json.dumps(card).encode()
    return _load_adapter(files, folder, as_saved=not knows)


def _load_adapter(files: dict[str, bytes], folder: Path, as_saved: bool) -> str:
    """Load an adapter and use it; ``as_saved``: its parameters must be those of the sound run."""
    import torch

    from samtailor.adapters.io import load_adapter
    from samtailor.predict import Predictor

    write_files(folder / "run", files)
    adapter = load_adapter(folder / "run", sound().base)
    values = adapter.kept_parameters()
    assert all(torch.isfinite(value.float()).all() for value in values.values()), "not finite"
    if as_saved:
        write_files(folder / "sound", sound().run)
        saved = load_adapter(folder / "sound", sound().base).kept_parameters()
        assert saved.keys() == values.keys() and all(torch.equal(saved[k], v) for k, v in values.items()), (
            "other values"
        )
    predictor = Predictor(sound().base, adapter, _cache(folder))
    predictor.set_image(sound().task.images[0].path)
    return str(predictor.predict(points=[[4, 2]]).masks.shape)


def _state(rng: Random, folder: Path) -> str:
    """Damage the state; read it, and in one of eight cases go on with the fit."""
    import torch

    from samtailor.adapters.io import build_adapter
    from samtailor.fit import fit_task
    from samtailor.fitting.state import load_state
    from samtailor.runs import Run

    files = dict(sound().run)
    sound_state = files["state.safetensors"]
    files["state.safetensors"] = change_safetensors(sound_state, rng)
    write_files(folder / "run", files)
    if rng.random() < 0.125:
        result = fit_task(
            sound().task, sound().base, folder / "run", sound().settings, cache=_cache(folder), resume=True
        )
        return f"{result.steps} steps"
    adapter = build_adapter(sound().settings.method, sound().base)
    adapter.use_token(json.loads(files["adapter.json"]).get("mask_token", 0))
    state = load_state(Run(folder / "run"), adapter, torch.optim.AdamW(adapter.owned_parameters().values()))
    same = header_of(files["state.safetensors"]) == header_of(sound_state)
    assert state is None or same, "a damaged state was accepted"
    return "unchanged"


def _entry(rng: Random, folder: Path) -> str:
    """Damage an entry, or write one with a right checksum and wrong tensors; then predict with it."""
    from samtailor.embeddings import entry
    from samtailor.predict import Predictor

    cache = _cache(folder)
    path = rng.choice(sorted(cache.root.rglob("*.safetensors")))
    content = path.read_bytes()
    fingerprint, key = sound().base.fingerprint, path.stem
    if rng.random() < 0.5:
        path.write_bytes(change_safetensors(content, rng))
    else:
        tensors = change_tensors(entry.unpack(content, fingerprint, key), rng)
        with suppress(RuntimeError, ValueError, TypeError):  # some types have no checksum
            path.write_bytes(entry.pack(fingerprint, key, tensors, (12, 8)))
    predictor = Predictor(sound().base, None, cache)
    for record in sound().task.images:
        predictor.set_image(record.path)
        prediction = predictor.predict(points=[[4, 2]])
        assert (prediction.iou == prediction.iou).all(), "the answer is not a number"
    return "answered"


def _base(rng: Random, folder: Path) -> str:
    """Damage the config or the weights of a base that transformers saved."""
    from samtailor.bases.registry import load_base

    target = folder / "base"
    shutil.copytree(sound().folder / "base", target)
    config, weights = target / "config.json", target / "model.safetensors"
    if rng.random() < 0.6:
        content = config.read_bytes()
        config.write_bytes(change_text(".json", content, rng) if rng.random() < 0.8 else change_bytes(content, rng, 2))
    else:
        weights.write_bytes(change_safetensors(weights.read_bytes(), rng))
    return load_base(str(target)).name


class _Touch:
    """A pickle that writes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def _weights(rng: Random, folder: Path) -> str:
    """Give something else than MobileSAM's weights as a file of weights."""
    import io

    import safetensors.torch
    import torch

    from samtailor.bases.registry import load_base

    canary = folder / "canary"
    plain, saved = safetensors.torch.load_file(sound().folder / "base" / "model.safetensors"), io.BytesIO()
    torch.save(plain, saved)
    with_code = io.BytesIO()
    torch.save({"model": _Touch(canary), **plain}, with_code)
    contents: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b"<!DOCTYPE html><html><title>404</title></html>",
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        lambda: pickle.dumps(_Touch(canary)),
        with_code.getvalue,
        lambda: saved.getvalue()[: rng.randrange(1, 5000)],
        lambda: change_bytes(saved.getvalue(), rng, 3),
        lambda: change_safetensors(safetensors.torch.save(plain), rng),
        lambda: join(header_of(safetensors.torch.save(plain))[0], b""),
        lambda: (2**63).to_bytes(8, "little") + b"{}",
        lambda: pickle.dumps({"x": [1, 2]}, protocol=rng.choice([0, 2, 4, 5])),
        lambda: b"\x80\x02}q\x00.",
        lambda: rng.randbytes(300),
    ]
    path = folder / f"weights{rng.choice(['.pt', '.pth', '.bin', '.safetensors', ''])}"
    path.write_bytes(rng.choice(contents)())
    try:
        return load_base(f"mobile-sam:{path}").name
    finally:
        assert not canary.exists(), "code of a checkpoint was run"


def _cache(folder: Path) -> Any:
    from samtailor.embeddings.cache import EmbeddingCache

    shutil.copytree(sound().embeddings, folder / "cache")
    return EmbeddingCache(folder / "cache")


_FILES = {
    "adapter.json": _adapter_card,
    "adapter.safetensors": _adapter_weights,
    "state": _state,
    "cache entry": _entry,
    "base folder": _base,
    "weights": _weights,
}


def _prepare() -> None:
    sound()


OWN_FILES = Campaign(
    "own-files",
    tuple(_FILES),
    lambda group, rng, folder: _FILES[group](rng, folder),
    _prepare,
    limit_address_space=False,
)
