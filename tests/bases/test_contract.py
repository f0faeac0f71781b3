"""The contract of ``samtailor.bases.base.Base``: tests that every base must pass."""

from __future__ import annotations

from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from samtailor.bases.base import TOKEN_KINDS, Base, MaskChoice, selected_masks
from samtailor.bases.blocks import blocks_of
from samtailor.bases.prompts import PromptTensors
from samtailor.data.pixels.images import image_key
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import PromptError
from tests.bases.families import FAMILIES, answer

B, N = 2, 3
SIZES = ((96, 48), (30, 100), (7, 5), (1, 40))
KINDS = ("click", "clicks", "box", "both", "click + mask", "mask")


@pytest.fixture(scope="module")
def embeddings(base: Base) -> dict[str, Tensor]:
    """Embeddings of B images of different sizes."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for width, height in SIZES[:B]]
    return base.encode(images)


def prompts_of(base: Base, kind: str) -> PromptTensors:
    """Return random prompts of one kind, N on each of B images; the test is skipped if the base takes no masks."""
    if "mask" in kind and not base.takes_masks:
        pytest.skip("the base takes no mask prompts")
    generator = torch.Generator().manual_seed(0)
    side = base.input_size
    points = torch.rand(B, N, 2 if kind == "clicks" else 1, 2, generator=generator) * side
    labels = torch.randint(0, 2, points.shape[:3], generator=generator)
    corners = torch.rand(B, N, 2, generator=generator) * side / 2
    boxes = torch.cat([corners, corners + side / 3], dim=-1)
    masks = 3 * torch.randn(B, N, 4 * base.grid, 4 * base.grid, generator=generator)
    with_points = not kind.startswith(("box", "mask"))
    return PromptTensors(
        points=points if with_points else None,
        labels=labels if with_points else None,
        boxes=boxes if kind.startswith(("box", "both")) else None,
        masks=masks if "mask" in kind else None,
    )


def one_of(prompts: PromptTensors, b: int, n: int) -> PromptTensors:
    """Return one prompt of one image; the mask as transformers takes it, (1, 1, l, l)."""
    parts = (prompts.points, prompts.labels, prompts.boxes, prompts.masks)
    return PromptTensors(*(None if part is None else part[b : b + 1, n : n + 1] for part in parts))


def assert_close(values: Tensor, expected: Tensor) -> None:
    """Compare up to rounding; different batches and orders of evaluation round differently."""
    assert values.shape == expected.shape
    assert float((values - expected).abs().max()) <= 1e-4 * float(expected.abs().max()) + 1e-6


# --- frame


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_frame_converts_points_to_the_input_and_back(base: Base, width: int, height: int) -> None:
    frame = base.frame(width, height)
    assert (frame.width, frame.height) == (width, height)
    assert (frame.input_size, frame.low_res_size) == (base.input_size, 4 * base.grid)
    assert all(1 <= side <= base.input_size for side in frame.resized)
    points = torch.rand(50, 2, dtype=torch.float64) * torch.tensor([width, height])
    in_input = frame.points_to_input(points)
    assert (in_input <= torch.tensor(frame.resized) + 1e-6).all()
    torch.testing.assert_close(frame.points_to_image(in_input), points)


def test_the_encoder_sees_pixels_where_the_frame_places_them(base: Base) -> None:
    """A bright square changes the embedding most in a cell that it covers, or in the next one."""
    frame, dark = base.frame(96, 48), np.full((48, 96, 3), 20, dtype=np.uint8)
    for x, y in ((12, 36), (72, 12), (36, 6)):
        bright = dark.copy()
        bright[y - 4 : y + 4, x - 4 : x + 4] = 250
        embeddings = base.encode([dark, bright])["image"]
        change = (embeddings[1] - embeddings[0]).norm(dim=0)
        row, column = divmod(int(change.argmax()), base.grid)
        box = frame.boxes_to_input(torch.tensor([x - 4.0, y - 4.0, x + 4.0, y + 4.0]))
        x0, y0, x1, y1 = (box / base.input_size * base.grid).tolist()
        assert x0 - 1 <= column + 0.5 <= x1 + 1
        assert y0 - 1 <= row + 0.5 <= y1 + 1


# --- encoder


def test_embeddings_have_one_row_per_image(base: Base, embeddings: dict[str, Tensor]) -> None:
    assert embeddings["image"].shape == (B, base.embed_dim, base.grid, base.grid)
    for tensor in embeddings.values():
        assert len(tensor) == B
        assert tensor.is_floating_point() and torch.isfinite(tensor).all()
        assert not tensor.requires_grad and tensor.device == base.device


def test_an_embedding_does_not_depend_on_other_images(base: Base) -> None:
    images = [np.full((20, 30, 3), value, dtype=np.uint8) for value in (40, 200)]
    together, alone = base.encode(images), base.encode(images[1:])
    for name, tensor in alone.items():
        assert_close(together[name][1:], tensor)


def test_image_positions_have_a_row_per_cell(base: Base) -> None:
    positions = base.image_positions()
    assert positions.shape == (base.embed_dim, base.grid, base.grid)
    assert torch.isfinite(positions).all()
    assert len(positions.flatten(1).unique(dim=1).T) == base.grid**2


# --- prompts


@pytest.mark.parametrize("kind", KINDS)
def test_prompt_embeddings_have_the_documented_shapes(base: Base, kind: str) -> None:
    prompts = prompts_of(base, kind)
    sparse, dense = base.embed_prompts(prompts)
    kinds = base.token_kinds(prompts)
    assert sparse.shape == (B, N, kinds.shape[2], base.embed_dim)
    assert dense.shape == (B, N, base.embed_dim, base.grid, base.grid)
    assert (sparse.shape[2] == 0) == (kind == "mask")
    assert (dense.stride(1) == 0) == ("mask" not in kind)  # expanded, not copied, if no prompt has a mask
    assert torch.isfinite(sparse).all() and torch.isfinite(dense).all()


@pytest.mark.parametrize("kind", KINDS)
def test_token_kinds_match_the_prompts(base: Base, kind: str) -> None:
    prompts = prompts_of(base, kind)
    kinds = base.token_kinds(prompts)
    assert kinds.shape[:2] == (B, N)
    assert ((kinds >= 0) & (kinds < len(TOKEN_KINDS))).all()
    for index, name in enumerate(TOKEN_KINDS):
        count = (kinds == index).sum(-1)
        if "click" in name:
            expected = 0 if prompts.labels is None else (prompts.labels == index).sum(-1)
            assert (count == expected).all()
        elif "corner" in name:
            assert (count == (prompts.boxes is not None)).all()


def test_changing_a_label_changes_only_tokens_of_another_kind(base: Base) -> None:
    prompts = prompts_of(base, "clicks")
    assert prompts.labels is not None
    labels = prompts.labels.clone()
    labels[..., 0] = 1 - labels[..., 0]
    changed = PromptTensors(prompts.points, labels)
    different_tokens = (base.embed_prompts(changed)[0] != base.embed_prompts(prompts)[0]).any(-1)
    assert torch.equal(different_tokens, base.token_kinds(changed) != base.token_kinds(prompts))


def test_empty_prompts_raise_an_error(base: Base) -> None:
    with pytest.raises(PromptError):
        base.embed_prompts(PromptTensors())


def test_a_base_without_mask_prompts_refuses_them(base: Base) -> None:
    if base.takes_masks:
        pytest.skip("the base takes mask prompts")
    with pytest.raises(PromptError):
        base.embed_prompts(PromptTensors(masks=torch.zeros(1, 1, 4 * base.grid, 4 * base.grid)))


# --- decoder


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_every_choice_of_masks_selects_from_all_masks(base: Base, embeddings: dict[str, Tensor], kind: str) -> None:
    sparse, dense = base.embed_prompts(prompts_of(base, kind))
    every = base.decode(embeddings, sparse, dense, "all")
    side = 4 * base.grid
    assert base.mask_tokens >= 1
    assert every.logits.shape == (B, N, base.mask_tokens, side, side)
    assert every.iou.shape == (B, N, base.mask_tokens)
    choices: list[MaskChoice] = ["single", *range(base.mask_tokens)]
    for choice in [*choices, "multi"] if base.mask_tokens > 1 else choices:
        some = base.decode(embeddings, sparse, dense, choice)
        assert_close(some.logits, every.logits[:, :, selected_masks(choice)])
        assert_close(some.iou, every.iou[:, :, selected_masks(choice)])


@torch.no_grad()
@pytest.mark.parametrize("kind", ["clicks", "click + mask"])
def test_prompts_and_images_do_not_affect_each_other(base: Base, embeddings: dict[str, Tensor], kind: str) -> None:
    sparse, dense = base.embed_prompts(prompts_of(base, kind))
    together = base.decode(embeddings, sparse, dense).logits
    for b in range(B):
        image = {name: tensor[b : b + 1] for name, tensor in embeddings.items()}
        for n in range(N):
            alone = base.decode(image, sparse[b : b + 1, n : n + 1], dense[b : b + 1, n : n + 1]).logits
            assert_close(alone, together[b : b + 1, n : n + 1])


@torch.no_grad()
def test_the_parts_of_a_decoding_agree(base: Base, embeddings: dict[str, Tensor]) -> None:
    """Logits of some cells, whole logits, upscaled features and blocks of both stages describe the same mask."""
    sparse, dense = base.embed_prompts(prompts_of(base, "click"))
    cells = torch.randint(0, base.grid**2, (B, N, 5), generator=torch.Generator().manual_seed(0))
    full = base.decode(embeddings, sparse, dense, "all")
    some = base.decode(embeddings, sparse, dense, "all", cells)
    assert some.logits.shape == (B, N, base.mask_tokens, 5, 16)
    assert_close(some.logits, blocks_of(full.logits, cells))
    assert_close(some.iou, full.iou)
    for decoded in (full, some):
        assert_close(decoded.at(cells), some.logits)
        assert_close(decoded.whole(), full.logits)
        assert decoded.upscaled.shape[-2:] == full.logits.shape[-2:]
        assert_close(decoded.blocks(cells), blocks_of(full.upscaled, cells).permute(0, 1, 3, 4, 2))
        assert decoded.blocks(cells, 1).shape == (B, N, 5, 4, 2 * full.upscaled.shape[2])


def test_gradients_reach_the_prompt_tokens(base: Base, embeddings: dict[str, Tensor]) -> None:
    sparse, dense = base.embed_prompts(prompts_of(base, "click"))
    tokens = sparse.clone().requires_grad_()
    decoded = base.decode(embeddings, tokens, dense)
    assert not decoded.whole().requires_grad
    (gradient,) = torch.autograd.grad(decoded.logits.sum() + decoded.iou.sum(), tokens)
    assert torch.isfinite(gradient).all() and (gradient != 0).any()


def test_half_precision_changes_masks_little(base: Base, embeddings: dict[str, Tensor]) -> None:
    sparse, dense = base.embed_prompts(prompts_of(base, "click"))
    cells = torch.randint(0, base.grid**2, (B, N, 5), generator=torch.Generator().manual_seed(0))
    tokens, expected = sparse.clone().requires_grad_(), base.decode(embeddings, sparse, dense).logits
    with torch.autocast("cpu", torch.bfloat16):
        whole = base.decode(embeddings, sparse, dense).logits
        some = base.decode(embeddings, tokens, dense, cells=cells).logits
    some.float().sum().backward()
    assert tokens.grad is not None and torch.isfinite(tokens.grad).all()
    for values, true in ((whole, expected), (some.detach(), blocks_of(expected, cells))):
        assert float((values.float() - true).abs().mean()) < 0.1 * float(expected.std())


def test_a_changed_copy_of_the_decoder_can_be_used_and_trained(base: Base, embeddings: dict[str, Tensor]) -> None:
    decoder = base.tunable_decoder()
    if decoder is None:
        pytest.skip("the base has no tunable decoder")
    sparse, dense = base.embed_prompts(prompts_of(base, "click"))
    before = base.decode(embeddings, sparse, dense).logits
    copy = deepcopy(decoder).requires_grad_(True)
    assert_close(base.decode(embeddings, sparse, dense, decoder=copy).logits.detach(), before)
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.mul_(1.1)
    changed = base.decode(embeddings, sparse, dense, decoder=copy).logits
    changed.sum().backward()
    assert float((changed.detach() - before).abs().max()) > 1e-3 * float(before.abs().max())
    assert any(p.grad is not None and p.grad.any() for p in copy.parameters())
    assert torch.equal(base.decode(embeddings, sparse, dense).logits, before)  # the base itself has not changed


# --- the base as a whole


def test_the_base_stays_frozen_and_in_evaluation_mode(base: Base) -> None:
    assert list(base.parameters())
    assert not any(p.requires_grad for p in base.parameters())
    torch.nn.ModuleList([base]).train()
    assert not any(module.training for module in base.modules())


def test_the_fingerprint_is_the_same_after_every_load(base: Base, family: str, family_folder: Path) -> None:
    assert base.name
    assert len(base.fingerprint) == 64 and int(base.fingerprint, 16) >= 0
    assert FAMILIES[family].load(family_folder).fingerprint == base.fingerprint


@torch.no_grad()
@pytest.mark.parametrize("kind", [*KINDS, "box + mask", "both + mask"])
def test_masks_equal_those_of_the_forward_pass_of_transformers(base: Any, family: str, kind: str) -> None:
    """Each image and each prompt alone, from the pixels to the masks."""
    model = FAMILIES[family].forward()
    if model is None:
        pytest.skip("the base is no model of transformers")
    if kind == "mask" and family.startswith(("sam2", "edgetam", "sam3")):
        pytest.skip("transformers adds two tokens of padding; the published code and ours add none")
    prompts = prompts_of(base, kind)
    images = [np.random.default_rng(i).integers(0, 256, (40, 60, 3), dtype=np.uint8) for i in range(B)]
    ours = base.decode(base.encode(images), *base.embed_prompts(prompts), "all")
    for b, n in product(range(B), range(N)):
        pixels = base.pixels(images[b : b + 1])
        for several in (False, True):
            logits, iou = answer(model, pixels, one_of(prompts, b, n), several)
            rows = list(range(1, base.mask_tokens)) if several else [0]
            if several and family.startswith("sam-hq"):  # the best mask comes first
                rows = (1 + ours.iou[b, n, 1:].argsort(descending=True)).tolist()
            assert_close(ours.logits[b, n, rows], logits)
            assert_close(ours.iou[b, n, rows], iou)


def test_an_embedding_goes_through_the_cache(base: Base, tmp_path: Path) -> None:
    """In float32 all tensors come back bit by bit, with the documented names and shapes."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    embeddings = base.encode([image])
    assert {name: tuple(tensor.shape[1:]) for name, tensor in embeddings.items()} == base.embedding_shapes()
    Image.fromarray(image).save(tmp_path / "image.png")
    key = image_key(tmp_path / "image.png")
    for _ in range(2):
        held = EmbeddingCache(tmp_path / "cache", "float32").embed(base, key, lambda: image)
        assert held.keys() == embeddings.keys()
        for name, tensor in embeddings.items():
            assert torch.equal(held[name].view(tensor.shape), tensor), name
