"""What a user should know about a fit before it starts: sentences with cause and way on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from samtailor.data.task import Task
from samtailor.fitting.batches import Draw, Sampler
from samtailor.fitting.config import FitConfig
from samtailor.fitting.loop import Trainer
from samtailor.fitting.schedule import learning_rate

__all__ = ["larger_budget", "remarks"]

FEW_INSTANCES = 20
SHOWN = 5


def remarks(task: Task, sampler: Sampler, draws: Sequence[Draw], config: FitConfig) -> list[str]:
    """Describe what makes the choice of an adapter uncertain: classes that are missing, too little to validate on.

    Args:
        task: with train and val splits.
        sampler: of the train split.
        draws: of the val split.
        config: settings.
    """
    val = task.split("val")
    trained = {i.label for _, instances in sampler.images for i in instances}
    scored = {i.label for record in val for i in record.promptable}
    lines = []
    if missing := _names(trained - scored):
        lines.append(
            f"The val split has no instance of {missing}, so validation does not see whether the adapter gets better "
            "there. Move some images with them to val."
        )
    if untrained := _names(scored - trained):
        lines.append(
            f"The train split has no usable instance of {untrained}; the val split has. Move some images to train."
        )
    instances = sum(len(record.promptable) for record in val)
    if instances < FEW_INSTANCES:
        images = sum(bool(record.promptable) for record in val)
        lines.append(
            f"Validation has {_count(instances, 'instance')} on {_count(images, 'image')}: which adapter is best can "
            f"be chance. Use at least {FEW_INSTANCES} instances; 50 or more is better."
        )
    prompts = sum(len(draw.instances) for draw in draws)
    if config.validations is None and prompts < min(config.val_prompts, instances):
        lines.append(
            f"Validation uses {_count(prompts, 'prompt')}, so that it takes at most a sixth of this short fit. "
            "A larger budget validates on more."
        )
    return lines


def larger_budget(trainer: Trainer[Any], old_budget: str) -> str:
    """Say how a fit goes on that continues with a larger budget."""
    state = trainer.state
    used = trainer.budget.progress(state.step, state.elapsed)
    rate = learning_rate(1.0, state.step, used)
    return (
        f"Continuing at step {state.step} with a larger budget than {old_budget}: {used:.0%} of it are used, and the "
        f"learning rate follows it from here, at {rate:.0%} of its peak. A fit that has this budget from the start can "
        "end with another adapter."
    )


def _names(labels: Iterable[str]) -> str:
    names = [repr(label) for label in sorted(labels)]
    more = f" and {len(names) - SHOWN} more classes" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
