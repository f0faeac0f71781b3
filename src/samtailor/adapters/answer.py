"""The one place where an adapter meets a base: prompts in, masks out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base, Decoded, Embeddings, MaskChoice
from samtailor.frames import Frame
from samtailor.prompts import Prompts

__all__ = ["Answer", "answer_in_chunks", "decode_prompts"]

CHUNK = {"cpu": 4}
"""Prompts decoded at once: on a CPU the image-sized activations of more than a few fall out of its caches."""
MASK_BYTES = 1 << 30
"""Full-size masks held at once, at most (but those of one prompt)."""


@dataclass(frozen=True)
class Answer:
    """Masks of some prompts on one image.

    Attributes:
        rows: which of the N prompts these are.
        masks: (n, M, H, W) bool, image frame.
        iou: (n, M) float32, the model's own estimates.
        logits: (n, M, 4h, 4w) float32, low-res frame.
    """

    rows: slice
    masks: np.ndarray
    iou: np.ndarray
    logits: np.ndarray


def decode_prompts(
    base: Base,
    adapter: Adapter | None,
    embeddings: Embeddings,
    prompts: Prompts,
    frame: Frame,
    masks: MaskChoice = "single",
    cells: Tensor | None = None,
) -> Decoded:
    """Answer N prompts on one image, through the adapter if there is one; differentiable to the adapter.

    Args:
        base: the frozen model.
        adapter: None answers as the base alone does.
        embeddings: of this image, (1, ...) tensors on the base's device.
        prompts: image frame.
        frame: of this image.
        masks: which mask tokens to return; ``single`` is the adapter's own choice where there is one.
        cells: (1, N, K) or None; see ``Base.decode``.

    Returns:
        Decoded with B = 1, low-res frame.
    """
    points = labels = boxes = None
    if prompts.points is not None:
        points = frame.points_to_input(torch.as_tensor(prompts.points, device=base.device)[None])
        labels = torch.as_tensor(prompts.labels, device=base.device)[None]
    if prompts.boxes is not None:
        boxes = frame.boxes_to_input(torch.as_tensor(prompts.boxes, device=base.device)[None])
    sparse, dense = base.embed_prompts(points, labels, boxes)
    if adapter is None:
        return base.decode(embeddings, sparse, dense, masks, cells)
    masks = adapter.mask_token if masks == "single" else masks
    sparse = adapter(sparse, embeddings, base.image_positions(), base.token_kinds(labels, boxes))
    return base.decode(embeddings, sparse, dense, masks, cells, adapter.decoder)


@torch.inference_mode()
def answer_in_chunks(
    base: Base,
    adapter: Adapter | None,
    embeddings: Embeddings,
    prompts: Prompts,
    frame: Frame,
    masks: MaskChoice = "single",
) -> Iterator[Answer]:
    """Answer N prompts a few at a time, so that memory does not grow with N; see ``decode_prompts``."""
    room = MASK_BYTES // (4 * frame.width * frame.height)
    size = max(1, min(CHUNK.get(base.device.type, 64), room))
    for start in range(0, len(prompts), size):
        rows = slice(start, min(start + size, len(prompts)))
        out = decode_prompts(base, adapter, embeddings, prompts[rows], frame, masks)
        logits = out.logits[0].float()
        yield Answer(rows, _full_masks(logits, frame), out.iou[0].float().cpu().numpy(), logits.cpu().numpy())


def _full_masks(logits: Tensor, frame: Frame) -> np.ndarray:
    """(n, M, H, W) bool; one mask at a time, since a float mask of a large photo takes hundreds of megabytes."""
    n, m = logits.shape[:2]
    masks = np.empty((n, m, frame.height, frame.width), dtype=bool)
    for i in range(n):
        for j in range(m):
            masks[i, j] = (frame.logits_to_image(logits[i : i + 1, j : j + 1]) > 0)[0, 0].cpu().numpy()
    return masks
