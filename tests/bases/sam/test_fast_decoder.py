"""The fast decoder equals the reference decoder: masks, estimates, features and gradients."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from samtailor.bases.base import Base, Decoded, MaskChoice
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.sam.base import SamBase

B, N = 2, 3


@pytest.fixture(params=["tiny", "mobile"])
def base(request: pytest.FixtureRequest, tiny_sam: Base, mobile_sam: Base) -> Base:
    return tiny_sam if request.param == "tiny" else mobile_sam


def prompts_of(base: Base, kind: str) -> PromptTensors:
    s = base.input_size
    points = torch.rand(B, N, {"click": 1, "clicks": 3}.get(kind, 1), 2) * s
    labels = torch.randint(0, 2, points.shape[:3])
    corner = torch.rand(B, N, 2) * s / 2
    boxes = torch.cat([corner, corner + s / 3], dim=-1)
    with_points, with_boxes = kind != "box", kind in ("box", "both")
    masks = 3 * torch.randn(B, N, 4 * base.grid, 4 * base.grid)
    return PromptTensors(
        points if with_points else None,
        labels if with_points else None,
        boxes if with_boxes else None,
        masks if kind == "mask" else None,
    )


def clicks() -> PromptTensors:
    return PromptTensors(torch.rand(1, 2, 1, 2) * 9, torch.ones(1, 2, 1, dtype=torch.int64))


def decode_with_both(
    base: Any, image: Tensor, sparse: Tensor, dense: Tensor, masks: MaskChoice
) -> dict[str, tuple[Decoded, Tensor]]:
    """Decode with both decoders; return each result with its gradient to the tokens."""
    results = {}
    for name in ("fast", "reference"):
        tokens = sparse.clone().requires_grad_()
        base.reference_decoder = name == "reference"
        try:
            out = base.decode({"image": image}, tokens, dense, masks)
        finally:
            base.reference_decoder = False
        weight = torch.linspace(-1, 1, out.logits.numel()).view(out.logits.shape)
        (gradient,) = torch.autograd.grad((torch.sigmoid(out.logits) * weight).sum() + out.iou.sum(), tokens)
        results[name] = (out, gradient)
    return results


def relative_error(values: Tensor, expected: Tensor) -> float:
    return float(((values - expected).abs().max() / expected.abs().max()).detach())


@pytest.mark.parametrize("masks", ["single", "multi", "all", 2])
@pytest.mark.parametrize("kind", ["click", "clicks", "box", "both", "mask"])
def test_the_fast_decoder_equals_the_reference(base: SamBase, kind: str, masks: MaskChoice) -> None:
    torch.manual_seed(0)
    side = base.image_positions().shape[-1]
    image = torch.randn(B, base.embed_dim, side, side)
    sparse, dense = base.embed_prompts(prompts_of(base, kind))
    results = decode_with_both(base, image, sparse, dense, masks)
    (fast, gradient), (reference, expected) = results["fast"], results["reference"]
    assert fast.logits.shape == reference.logits.shape and fast.iou.shape == reference.iou.shape
    assert relative_error(fast.logits, reference.logits) < 1e-4
    assert relative_error(fast.iou, reference.iou) < 1e-4
    assert relative_error(fast.upscaled, reference.upscaled) < 1e-4
    assert relative_error(gradient, expected) < 1e-3
    with torch.inference_mode():
        plain = base.decode({"image": image}, sparse, dense, masks)
    assert relative_error(plain.logits, reference.logits) < 1e-4


@pytest.mark.parametrize("reference", [False, True])
def test_decoding_some_cells_equals_decoding_the_whole_mask(base: SamBase, reference: bool) -> None:
    torch.manual_seed(0)
    side = base.image_positions().shape[-1]
    image = torch.randn(B, base.embed_dim, side, side)
    sparse, dense = base.embed_prompts(prompts_of(base, "click"))
    cells = torch.randint(0, side * side, (B, N, 7))
    base.reference_decoder = reference
    try:
        whole = base.decode({"image": image}, sparse, dense, "all").logits
        some = base.decode({"image": image}, sparse, dense, "all", cells).logits
    finally:
        base.reference_decoder = False
    assert some.shape == (B, N, 4, 7, 16)
    scale = float(whole.abs().max())
    for b, n, k in ((0, 0, 0), (1, 2, 6), (0, 1, 3)):
        y, x = divmod(int(cells[b, n, k]), side)
        block = whole[b, n, :, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4].flatten(1)
        assert float((some[b, n, :, k] - block).abs().max()) < 1e-5 * scale


def test_both_decoders_give_their_weights_the_same_gradients(tiny_sam: SamBase) -> None:
    """Methods that train the decoder itself use the same code."""
    torch.manual_seed(0)
    side = tiny_sam.image_positions().shape[-1]
    image = torch.randn(1, tiny_sam.embed_dim, side, side)
    sparse, dense = tiny_sam.embed_prompts(clicks())
    parameters = dict(tiny_sam.mask_decoder.named_parameters())
    results = {}
    try:
        for p in parameters.values():
            p.requires_grad_(True)
        for name in ("fast", "reference"):
            tiny_sam.reference_decoder = name == "reference"
            out = tiny_sam.decode({"image": image}, sparse, dense, "all")
            loss = out.logits.square().mean() + out.iou.sum()
            results[name] = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    finally:
        tiny_sam.reference_decoder = False
        tiny_sam.requires_grad_(False)
    for (name, _), fast, reference in zip(parameters.items(), results["fast"], results["reference"], strict=True):
        if name.endswith("k_proj.bias"):  # cancels in the softmax, so both have rounding errors or no gradient
            continue
        assert (fast - reference).abs().max() <= 1e-3 * reference.abs().max() + 1e-7, name


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("some", [False, True])
def test_blocks_and_the_whole_mask_equal_the_full_map(base: SamBase, reference: bool, some: bool) -> None:
    """Features of some cells, with their gradient, and all logits after decoding only some cells."""
    torch.manual_seed(0)
    side = base.image_positions().shape[-1]
    image = torch.randn(B, base.embed_dim, side, side)
    sparse, dense = base.embed_prompts(prompts_of(base, "click"))
    sparse.requires_grad_()
    cells = torch.randint(0, side * side, (B, N, 7))
    base.reference_decoder = reference
    try:
        full = base.decode({"image": image}, sparse, dense, "all")
        out = base.decode({"image": image}, sparse, dense, "all", cells[..., :5] if some else None)
    finally:
        base.reference_decoder = False
    whole = out.whole()
    assert not whole.requires_grad and whole.shape == full.logits.shape
    assert relative_error(whole, full.logits) < 1e-5
    blocks = out.blocks(cells)
    assert blocks.shape == (B, N, 7, 16, full.upscaled.shape[2])
    y, x = cells // side, cells % side
    for row in range(16):  # compare pixel by pixel
        pixel = (4 * y + row // 4) * 4 * side + 4 * x + row % 4
        expected_row = full.upscaled.flatten(3).gather(3, pixel[:, :, None].expand(-1, -1, blocks.shape[-1], -1))
        assert relative_error(blocks[..., row, :], expected_row.transpose(2, 3)) < 1e-5
    weight = torch.linspace(-1, 1, blocks.numel()).view(blocks.shape)
    index = (4 * y[..., None] + torch.arange(16) // 4) * 4 * side + 4 * x[..., None] + torch.arange(16) % 4
    flat = full.upscaled.flatten(3).gather(3, index.flatten(2)[:, :, None].expand(-1, -1, blocks.shape[-1], -1))
    expected = flat.unflatten(3, (7, 16)).permute(0, 1, 3, 4, 2)
    (gradient,) = torch.autograd.grad((blocks * weight).sum(), sparse)
    (expected_gradient,) = torch.autograd.grad((expected * weight).sum(), sparse)
    assert relative_error(gradient, expected_gradient) < 1e-3


def test_a_changed_decoder_can_replace_the_own_one(tiny_sam: SamBase) -> None:
    torch.manual_seed(0)
    side = tiny_sam.image_positions().shape[-1]
    image = torch.randn(B, tiny_sam.embed_dim, side, side)
    sparse, dense = tiny_sam.embed_prompts(prompts_of(tiny_sam, "click"))
    changed = deepcopy(tiny_sam.mask_decoder)
    with torch.no_grad():
        changed.mask_tokens.weight.add_(0.5)
    own = tiny_sam.decode({"image": image}, sparse, dense)
    fast = tiny_sam.decode({"image": image}, sparse, dense, decoder=changed)
    tiny_sam.reference_decoder = True
    try:
        reference = tiny_sam.decode({"image": image}, sparse, dense, decoder=changed)
    finally:
        tiny_sam.reference_decoder = False
    assert relative_error(fast.logits, reference.logits) < 1e-4
    assert relative_error(fast.logits, own.logits) > 1e-2


def test_a_used_base_can_be_copied_and_pickled(tiny_sam: SamBase) -> None:
    side = tiny_sam.image_positions().shape[-1]
    image = torch.randn(1, tiny_sam.embed_dim, side, side)
    sparse, dense = tiny_sam.embed_prompts(clicks())
    with torch.inference_mode():
        expected = tiny_sam.decode({"image": image}, sparse, dense).logits
        for copy in (deepcopy(tiny_sam), pickle.loads(pickle.dumps(tiny_sam))):
            assert torch.equal(copy.decode({"image": image}, sparse, dense).logits, expected)
