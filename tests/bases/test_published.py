"""Weight files as users have them: published names, tables of training scripts, prefixes, half precision."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from samtailor.bases import weights
from samtailor.bases.base import Base
from samtailor.bases.families import FAMILIES
from samtailor.bases.locate import LARGEST, find_base
from samtailor.bases.registry import load_base
from samtailor.errors import BaseModelError
from tests.models import save_tiny, tiny_model

# transformers' names -> published ones, in this order.
_BACK = (
    (r"^vision_encoder\.layers\.(\d+)\.layer_norm", r"image_encoder.blocks.\1.norm"),
    (r"^vision_encoder\.layers\.", "image_encoder.blocks."),
    (r"^vision_encoder\.patch_embed\.projection\.", "image_encoder.patch_embed.proj."),
    (r"^vision_encoder\.neck\.conv1\.", "image_encoder.neck.0."),
    (r"^vision_encoder\.neck\.layer_norm1\.", "image_encoder.neck.1."),
    (r"^vision_encoder\.neck\.conv2\.", "image_encoder.neck.2."),
    (r"^vision_encoder\.neck\.layer_norm2\.", "image_encoder.neck.3."),
    (r"^vision_encoder\.", "image_encoder."),
    (r"\.shared_embedding\.positional_embedding", ".pe_layer.positional_encoding_gaussian_matrix"),
    (r"\.point_embed\.", ".point_embeddings."),
    (r"\.mask_embed\.conv1\.", ".mask_downscaling.0."),
    (r"\.mask_embed\.layer_norm1\.", ".mask_downscaling.1."),
    (r"\.mask_embed\.conv2\.", ".mask_downscaling.3."),
    (r"\.mask_embed\.layer_norm2\.", ".mask_downscaling.4."),
    (r"\.mask_embed\.conv3\.", ".mask_downscaling.6."),
    (r"\.upscale_conv1\.", ".output_upscaling.0."),
    (r"\.upscale_layer_norm\.", ".output_upscaling.1."),
    (r"\.upscale_conv2\.", ".output_upscaling.3."),
    (r"^(mask_decoder\.(?!transformer).*)\.layers\.0\.", r"\1.layers.1."),
    (r"\.proj_in\.", ".layers.0."),
    (r"\.proj_out\.", ".layers.2."),
    (r"^(mask_decoder\.transformer.*)\.layer_norm", r"\1.norm"),
    (r"\.hq_token\.", ".hf_token."),
    (r"\.hq_mask_mlp\.", ".hf_mlp."),
    *(
        (rf"\.{ours}_{part}\.", f".{theirs}.{i}.")
        for ours, theirs in (
            ("compress_vit", "compress_vit_feat"),
            ("encoder", "embedding_encoder"),
            ("mask", "embedding_maskfeature"),
        )
        for part, i in (("conv1", 0), ("norm", 1), ("conv2", 3))
    ),
)


def published(family: str) -> dict[str, Tensor]:
    """Return the tensors of a family's tiny model under their published names."""
    state = {}
    for name, tensor in tiny_model(family).state_dict().items():
        if name.startswith("shared_image_embedding."):
            continue
        for pattern, new in _BACK:
            name = re.sub(pattern, new, name)
        state[name] = tensor
    return state


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return published("sam")


