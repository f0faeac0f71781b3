"""The loss of a training step and its gradient, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import torch
from torch import Tensor

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.training_step import TrainingStep
from samtailor.fitting.batches import Draw
from samtailor.fitting.cells import full_target, sampled_target
from samtailor.fitting.config import FitConfig
from samtailor.frames import Frame
from samtailor.losses import Target, mask_losses
from samtailor.machine.device import choose_precision

__all__ = ["add_gradients"]


def add_gradients(
    model: AdaptedModel, draws: Sequence[Draw], config: FitConfig, progress: float = 0.0
) -> dict[str, float]:
    """Add the gradient of the mean loss over the prompts of ``draws`` to the adapter's parameters.

    Args:
        model: a base with the adapter to train.
        draws: instances and prompts; one image at a time is in memory.
        config: weights of the loss, share of the cells, precision.
        progress: used share of the fit's budget; some methods' own terms depend on it.

    Returns:
        Means over the prompts: ``loss``, its terms ``focal``, ``dice`` and ``iou``, ``empty`` (share of empty masks),
        and the method's own terms.
    """
    adapter = model.require_adapter()
    total = sum(len(d.instances) for d in draws)
    sums = {"loss": 0.0, "focal": 0.0, "dice": 0.0, "iou": 0.0, "empty": 0.0}
    weights = asdict(config.losses)
    for draw in draws:
        image = model.open(draw.image)
        truth, valid, target = _target(draw, image.frame, config.cells, model.base.device)
        cells = None if target.cells is None else target.cells[None]
        with _precision(config.precision, model.base.device):
            out = model.decode(image, draw.prompts, cells=cells)
        logits = out.logits[0, :, 0].float()
        estimate = out.iou[0, :, 0].float()
        terms = mask_losses(logits, estimate, target)
        with _precision(config.precision, model.base.device):
            seed = (draw.seed + 1) % 2**63  # not the seed that sampled the cells
            extra = adapter.extra_terms(TrainingStep(out, target, truth, valid, progress, seed))
        loss = torch.stack([*(weights[name] * term for name, term in terms.items()), *extra.values()]).sum(0)
        (loss.sum() / total).backward()  # type: ignore[no-untyped-call]
        for name, values in {"loss": loss, **terms, **extra}.items():
            sums[name] = sums.get(name, 0.0) + float(values.detach().sum())
        sums["empty"] += float((~((logits > 0) & (target.weight > 0)).flatten(1).any(1)).sum())
    return {name: value / total for name, value in sums.items()}


def _precision(name: str, device: torch.device) -> torch.autocast:
    bfloat16 = choose_precision(name, device) == "bfloat16"
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16)


def _target(draw: Draw, frame: Frame, share: float, device: torch.device) -> tuple[Tensor, Tensor, Target]:
    """Return the coverage (N, l, l), the pixels outside padding (l, l) bool, and the target of the losses."""
    # One mask at a time, on the CPU: masks of large photos would fill an accelerator.
    coverage = torch.cat([frame.masks_to_low_res(torch.from_numpy(i.mask())[None]) for i in draw.instances])
    valid = frame.valid_low_res()
    target = full_target(coverage, valid) if share >= 1 else sampled_target(coverage, valid, share, draw.seed)
    on_device = {k: v.to(device) for k, v in vars(target).items() if v is not None}
    return coverage.to(device), valid.to(device), Target(**on_device)
