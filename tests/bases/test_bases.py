"""Bases: equality with golden outputs and with transformers, and errors of loading."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from samtailor.bases.base import Base
from samtailor.bases.mobile_sam.load import bundled_weights, load_mobile_sam, plain_encoder
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.registry import load_base
from samtailor.bases.sam.load import load_sam
from samtailor.errors import BaseModelError

GOLDEN = Path(__file__).parent / "golden"


def _decode_all(base: Base, image: np.ndarray, prompt: dict) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the embedding, the logits of all four masks and their IoU estimates.

    Golden prompts have pixel centres at whole numbers, ours at +0.5, so half an input pixel is added.
    """
    frame = base.frame(image.shape[1], image.shape[0])
    points = labels = boxes = None
    if "points" in prompt:
        points = frame.points_to_input(torch.tensor([[prompt["points"]]])) + 0.5
        labels = torch.tensor([[prompt["labels"]]])
    if "box" in prompt:
        boxes = frame.boxes_to_input(torch.tensor([[prompt["box"]]])) + 0.5
    embeddings = base.encode([image])
    with torch.no_grad():
        out = base.decode(embeddings, *base.embed_prompts(PromptTensors(points, labels, boxes)), "all")
    return embeddings["image"][0], out.logits[0, 0], out.iou[0, 0]


def _ious(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a & b).sum((-2, -1)) / (a | b).sum((-2, -1))


def test_masks_equal_the_golden_ones_of_the_repository(mobile_sam: Base) -> None:
    """One nuclei image (CC0), a click and a box; tools/make_golden.py made the golden file."""
    golden = np.load(GOLDEN / "mobile_sam.npz")
    image = np.asarray(Image.open(GOLDEN / "nuclei.webp").convert("RGB"))
    for i, prompt in enumerate(json.loads((GOLDEN / "mobile_sam.json").read_text())["prompts"]):
        embedding, logits, iou = _decode_all(mobile_sam, image, prompt)
        sample = torch.from_numpy(golden["embedding"]).float()
        assert (embedding[:, ::8, ::8] - sample).norm() / sample.norm() <= 1e-3
        masks = torch.from_numpy(np.unpackbits(golden[f"masks_{i}"]).reshape(4, 256, 256).astype(bool))
        assert _ious(logits > 0, masks).min() >= 0.995
        np.testing.assert_allclose(iou, golden[f"iou_{i}"], atol=1e-2)


@pytest.mark.shared
def test_masks_equal_those_of_the_reference_implementation(mobile_sam: Base, shared: Path) -> None:
    golden = np.load(shared / "models/mobile_sam_golden.npz")
    for case in json.loads((shared / "models/mobile_sam_golden.json").read_text()):
        image = np.asarray(Image.open(shared / case["image"]).convert("RGB"))
        for i, prompt in enumerate(case["prompts"]):
            name = f"{case['tag']}_prompt{i}"
            embedding, logits, iou = _decode_all(mobile_sam, image, prompt)
            truth = torch.from_numpy(golden[f"{case['tag']}_embedding"]).float()
            assert (embedding - truth).norm() / truth.norm() <= 1e-3
            assert _ious(logits > 0, torch.from_numpy(golden[f"{name}_logits"]) > 0).min() >= 0.995, name
            np.testing.assert_allclose(iou, golden[f"{name}_iou"], atol=1e-2)


def test_a_published_checkpoint_has_the_fingerprint_of_the_bundled_file(mobile_sam: Base, tmp_path: Path) -> None:
    """Like mobile_sam.pt, the file has pickled tensors and parts that the segmentation path does not use."""
    state = safetensors.torch.load_file(bundled_weights())
    state["image_encoder.head.weight"] = torch.zeros(1000, 320)
    state["image_encoder.norm_head.bias"] = torch.zeros(320)
    state["image_encoder.layers.1.blocks.0.attn.attention_bias_idxs"] = torch.zeros(49, 49, dtype=torch.long)
    state["image_encoder.patch_embed.seq.0.bn.num_batches_tracked"] = torch.tensor(7)
    torch.save(state, tmp_path / "mobile_sam.pt")
    assert load_base(f"mobile-sam:{tmp_path / 'mobile_sam.pt'}").fingerprint == mobile_sam.fingerprint