def _prefixed(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


OPTIMISER = {"state": {0: {"exp_avg": torch.zeros(3), "step": torch.tensor(7.0)}}, "param_groups": [{"lr": 1e-4}]}
WRAPPERS: dict[str, Callable[[dict[str, Tensor]], Any]] = {
    "plain": lambda state: state,
    "model": lambda state: {"model": state, "optimizer": OPTIMISER, "epoch": 3, "best_loss": 0.2},
    "state_dict": lambda state: {"state_dict": state, "args": {"lr": 0.1}, "name": None},
    "lightning": lambda state: {
        "state_dict": _prefixed(state, "model."),
        "optimizer_states": [OPTIMISER],
        "pytorch-lightning_version": "2.4.0",
        "loops": {"fit_loop": {"state_dict": {}}},
    },
    "several GPUs": lambda state: _prefixed(state, "module."),
    "a class around it": lambda state: {"model_state_dict": _prefixed(state, "sam.")},
    "both": lambda state: {"model": _prefixed(state, "module.sam.")},
    "compiled": lambda state: _prefixed(state, "_orig_mod."),
    "deep": lambda state: {"checkpoint": {"net": _prefixed(state, "module.")}},
    "with an average": lambda state: {"ema": {k: v + 1 for k, v in state.items()}, "model": state},
    "numbers of NumPy": lambda state: {"model": state, "best": np.float64(0.3), "step": np.int64(9), "ok": np.bool_(1)},
    "parameters": lambda state: {name: torch.nn.Parameter(tensor) for name, tensor in state.items()},
    "numbers beside": lambda state: {**state, "epoch": 5, "optimizer": OPTIMISER},
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_weights_are_found_in_what_training_scripts_save(
    wrapper: str, state: dict[str, Tensor], tiny_sam: Base, tmp_path: Path
) -> None:
    """The file and transformers' folder of the same weights have one fingerprint, so caches and adapters fit both."""
    torch.save(WRAPPERS[wrapper](state), tmp_path / "checkpoint.pth")
    base = load_base(tmp_path / "checkpoint.pth", "cpu")
    assert base.fingerprint == tiny_sam.fingerprint
    assert base.name == str(tmp_path / "checkpoint.pth")


@pytest.mark.parametrize("form", ["safetensors", "legacy", "other suffix"])
def test_the_form_of_a_file_does_not_matter(
    form: str, state: dict[str, Tensor], tiny_sam: Base, tmp_path: Path
) -> None:
    path = tmp_path / {"safetensors": "sam.safetensors", "legacy": "sam.pth", "other suffix": "sam.bin"}[form]
    if form == "safetensors":
        safetensors.torch.save_file(_prefixed(state, "module."), path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form != "legacy")
    assert load_base(path, "cpu").fingerprint == tiny_sam.fingerprint


def test_a_moved_file_is_found_by_its_fingerprint(state: dict[str, Tensor], tiny_sam: Base, tmp_path: Path) -> None:
    """Also if it is larger than the files that are tried without its name, and in another wrapper than before."""
    (tmp_path / "weights").mkdir()
    path = tmp_path / "weights/sam_vit_b.pth"
    torch.save({"model": state, "other": torch.zeros(30_000_000)}, path)
    assert path.stat().st_size > LARGEST
    assert find_base("/nowhere/at/all/sam_vit_b.pth", tiny_sam.fingerprint, [tmp_path]) == str(path)


def test_hq_sam_is_told_from_sam_by_its_tensors(tmp_path: Path) -> None:
    torch.save(published("sam-hq"), tmp_path / "sam_vit_b_01ec64.pth")  # the name of the file says SAM
    base = load_base(tmp_path / "sam_vit_b_01ec64.pth", "cpu")
    assert base.embedding_shapes().keys() == {"image", "details"}
    assert base.fingerprint == load_base(save_tiny("sam-hq", tmp_path / "folder"), "cpu").fingerprint


def test_a_file_in_a_folder_of_transformers_means_the_folder(tiny_sam_folder: Path, tiny_sam: Base) -> None:
    base = load_base(tiny_sam_folder / "model.safetensors", "cpu")
    assert base.fingerprint == tiny_sam.fingerprint and base.name == tiny_sam.name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_computed_with_in_float32(
    dtype: torch.dtype, state: dict[str, Tensor], tiny_sam: Base, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.save({name: tensor.to(dtype) for name, tensor in state.items()}, tmp_path / "half.pth")
    with caplog.at_level(logging.WARNING):
        base = load_base(tmp_path / "half.pth", "cpu")
    assert {p.dtype for p in base.parameters()} == {torch.float32}
    assert (base.fingerprint == tiny_sam.fingerprint) == (dtype == torch.float64)
    assert ("half precision" in caplog.text) == (dtype != torch.float64)


KEY = "mask_decoder.iou_token.weight"
FAULTS: dict[str, tuple[Callable[[dict[str, Tensor]], object], str]] = {
    "missing": (lambda s: s.pop(KEY), r"1 missing \(mask_decoder\.iou_token\.weight\)"),
    "extra": (lambda s: s.update(head=torch.zeros(2)), r"1 unexpected \(head\)"),
    "other shape": (lambda s: s.update({KEY: torch.zeros(3, 32)}), r"1 of another shape \(mask_decoder\.iou_token"),
    "no number": (lambda s: s[KEY].fill_(torch.nan), "NaN or infinity"),
    "no size": (lambda s: s.pop("image_encoder.pos_embed"), "'image_encoder.pos_embed' is missing"),
    "odd size": (lambda s: s.update({"image_encoder.pos_embed": torch.zeros(3)}), "its shapes do not agree"),
    "all three": (
        lambda s: (
            s.pop(KEY),
            s.update({"x": torch.zeros(1), "prompt_encoder.no_mask_embed.weight": torch.zeros(2, 32)}),
        ),
        "1 missing.*1 unexpected.*1 of another shape",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_tensors_that_do_not_fit_are_listed_and_nothing_is_loaded(
    fault: str, state: dict[str, Tensor], tmp_path: Path
) -> None:
    changed = {name: tensor.clone() for name, tensor in state.items()}
    FAULTS[fault][0](changed)
    torch.save(changed, tmp_path / "sam.pth")
    with pytest.raises(BaseModelError, match=FAULTS[fault][1]) as caught:
        load_base(tmp_path / "sam.pth", "cpu")
    assert "sam.pth" in str(caught.value) and caught.value.hint


@pytest.mark.parametrize("form", ["sam.pth", "sam.safetensors", "folder"])
def test_weights_that_do_not_fit_the_memory_are_refused_before_they_are_read(
    form: str, state: dict[str, Tensor], tiny_sam_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiny_sam_folder if form == "folder" else tmp_path / form
    if form == "sam.pth":
        torch.save(state, path)
    elif form == "sam.safetensors":
        safetensors.torch.save_file(state, path)
    monkeypatch.setattr(weights, "available_memory", lambda: 1000)
    with pytest.raises(BaseModelError, match=r"need 0\.0 GB of memory; 0\.0 GB are free"):
        load_base(path, "cpu")


def test_a_restricted_licence_is_said_when_the_base_is_loaded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        load_base(save_tiny("sam3", tmp_path / "sam3"), "cpu")
    assert "SAM License" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        load_base(save_tiny("sam2", tmp_path / "sam2"), "cpu")
    assert not caplog.text


def test_a_folder_of_sam_2_for_videos_is_its_image_path(tmp_path: Path) -> None:
    """The folders on the hub are of this kind."""
    folder = save_tiny("sam2", tmp_path / "sam2")
    expected = load_base(folder, "cpu").fingerprint
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    video = {"memory_encoder.x": torch.zeros(2), "no_object_pointer": torch.zeros(1, 32)}
    safetensors.torch.save_file(tensors | video, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "sam2_video"}))
    assert load_base(folder, "cpu").fingerprint == expected


def test_every_family_has_its_sizes_and_its_licence() -> None:
    for family in FAMILIES:
        assert family.licence and all(size > 1 for size in family.sizes.values()), family.name
        assert family.examples
