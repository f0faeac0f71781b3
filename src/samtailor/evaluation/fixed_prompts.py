"""The prompts that studies use: functions of seed and instance alone, so base and adapted get the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from samtailor.data.task import Instance
from samtailor.machine.text import plain_name
from samtailor.prompts import WORD_KINDS, EvaluatedKind, Prompts, simulate_click, simulate_prompts

__all__ = ["PromptPlan", "fixed_prompts"]


@dataclass(frozen=True)
class PromptPlan:
    """Which prompt each instance gets.

    Attributes:
        kind: of prompt.
        seed: random seed.
        repeat: counts the prompts of an instance from 0.
        vocabulary: names of which a wrong word is one.
    """

    kind: EvaluatedKind = "click"
    seed: int = 0
    repeat: int = 0
    vocabulary: tuple[str, ...] = ()


def fixed_prompts(instances: Sequence[Instance], plan: PromptPlan) -> list[tuple[list[int], Prompts]]:
    """Simulate one prompt per instance, a function of seed, instance id and repeat, so that order does not matter.

    A click is uniform in the mask; a box is the mask's tight box; ``mix`` tosses a coin for each instance.
    The first of ``3 clicks`` is the same click as ``click``, and so are those with a word. With ``word``, each instance
    should be all objects of its class (``samtailor.data.unions``).

    Returns:
        (positions in ``instances``, their prompts) for each kind that occurs.
    """
    kind = plan.kind
    rngs = [np.random.default_rng([plan.seed, abs(i.id), plan.repeat]) for i in instances]
    if kind == "3 clicks":
        masks = (i.mask() for i in instances)
        points = np.stack([[simulate_click(m, r) for _ in range(3)] for m, r in zip(masks, rngs, strict=True)])
        labels = np.ones(points.shape[:2], dtype=np.int64)
        return [(list(range(len(instances))), Prompts(points=points, labels=labels))]
    if kind in WORD_KINDS:
        return [(list(range(len(instances))), _with_words(instances, plan, rngs))]
    coins = [rng.random() < 0.5 for rng in rngs] if kind == "mix" else [kind == "click"] * len(rngs)
    kinds: tuple[tuple[bool, Literal["click", "box"]], ...] = ((True, "click"), (False, "box"))
    groups = []
    for wanted, name in kinds:
        rows = [k for k, coin in enumerate(coins) if coin == wanted]
        if rows:
            masks = (instances[k].mask() for k in rows)
            groups.append((rows, simulate_prompts(masks, name, [rngs[k] for k in rows])))
    return groups


def _with_words(instances: Sequence[Instance], plan: PromptPlan, rngs: list[np.random.Generator]) -> Prompts:
    words = tuple(i.label for i in instances)
    if plan.kind == "word":
        return Prompts(words=words)
    clicks = simulate_prompts((i.mask() for i in instances), "click", rngs)
    if plan.kind == "wrong word+click":
        words = tuple(_other_class(i.label, plan.vocabulary, rng) for i, rng in zip(instances, rngs, strict=True))
    return replace(clicks, words=words)


def _other_class(label: str, vocabulary: Sequence[str], rng: np.random.Generator) -> str:
    others = sorted({name for name in vocabulary if plain_name(name) != plain_name(label)})
    return others[rng.integers(len(others))]