def test_a_checkpoint_with_code_raises_an_error_and_runs_nothing(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"x": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(BaseModelError, match=r"evil\.pt"):
        load_mobile_sam(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("fault", ["missing", "unexpected", "of another shape", "NaN"])
def test_weights_that_do_not_fit_raise_an_error(tmp_path: Path, fault: str) -> None:
    state = safetensors.torch.load_file(bundled_weights())
    key = "mask_decoder.iou_token.weight"
    if fault == "missing":
        del state[key]
    elif fault == "unexpected":
        state["mask_decoder.hq_token"] = torch.zeros(3)
    elif fault == "NaN":
        state[key][0, 0] = torch.nan
    else:
        state[key] = torch.zeros(2, 256)
    safetensors.torch.save_file(state, tmp_path / "weights.safetensors")
    with pytest.raises(BaseModelError, match=fault):
        load_mobile_sam(tmp_path / "weights.safetensors")


def test_sam_equals_transformers_exactly(tiny_sam_folder: Path) -> None:
    from transformers import SamModel

    base = load_sam(str(tiny_sam_folder))
    model = SamModel.from_pretrained(tiny_sam_folder).eval()
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    from samtailor.bases.sam.preprocess import to_input

    pixels = to_input([image], base.input_size)
    points, labels = torch.tensor([[[[10.5, 20.5]], [[40.0, 3.0]]]]), torch.ones(1, 2, 1, dtype=torch.long)
    boxes = torch.tensor([[[4.0, 5.0, 30.0, 40.0]]])
    mask = 3 * torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    click = points[:, :1], labels[:, :1]
    for prompt in (
        (points, labels, None, None),
        (None, None, boxes, None),
        (*click, boxes, None),
        (*click, None, mask),
        (None, None, boxes, mask),
        (*click, boxes, mask),
    ):
        names = ("input_points", "input_labels", "input_boxes", "input_masks")
        inputs = dict(zip(names, prompt, strict=True))
        tensors = tuple(p if p is None or name in names[1::2] else p + 0.5 for name, p in inputs.items())
        with torch.no_grad():
            base.reference_decoder = False
            fast = base.decode(base.encode([image]), *base.embed_prompts(PromptTensors(*tensors)), "all")
            base.reference_decoder = True
            out = base.decode(base.encode([image]), *base.embed_prompts(PromptTensors(*tensors)), "all")
            assert (fast.logits - out.logits).abs().max() < 1e-4 * out.logits.abs().max()
            for multimask, rows in ((False, slice(0, 1)), (True, slice(1, None))):
                expected = model(pixel_values=pixels, multimask_output=multimask, **inputs)
                assert torch.equal(out.logits[:, :, rows], expected.pred_masks)
                assert torch.equal(out.iou[:, :, rows], expected.iou_scores)
    assert torch.equal(base.image_positions()[None], model.get_image_wide_positional_embeddings())


def test_preprocessing_nearly_equals_that_of_transformers(tiny_sam_folder: Path) -> None:
    from transformers import SamImageProcessor

    from samtailor.bases.sam.preprocess import to_input

    image = np.random.default_rng(0).integers(0, 255, (300, 411, 3), dtype=np.uint8)
    expected = SamImageProcessor()(image, return_tensors="pt")["pixel_values"]
    # transformers resizes tensors and may round a value of 0..255 differently from PIL; one step is 1/57 here.
    assert (to_input([image], 1024) - expected).abs().max() < 2 / 57


def test_the_error_without_the_hub_says_what_to_do() -> None:
    with pytest.raises(BaseModelError, match=r"facebook/sam-vit-base.*local folder.*config\.json"):
        load_sam("facebook/sam-vit-base")


@pytest.mark.parametrize("name", ["no-such-base", "weights.pt", "/nowhere/at/all"])
def test_an_unknown_base_raises_an_error(name: str) -> None:
    with pytest.raises(BaseModelError):
        load_base(name)


def test_a_folder_without_a_model_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="cannot be read as a SAM checkpoint"):
        load_sam(str(tmp_path))


def test_missing_sam_weights_raise_an_error(tiny_sam_folder: Path, tmp_path: Path) -> None:
    state = safetensors.torch.load_file(tiny_sam_folder / "model.safetensors")
    del state["mask_decoder.iou_token.weight"]
    safetensors.torch.save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_text((tiny_sam_folder / "config.json").read_text())
    with pytest.raises(BaseModelError, match=r"1 missing \(mask_decoder\.iou_token\.weight\)"):
        load_sam(str(tmp_path))


def test_the_fingerprint_of_the_published_weights_does_not_change(mobile_sam: Base) -> None:
    """Adapters and cache entries depend on it, so it must stay the same if a library renames parts of a module."""
    assert mobile_sam.fingerprint == "14ab968a06b93ca127f70b5df7c81577718383c84611a115307cdf5eea2cadfa"


def test_the_fast_encoder_equals_the_plain_one(mobile_sam: Any) -> None:
    """Folded norms, packed products and in-place GELUs change only rounding."""
    pixels = torch.randn(1, 3, mobile_sam.input_size, mobile_sam.input_size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        fast, plain = mobile_sam.image_encoder(pixels), plain_encoder()(pixels)
    assert float((fast - plain).norm() / plain.norm()) < 1e-5


def test_a_config_with_code_of_its_own_is_refused_and_never_run(
    tiny_sam_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sam"
    shutil.copytree(tiny_sam_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    marker = tmp_path / "ran"
    (folder / "own.py").write_text(f"from pathlib import Path\nPath({str(marker)!r}).touch()\n")
    config["auto_map"] = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("the user was asked to run code"))
    with pytest.raises(BaseModelError, match=r"auto_map.*never runs"):
        load_base(str(folder))
    assert not marker.exists()
