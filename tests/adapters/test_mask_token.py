"""The mask token of an adapter: selected in validation, saved and loaded."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.decoder import DecoderTuning
from samtailor.adapters.io import build_adapter, load_adapter, read_card, save_adapter
from samtailor.adapters.strength import Scaled
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import AdapterError, FitError
from samtailor.fit import fit_task
from samtailor.fitting.batches import validation_draws
from samtailor.fitting.config import FitConfig
from samtailor.fitting.state import read_state
from samtailor.fitting.validate import Validation, token_scores, validate
from samtailor.prompts import Prompts
from samtailor.runs import Run
from tests.models import model_of

SHORT = FitConfig(epochs=2, precision="float32", batch=4, lr=1e-3, val_prompts=8, validations=2)


def _decode(base: Base, adapter: object, masks: object = "single") -> torch.Tensor:
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    prompts = Prompts(points=np.array([[[5.5, 7.5]], [[30.5, 40.5]]], np.float32), labels=np.ones((2, 1), np.int64))
    with torch.no_grad():
        opened = EmbeddedImage(base.frame(64, 48), base.encode([image]))
        return model_of(base, adapter).decode(opened, prompts, masks).logits  # type: ignore[arg-type]


@pytest.mark.parametrize("token", [0, 1, 3])
def test_the_single_mask_is_that_of_the_adapters_token(tiny_sam: Base, token: int, tmp_path: Path) -> None:
    adapter = build_adapter("plm", tiny_sam)
    adapter.use_token(token)
    all_masks = _decode(tiny_sam, None, "all")
    close = {"rtol": 0, "atol": 1e-5}  # the number of decoded masks changes the last bits
    torch.testing.assert_close(_decode(tiny_sam, adapter)[0, :, 0], all_masks[0, :, token], **close)
    torch.testing.assert_close(_decode(tiny_sam, adapter, "multi"), all_masks[:, :, 1:], **close)
    save_adapter(tmp_path, adapter, tiny_sam, {})
    assert torch.equal(_decode(tiny_sam, load_adapter(tmp_path, tiny_sam)), _decode(tiny_sam, adapter))
    assert read_card(tmp_path)["format"] == (2 if token else 1)  # older versions would use token 0
    scaled = Scaled(adapter, 0.0, tiny_sam)
    assert torch.equal(_decode(tiny_sam, scaled), _decode(tiny_sam, None))  # strength 0 is the base and its token


def test_a_card_without_a_mask_token_means_token_0(tiny_sam: Base, tmp_path: Path) -> None:
    save_adapter(tmp_path, build_adapter("plm", tiny_sam), tiny_sam, {})
    card = json.loads((tmp_path / "adapter.json").read_text())
    del card["mask_token"]
    (tmp_path / "adapter.json").write_text(json.dumps(card))
    assert load_adapter(tmp_path, tiny_sam).mask_token == 0
    for invalid in (4, -1, 1.0, "1", True):
        (tmp_path / "adapter.json").write_text(json.dumps(card | {"mask_token": invalid}))
        with pytest.raises(AdapterError, match=r"mask.token"):
            load_adapter(tmp_path, tiny_sam)


def test_a_tuned_decoder_trains_the_token_it_uses(tiny_sam: Base) -> None:
    adapter = build_adapter("decoder", tiny_sam)
    assert isinstance(adapter, DecoderTuning)
    before = adapter.parameter_count()
    adapter.use_token(2)
    names = {n for n in adapter.owned_parameters() if "hypernetworks" in n}
    assert names and all(".mlps.2." in n.replace("output_hypernetworks_", ".") for n in names)
    trained = {n for n, p in adapter.named_parameters() if p.requires_grad}
    assert trained == set(adapter.owned_parameters()) and adapter.parameter_count() == before


def test_token_scores_equal_validation_with_each_token(shapes: Task, tiny_sam: Base, tmp_path: Path) -> None:
    model = AdaptedModel.of(tiny_sam, None, EmbeddingCache(tmp_path / "cache"))
    draws = validation_draws(shapes.split("val"), SHORT)
    scores = token_scores(model, draws)
    assert scores[0] == pytest.approx(validate(model, draws).miou)
    adapter = build_adapter("plm", tiny_sam)
    adapter.use_token(2)
    assert scores[2] == pytest.approx(validate(model.with_adapter(adapter), draws).miou)
    assert len(set(scores)) > 1


def test_a_fit_selects_the_best_token_for_methods_that_change_the_decoder(
    shapes: Task, tiny_sam: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EmbeddingCache(tmp_path / "cache")
    monkeypatch.setattr("samtailor.fitting.tokens.token_scores", lambda *_: [0.1, 0.2, 0.4, 0.3])
    used = []
    monkeypatch.setattr("samtailor.fitting.loop.Trainer.finish", lambda self: used.append(self.trained.mask_token))
    tuned = dataclasses.replace(SHORT, method="decoder")
    fit_task(shapes, tiny_sam, tmp_path / "auto", tuned, cache=cache)
    assert read_card(tmp_path / "auto")["validation"]["base_by_mask_token"] == [0.1, 0.2, 0.4, 0.3]
    state = read_state(Run(tmp_path / "auto"))
    assert state is not None and state.token_scores == [0.1, 0.2, 0.4, 0.3]
    fit_task(shapes, tiny_sam, tmp_path / "set", dataclasses.replace(tuned, mask_token=3), cache=cache)
    assert "base_by_mask_token" not in read_card(tmp_path / "set")["validation"]
    fit_task(shapes, tiny_sam, tmp_path / "plm", dataclasses.replace(SHORT, method="plm"), cache=cache)
    assert used == [2, 3, 0]


@pytest.mark.parametrize("better", [True, False])
def test_the_base_with_that_token_takes_part_in_the_choice(
    shapes: Task, tiny_sam: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, better: bool
) -> None:
    """If training does not help, the result is the base with token 1 if that is better, else the base."""
    mious: list[float] = []

    def scored(model: AdaptedModel, *_: object) -> Validation:
        mious.append(0.5 if model.adapter is None else (0.6 if better else 0.4) if len(mious) == 1 else 0.3)
        return Validation(mious[-1], mious[-1], 8)

    monkeypatch.setattr("samtailor.fitting.work.validate", scored)
    config = dataclasses.replace(SHORT, mask_token=1)
    result = fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=EmbeddingCache(tmp_path / "cache"))
    assert mious[:2] == [0.5, 0.6 if better else 0.4] and len(mious) > 2
    assert result.beats_base is better and result.best_step == 0
    adapter = load_adapter(tmp_path / "run", tiny_sam)
    assert adapter.mask_token == (1 if better else 0)
    all_masks = _decode(tiny_sam, None, "all")
    expected = all_masks[0, :, adapter.mask_token]
    torch.testing.assert_close(_decode(tiny_sam, adapter)[0, :, 0], expected, rtol=0, atol=1e-5)


def test_a_token_that_the_base_does_not_have_raises_an_error(shapes: Task, tiny_sam: Base, tmp_path: Path) -> None:
    with pytest.raises(FitError, match="mask_token is -1"):
        FitConfig(epochs=1, mask_token=-1)
    with pytest.raises(FitError, match=r"mask_token is 4.*Choose 0 to 3"):
        fit_task(shapes, tiny_sam, tmp_path / "run", dataclasses.replace(SHORT, mask_token=4))
    assert not (tmp_path / "run").exists()
