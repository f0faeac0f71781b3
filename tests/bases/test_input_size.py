"""Bases with smaller input: names, frames, embeddings, fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import build_adapter, load_adapter
from samtailor.bases.base import Base
from samtailor.bases.input_size import sized_name, split_size
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.registry import load_base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import AdapterError, BaseModelError
from samtailor.fit import fit_task
from samtailor.fitting.config import FitConfig
from samtailor.predict import Predictor
from samtailor.prompts import Prompts
from tests.models import save_tiny


def test_names_with_sizes(tmp_path: Path) -> None:
    assert split_size("mobile-sam@512") == ("mobile-sam", 512)
    assert split_size("owner/sam@768") == ("owner/sam", 768)
    assert split_size("mobile-sam") == ("mobile-sam", None)
    folder = tmp_path / "sam@32"
    folder.mkdir()
    assert split_size(str(folder)) == (str(folder), None)  # it is the name of a folder
    assert sized_name("mobile-sam", 512) == "mobile-sam@512" == sized_name("mobile-sam@512", None)
    with pytest.raises(BaseModelError, match="has an input size already"):
        sized_name("mobile-sam@512", 768)


def test_a_smaller_base_has_its_own_grid_name_and_fingerprint(tiny_sam_folder: Path, tiny_sam: Base) -> None:
    small = load_base(f"{tiny_sam_folder}@48", "cpu")
    whole = load_base(f"{tiny_sam_folder}@64", "cpu")
    assert (small.input_size, small.grid) == (48, 3) and small.name.endswith("@48")
    assert small.frame(96, 48).resized == (48, 24)
    assert small.fingerprint != tiny_sam.fingerprint == whole.fingerprint
    picture = np.random.default_rng(0).integers(0, 256, (30, 60, 3), dtype=np.uint8)
    assert small.encode([picture])["image"].shape[1:] == small.embedding_shapes()["image"]
    assert torch.equal(whole.encode([picture])["image"], tiny_sam.encode([picture])["image"])
    for size in (50, 16, 128):
        with pytest.raises(BaseModelError, match="multiple of 16 from 32"):
            tiny_sam.resize_input(size)


def test_a_click_has_the_same_token_at_each_size(tiny_sam_folder: Path, tiny_sam: Base) -> None:
    small = load_base(f"{tiny_sam_folder}@48", "cpu")
    prompts = Prompts(points=np.array([[[40.0, 20.0]]], dtype=np.float32), labels=np.ones((1, 1), dtype=np.int64))
    tokens = [
        base.embed_prompts(PromptTensors.of(prompts, base.frame(80, 60), base.device))[0] for base in (small, tiny_sam)
    ]
    assert torch.allclose(tokens[0], tokens[1], atol=1e-5)
    assert small.image_positions().shape == (tiny_sam.embed_dim, 3, 3)


def test_masks_of_the_bundled_base_stay_alike_at_half_the_size(mobile_sam: Base, shapes: Task) -> None:
    small = load_base("mobile-sam@512", "cpu")
    record = shapes.split("test")[0]
    predictors = [Predictor(base, cache=False) for base in (mobile_sam, small)]
    for predictor in predictors:
        predictor.set_image(record.path)
    ious = []
    for instance in record.promptable:
        ys, xs = np.nonzero(instance.mask())
        box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        masks = [predictor.predict(boxes=box).masks[0, 0] for predictor in predictors]
        ious.append((masks[0] & masks[1]).sum() / max(1, (masks[0] | masks[1]).sum()))
    assert np.mean(ious) > 0.8


def test_an_adapter_belongs_to_one_size(
    tiny_sam_folder: Path, tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    small = load_base(f"{tiny_sam_folder}@48", "cpu")
    config = FitConfig(method="plm", steps=2, batch=2, val_prompts=4, validations=1, min_area=1)
    fit_task(shapes, small, tmp_path / "run", config, cache=cache, progress=False)
    assert Predictor(adapter=tmp_path / "run", device="cpu").model.base.input_size == small.input_size
    with pytest.raises(AdapterError, match="base"):
        load_adapter(tmp_path / "run", tiny_sam)
    other = build_adapter("plm", tiny_sam, 0)
    with pytest.raises(AdapterError):
        AdaptedModel.of(small, other, cache)


@pytest.mark.parametrize("family", ["sam-hq", "sam2"])
def test_families_with_features_of_several_levels_have_one_size(family: str, tmp_path: Path) -> None:
    folder = save_tiny(family, tmp_path / family)
    with pytest.raises(BaseModelError, match="has one input size"):
        load_base(f"{folder}@32", "cpu")
