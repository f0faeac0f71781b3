"""The loss of a training step and its gradient, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import torch
from torch import Tensor

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.training_step import TrainingStep
from samtailor.bases.base import Decoded
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.fitting.batches import Draw, coverage
from samtailor.fitting.cells import full_target, sampled_target
from samtailor.fitting.config import FitConfig
from samtailor.fitting.sessions import continued
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
        truth, valid = coverage(draw, image.frame), image.frame.valid_low_res()
        with _precision(config.precision, model.base.device):
            if draw.session is not None:
                draw = replace(draw, prompts=continued(model, image, draw.prompts, draw.session, truth))
            out, target = _decode(model, image, draw, config, truth, valid)
        truth, valid = truth.to(model.base.device), valid.to(model.base.device)
        logits = out.logits[0, :, 0].float()
        estimate = out.iou[0, :, 0].float()
        terms = mask_losses(logits, estimate, target, config.focal_alpha)
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


def _decode(
    model: AdaptedModel, image: EmbeddedImage, draw: Draw, config: FitConfig, truth: Tensor, valid: Tensor
) -> tuple[Decoded, Target]:
    """Decode the pixels that the loss looks at; return the output and the target, on the model's device."""
    device = model.base.device
    if config.cells >= 1:
        return model.decode(image, draw.prompts), _to(full_target(truth, valid), device)
    if config.cell_choice == "boundary":
        target = _to(sampled_target(truth, valid, config.cells, draw.seed), device)
        assert target.cells is not None
        return model.decode(image, draw.prompts, cells=target.cells[None]), target
    none = torch.zeros(1, len(draw.instances), 1, dtype=torch.int64, device=device)
    out = model.decode(image, draw.prompts, cells=none)
    predicted = out.whole()[0, :, 0].float().cpu()
    target = _to(sampled_target(truth, valid, config.cells, draw.seed, predicted), device)
    assert target.cells is not None
    return replace(out, logits=out.at(target.cells[None])), target


def _to(target: Target, device: torch.device) -> Target:
    return Target(**{k: v.to(device) for k, v in vars(target).items() if v is not None})
