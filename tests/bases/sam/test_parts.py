"""Our versions of SAM's parts equal transformers': names, shapes, prompt tokens, masks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from samtailor.adapters.methods import method_class
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.sam.base import SamBase
from samtailor.bases.sam.parts import DecoderSizes, MaskDecoder, PromptEncoder, as_transformers

ODD = DecoderSizes(
    hidden_size=64,
    mlp_dim=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_multimask_outputs=2,
    iou_head_depth=4,
    iou_head_hidden_dim=40,
    layer_norm_eps=1e-3,
)


def randomised(module: nn.Module) -> nn.Module:
    """Set every weight, including the norms, to a random value, so that swapped weights are detected."""
    torch.manual_seed(0)
    with torch.no_grad():
        for p in module.parameters():
            p.normal_(std=0.3)
    return module.eval()


def shapes_of(module: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in module.state_dict().items()}


def reference_decoder(sizes: DecoderSizes) -> Any:
    from transformers.models.sam.configuration_sam import SamMaskDecoderConfig
    from transformers.models.sam.modeling_sam import SamMaskDecoder

    config: Any = SamMaskDecoderConfig(**asdict(sizes))
    config._attn_implementation = "sdpa"
    return SamMaskDecoder(config).eval()


def reference_encoder(**sizes: int) -> Any:
    from transformers import SamConfig
    from transformers.models.sam.modeling_sam import SamPromptEncoder

    config = SamConfig(vision_config={"num_pos_feats": sizes.get("hidden_size", 256) // 2}, prompt_encoder_config=sizes)
    return SamPromptEncoder(config).eval()


def prompts() -> dict[str, tuple[Tensor | None, Tensor | None, Tensor | None]]:
    """Return prompts of several kinds: two images, three prompts each, five clicks with all labels."""
    torch.manual_seed(1)
    points = torch.rand(2, 3, 5, 2) * 900
    labels = torch.tensor([1, 0, 1, -1, -1]).expand(2, 3, 5)
    boxes = torch.rand(2, 3, 4) * 900
    return {
        "clicks": (points, labels, None),
        "one click": (points[:, :, :1], labels[:, :, :1], None),
        "box": (None, None, boxes),
        "both": (points, labels, boxes),
    }


@pytest.mark.parametrize("kind", prompts())
@pytest.mark.parametrize("small", [False, True])
def test_prompt_tokens_equal_those_of_transformers(kind: str, small: bool) -> None:
    reference = randomised(
        reference_encoder(hidden_size=32, image_size=64, mask_input_channels=8) if small else reference_encoder()
    )
    ours = PromptEncoder(32, 64, 4, 8) if small else PromptEncoder()
    assert shapes_of(ours) == shapes_of(reference)
    ours.load_state_dict(reference.state_dict())
    masks = torch.randn(2, 1, 16, 16) if small else None
    with torch.no_grad():
        for tensor, expected in zip(ours(*prompts()[kind], masks), reference(*prompts()[kind], masks), strict=True):
            torch.testing.assert_close(tensor, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("sizes", [DecoderSizes(layer_norm_eps=1e-5), ODD], ids=["sam", "odd"])
def test_transformers_forward_works_with_our_weights(sizes: DecoderSizes) -> None:
    """Names and shapes agree; transformers' forward pass gives the same masks with our weights as with its own."""
    reference, ours = randomised(reference_decoder(sizes)), MaskDecoder(sizes)
    assert shapes_of(ours) == shapes_of(reference)
    ours.load_state_dict(reference.state_dict())
    d = sizes.hidden_size
    image, positions, sparse, dense = (torch.randn(1, *s) for s in ((d, 4, 4), (d, 4, 4), (2, 3, d), (d, 4, 4)))
    with torch.no_grad():
        expected = reference(image, positions, sparse, dense, True)
        outputs = as_transformers(ours.eval())(image, positions, sparse, dense, True)
    for output, expected_output in zip(outputs, expected, strict=True):
        torch.testing.assert_close(output, expected_output, rtol=1e-5, atol=1e-6)


def test_the_reference_shares_our_weights() -> None:
    """Every parameter is the same object, so gradients and later changes are shared."""
    ours = MaskDecoder(ODD)
    shared = dict(as_transformers(ours).named_parameters())
    assert shared.keys() == dict(ours.named_parameters()).keys()
    assert all(shared[name] is p for name, p in ours.named_parameters())
    reference = reference_decoder(ODD)
    assert as_transformers(reference) is reference


@pytest.mark.parametrize("method", ["decoder", "lora"])
def test_methods_that_tune_the_decoder_work_with_both_decoders(mobile_sam: SamBase, method: str) -> None:
    """Both decoders use the weights that the method changed, and give them the same gradients."""
    adapter = method_class(method).for_base(mobile_sam)
    torch.manual_seed(0)
    with torch.no_grad():
        for p in adapter.owned_parameters().values():
            p.add_(torch.randn_like(p) * 0.02)
    image = torch.randn(1, mobile_sam.embed_dim, mobile_sam.grid, mobile_sam.grid)
    sparse, dense = mobile_sam.embed_prompts(PromptTensors(torch.full((1, 1, 1, 2), 300.0), torch.ones(1, 1, 1)))
    results = []
    try:
        for mobile_sam.reference_decoder in (False, True):
            adapter.zero_grad()
            out = mobile_sam.decode({"image": image}, sparse, dense, decoder=adapter.decoder)
            (out.logits.square().mean() + out.iou.sum()).backward()
            results.append((out.logits.detach(), {n: p.grad for n, p in adapter.owned_parameters().items()}))
        own = mobile_sam.decode({"image": image}, sparse, dense)
    finally:
        mobile_sam.reference_decoder = False
    (fast, gradients), (reference, expected_gradients) = results
    scale = reference.abs().max()
    assert (fast - reference).abs().max() < 1e-4 * scale and (own.logits - reference).abs().max() > 1e-2 * scale
    for name, expected in expected_gradients.items():
        gradient = gradients[name]
        assert (gradient is None) == (expected is None), name
        if gradient is not None and expected is not None:
            assert (gradient - expected).abs().max() <= 1e-3 * expected.abs().max() + 1e-6, name
