"""Which of the decoder's mask tokens an adapter answers with: chosen by validation, kept, read again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from samtailor.adapters.answer import decode_prompts
from samtailor.adapters.decoder import DecoderTuning
from samtailor.adapters.io import build_adapter, load_adapter, read_card, save_adapter
from samtailor.adapters.strength import Scaled
from samtailor.bases.base import Base
from samtailor.cache import EmbeddingCache
from samtailor.data.task import Task
from samtailor.embedder import Embedder
from samtailor.errors import AdapterError, FitError
from samtailor.fit import fit_task
from samtailor.fitting.batches import validation_draws
from samtailor.fitting.config import FitConfig
from samtailor.fitting.state import read_state
from samtailor.fitting.validate import token_scores, validate
from samtailor.frames import Frame
from samtailor.prompts import Prompts

SHORT = FitConfig(epochs=2, precision="float32", batch=4, lr=1e-3, val_prompts=8, validations=2)


def _ask(base: Base, adapter: object, masks: object = "single") -> torch.Tensor:
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    prompts = Prompts(points=np.array([[[5.5, 7.5]], [[30.5, 40.5]]], np.float32), labels=np.ones((2, 1), np.int64))
    frame = Frame(64, 48, base.input_size)
    with torch.no_grad():
        return decode_prompts(base, adapter, base.encode([image]), prompts, frame, masks).logits  # type: ignore[arg-type]


@pytest.mark.parametrize("token", [0, 1, 3])
def test_the_single_mask_is_that_tokens(tiny_sam: Base, token: int, tmp_path: Path) -> None:
    adapter = build_adapter("plm", tiny_sam)
    adapter.read_token(token)  # type: ignore[arg-type]
    everything = _ask(tiny_sam, None, "all")
    assert torch.equal(_ask(tiny_sam, adapter)[0, :, 0], everything[0, :, token])
    assert torch.equal(_ask(tiny_sam, adapter, "multi"), everything[:, :, 1:])
    save_adapter(tmp_path, adapter, tiny_sam, {})
    assert torch.equal(_ask(tiny_sam, load_adapter(tmp_path, tiny_sam)), _ask(tiny_sam, adapter))
    off = Scaled(adapter, 0.0, tiny_sam)
    assert torch.equal(_ask(tiny_sam, off), _ask(tiny_sam, None))  # strength 0 is the base, its single mask too


def test_an_adapter_of_before_reads_the_single_mask(tiny_sam: Base, tmp_path: Path) -> None:
    save_adapter(tmp_path, build_adapter("plm", tiny_sam), tiny_sam, {})
    card = json.loads((tmp_path / "adapter.json").read_text())
    del card["mask_token"]
    (tmp_path / "adapter.json").write_text(json.dumps(card))
    assert load_adapter(tmp_path, tiny_sam).mask_token == 0
    (tmp_path / "adapter.json").write_text(json.dumps(card | {"mask_token": 4}))
    with pytest.raises(AdapterError, match="mask token 4"):
        load_adapter(tmp_path, tiny_sam)


def test_a_tuned_decoder_trains_the_token_it_reads(tiny_sam: Base) -> None:
    adapter = build_adapter("decoder", tiny_sam)
    assert isinstance(adapter, DecoderTuning)
    before = adapter.parameter_count()
    adapter.read_token(2)
    names = {n for n in adapter.owned_parameters() if "hypernetworks" in n}
    assert names and all(".mlps.2." in n.replace("output_hypernetworks_", ".") for n in names)
    trained = {n for n, p in adapter.named_parameters() if p.requires_grad}
    assert trained == set(adapter.owned_parameters()) and adapter.parameter_count() == before


def test_a_fit_takes_the_token_with_which_the_base_does_best(shapes: Task, tiny_sam: Base, tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "cache")
    draws = validation_draws(shapes.split("val"), limit=8, kind="click", jitter=0.1, seed=0)
    scores = token_scores(tiny_sam, draws, Embedder(tiny_sam, cache))
    assert scores[0] == pytest.approx(validate(tiny_sam, None, draws, Embedder(tiny_sam, cache)).miou)
    assert len(set(scores)) > 1
    best = scores.index(max(scores))

    tuned = dataclasses.replace(SHORT, method="decoder")
    fit_task(shapes, tiny_sam, tmp_path / "auto", tuned, cache=cache)
    card = read_card(tmp_path / "auto")
    assert card["validation"]["base_by_mask_token"] == pytest.approx(scores)
    beats = card["validation"]["beats_base"]
    assert card["mask_token"] == (best if beats else 0)
    state = read_state(tmp_path / "auto")
    assert state is not None and state.token_scores == pytest.approx(scores)

    other = next(t for t in range(4) if t != best)
    config = dataclasses.replace(tuned, mask_token=other)  # type: ignore[arg-type]
    fit_task(shapes, tiny_sam, tmp_path / "told", config, cache=cache)
    card = read_card(tmp_path / "told")
    assert card["mask_token"] == (other if card["validation"]["beats_base"] else 0)
    assert "base_by_mask_token" not in card["validation"]

    fit_task(shapes, tiny_sam, tmp_path / "plm", SHORT, cache=cache)
    assert read_card(tmp_path / "plm")["mask_token"] == 0


def test_tokens_that_do_not_exist_are_refused() -> None:
    with pytest.raises(FitError, match="mask_token is 4"):
        FitConfig(epochs=1, mask_token=4)  # type: ignore[arg-type]
