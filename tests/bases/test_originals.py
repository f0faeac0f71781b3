"""A file that a family's own code saved, loaded by ours, answers as the original: embeddings, logits, estimates."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor

from samtailor.bases.base import Base
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.registry import load_base
from samtailor.bases.sam.published import configs_of
from tests.bases import originals
from tests.bases.originals import ORIGINALS, PROMPTS, Original, randomised

SIZES = {"landscape": (300, 200), "portrait": (150, 320), "tiny": (7, 5)}
SLOW = ("mobile_sam", "sam2")  # their code knows one size of images, 1024 pixels


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in ORIGINALS],
)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Original, Base]:
    """A random model of the original code, and what we load of the file that it saves."""
    return _pair(ORIGINALS[request.param](), tmp_path_factory.mktemp("original") / "weights.pth")


def _pair(original: Original, path: Path) -> tuple[Original, Base]:
    randomised(original.model)
    base = load_base(original.save(path), "cpu")
    path.unlink()  # the base has its own copy
    return original, base


def agreement(values: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest value."""
    assert values.shape == expected.shape
    return float((values - expected).abs().max() / expected.abs().max())


def check_image(original: Original, base: Base, width: int, height: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected, embeddings = original.embeddings(image), base.encode([image])
    for name, tensor in expected.items():
        assert agreement(embeddings[name], tensor) < 1e-4, name
    frame = base.frame(width, height)
    sides = torch.tensor([width, height])
    mask = 3 * torch.randn(1, 1, 4 * base.grid, 4 * base.grid, generator=torch.Generator().manual_seed(0))
    for name, prompt in PROMPTS.items():
        points = None if prompt.points is None else torch.tensor([prompt.points]) * sides
        labels = None if prompt.labels is None else torch.tensor([prompt.labels])
        boxes = None if prompt.box is None else torch.tensor([prompt.box]) * sides.repeat(2)
        theirs = {"points": points, "labels": labels, "boxes": boxes, "masks": mask if prompt.mask else None}
        ours = PromptTensors(
            None if points is None else frame.points_to_input(points[None]) + 0.5,
            None if labels is None else labels[None],
            None if boxes is None else frame.boxes_to_input(boxes[None]) + 0.5,
            mask if prompt.mask else None,
        )
        for reference in (False, True):
            base.reference_decoder = reference
            with torch.no_grad():
                every = base.decode(embeddings, *base.embed_prompts(ours), "all")
            for several in (False, True):
                logits, iou = original.decode(theirs, several)
                rows = slice(1, None) if several else slice(0, 1)
                masks, estimates = every.logits[0, 0, rows], every.iou[0, 0, rows]
                if several and original.finer:  # their code returns the best of several alone
                    best = estimates.argmax()
                    masks, estimates = masks[best][None], estimates[best][None]
                assert agreement(masks, logits) < 1e-4, (name, several, reference)
                assert agreement(estimates, iou) < 1e-4, (name, several, reference)
    base.reference_decoder = False


@pytest.mark.parametrize("size", SIZES)
def test_a_published_file_answers_as_its_own_code(pair: tuple[Original, Base], size: str) -> None:
    check_image(*pair, *SIZES[size])


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_full_size_vit_b_answers_as_its_own_code(tmp_path: Path) -> None:
    check_image(*_pair(originals.sam("vit_b"), tmp_path / "sam_vit_b.pth"), 300, 200)


@pytest.mark.parametrize("family", ["sam", "sam_hq"])
def test_the_shapes_of_a_vit_h_are_those_of_its_own_code(family: str) -> None:
    """On the meta device, without memory: every tensor has its place, and every size is read from the shapes."""
    with torch.device("meta"):
        original = getattr(originals, family)("vit_h")
    tensors = original.model.state_dict()
    published = import_module(f"samtailor.bases.{family}.published")
    weights = published.weights_of(tensors)
    from transformers import SamConfig, SamHQConfig, SamHQModel, SamModel

    configs = configs_of(tensors, "vit_h")
    if family == "sam_hq":
        configs["mask_decoder_config"]["vit_dim"] = 1280
    with torch.device("meta"):
        model = SamModel(SamConfig(**configs)) if family == "sam" else SamHQModel(SamHQConfig(**configs))
    assert {k: v.shape for k, v in model.state_dict().items()} == {k: v.shape for k, v in weights.items()}
    vision = configs["vision_config"]
    assert (vision["num_hidden_layers"], vision["num_attention_heads"], vision["window_size"]) == (32, 16, 14)
    assert vision["global_attn_indexes"] == [7, 15, 23, 31]


@pytest.mark.parametrize("size", ["t", "s", "b+", "l"])
def test_the_shapes_of_every_sam_2_are_those_of_its_own_code(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    build = pytest.importorskip("sam2.build_sam", reason="needs sam2 (extra originals)").build_sam2
    from transformers import Sam2Model

    from samtailor.bases.sam2.published import config_of, weights_of

    monkeypatch.setattr(torch, "linspace", partial(torch.linspace, device="cpu"))  # they read its numbers
    for version in ("sam2", "sam2.1"):
        with torch.device("meta"):
            tensors = build(f"configs/{version}/{version}_hiera_{size}.yaml", device="meta").state_dict()
        with torch.device("meta"):
            model = Sam2Model(config_of(tensors, size))
        weights = weights_of(tensors)
        assert {k: v.shape for k, v in model.state_dict().items()} == {k: v.shape for k, v in weights.items()}
        original = build_config(version, size)
        backbone = model.config.vision_config.backbone_config
        for ours, theirs in (
            (backbone.num_attention_heads, "num_heads"),
            (backbone.blocks_per_stage, "stages"),
            (backbone.global_attention_blocks, "global_att_blocks"),
            (backbone.window_size_per_stage, "window_spec"),
        ):
            assert ours == original.get(theirs, ours)


def build_config(version: str, size: str) -> dict[str, Any]:
    """Return the settings of the image encoder in SAM 2's own configuration."""
    folder = Path(str(import_module("sam2").__path__[0]))
    text = (folder / "configs" / version / f"{version}_hiera_{size}.yaml").read_text()
    trunk: dict[str, Any] = yaml.safe_load(text)["model"]["image_encoder"]["trunk"]
    return trunk
