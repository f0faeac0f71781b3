"""Measure what an adapter costs outside its task, and check that it can be switched off."""

from __future__ import annotations

from pathlib import Path

import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.strength import Scaled
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.evaluation.choose import some_instances
from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
from samtailor.evaluation.journal import Journal, identity
from samtailor.evaluation.questions import STUDY_INSTANCES
from samtailor.evaluation.scoring import adapted_ious
from samtailor.evaluation.study_results import StrengthPoint
from samtailor.machine.progress import Count, Progress, silent
from samtailor.metrics import mean_over_instances

__all__ = ["STRENGTHS", "off_is_the_base", "strength_curve"]

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


@torch.inference_mode()
def off_is_the_base(model: AdaptedModel, task: Task, split: str, fresh: Base, images: int = 3) -> bool:
    """Check that the base, after the adapter has run, answers bit for bit like ``fresh``, a copy never adapted."""
    untouched = AdaptedModel.of(fresh, None, model.cache)
    for record in [r for r in task.split(split) if r.promptable][:images]:
        image = model.open(record)
        for _, prompts in fixed_prompts(record.promptable[:8], PromptPlan("click", 0)):
            model.decode(image, prompts, "all")
            off = model.plain.decode(image, prompts, "all")
            plain = untouched.decode(image, prompts, "all")
            if not (torch.equal(off.logits, plain.logits) and torch.equal(off.iou, plain.iou)):
                return False
    return True


def strength_curve(
    model: AdaptedModel,
    task: Task,
    split: str,
    *,
    limit: int | None = STUDY_INSTANCES,
    seed: int = 0,
    keep: Path | None = None,
    progress: Progress = silent,
) -> list[StrengthPoint]:
    """Score the adapter at each of ``STRENGTHS``: mean IoU over instances, one click each."""
    adapter = model.require_adapter()
    stage = f"Turning the adapter down on {task.name}"
    images = some_instances(task.split(split), limit, seed)
    points = []
    for turn, strength in enumerate(STRENGTHS):
        scaled = model.with_adapter(Scaled(adapter, strength, model.base))
        header = {"strength": strength, "limit": limit, "seed": seed}
        journal = Journal(keep, "strength", identity(scaled, task, split) | header)
        ious: list[float] = []
        for done, record in enumerate(images):
            progress(Count(stage, turn * len(images) + done, len(STRENGTHS) * len(images)))
            ious += journal.rows(str(done), lambda r=record, m=scaled: adapted_ious(m, r, seed))  # type: ignore[misc]
        points.append(StrengthPoint(strength, mean_over_instances(ious), len(ious)))
    progress(Count(stage, len(STRENGTHS) * len(images), len(STRENGTHS) * len(images)))
    return points
