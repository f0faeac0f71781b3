"""What an adapter costs outside its task, and that it can be switched off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from samtailor.adapters.answer import decode_prompts
from samtailor.adapters.contract import Adapter
from samtailor.adapters.strength import Scaled
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.embedder import Embedder
from samtailor.evaluation.choose import some_instances
from samtailor.evaluation.fixed_prompts import fixed_prompts
from samtailor.evaluation.journal import Journal, identity
from samtailor.evaluation.scoring import adapted_ious
from samtailor.frames import Frame
from samtailor.metrics import mean_over_instances

__all__ = ["STRENGTHS", "off_is_the_base", "strength_curve"]

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


@torch.inference_mode()
def off_is_the_base(
    task: Task, split: str, base: Base, adapter: Adapter, embedder: Embedder, fresh: Base, images: int = 3
) -> bool:
    """Whether the base answers bit by bit as ``fresh``, a copy that never met an adapter, after ``adapter`` has run."""
    for record in [r for r in task.split(split) if r.promptable][:images]:
        frame, embeddings = Frame(record.width, record.height, base.input_size), embedder.of(record)
        for _, prompts in fixed_prompts(record.promptable[:8], "click", 0):
            decode_prompts(base, adapter, embeddings, prompts, frame, "all")
            off = decode_prompts(base, None, embeddings, prompts, frame, "all")
            plain = decode_prompts(fresh, None, embeddings, prompts, frame, "all")
            if not (torch.equal(off.logits, plain.logits) and torch.equal(off.iou, plain.iou)):
                return False
    return True


def strength_curve(
    task: Task,
    split: str,
    base: Base,
    adapter: Adapter,
    embedder: Embedder,
    *,
    strengths: Sequence[float] = STRENGTHS,
    limit: int | None = 200,
    seed: int = 0,
    keep: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Mean IoU over instances, one click each, with the adapter turned down to each of ``strengths``."""
    images, found = some_instances(task.split(split), limit, seed), []
    for turn, strength in enumerate(strengths):
        scaled = Scaled(adapter, strength, base)
        header = {"strength": strength, "limit": limit, "seed": seed}
        journal = Journal(keep, "strength", identity(task, split, base, scaled, embedder.cache) | header)
        ious: list[float] = []
        for done, record in enumerate(images):
            if progress:
                progress(turn * len(images) + done, len(strengths) * len(images))
            ious += journal.rows(str(done), lambda r=record, a=scaled: adapted_ious(r, base, a, embedder, seed))  # type: ignore[misc]
        found.append({"strength": strength, "iou_instances": mean_over_instances(ious), "n": len(ious)})
    return found
