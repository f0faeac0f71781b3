"""Results of the studies around an evaluation: varied prompts, corrective clicks, click maps, adapter strength.

A number that was not measured is NaN. IoU is in 0..1; rows are named as in ``results.ScoreRow``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from samtailor.metrics.bootstrap import UNKNOWN, Estimate

__all__ = [
    "ClickCount",
    "ClickMap",
    "ClicksToQuality",
    "GroupStability",
    "RowSensitivity",
    "Sensitivity",
    "StrengthPoint",
]

NAN = float("nan")


@dataclass(frozen=True)
class GroupStability:
    """How stable the masks are when the prompt varies within a group of prompts; IoU, or differences of it.

    Attributes:
        mean: mean over instances and prompts.
        spread: standard deviation between the prompts of one instance, mean over instances; lower is better.
        worst: lowest IoU of an instance over its prompts, mean over instances.
        p10: 10th percentile over instances and prompts.
        unstable: share of instances, 0..1, whose best and worst prompts differ by more than 0.2; lower is better.
    """

    mean: Estimate = UNKNOWN
    spread: Estimate = UNKNOWN
    worst: Estimate = UNKNOWN
    p10: Estimate = UNKNOWN
    unstable: Estimate = UNKNOWN


@dataclass(frozen=True)
class RowSensitivity:
    """Prompt sensitivity of one row.

    Attributes:
        by_prompt: name of a prompt, such as ``centre click`` -> mean IoU.
        groups: name of a group of prompts, such as ``one click`` -> stability within the group.
    """

    by_prompt: dict[str, Estimate] = field(default_factory=dict)
    groups: dict[str, GroupStability] = field(default_factory=dict)


@dataclass(frozen=True)
class ClickCount:
    """Corrective clicks until the mask reaches a target IoU.

    Attributes:
        clicks: mean over instances; an instance that never reaches the target counts as the limit.
        failures: number of instances that never reach it.
        n: number of instances.
    """

    clicks: Estimate = UNKNOWN
    failures: int = 0
    n: int = 0


@dataclass(frozen=True)
class ClicksToQuality:
    """Simulated corrective clicks.

    Attributes:
        limit: most clicks per instance; None if unknown.
        targets: target IoU as text, such as ``0.85`` -> name of a row -> clicks needed.
        curve: name of a row -> mean IoU after 1, 2, ... clicks.
    """

    limit: int | None = None
    targets: dict[str, dict[str, ClickCount]] = field(default_factory=dict)
    curve: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sensitivity:
    """How much the masks depend on the prompt.

    Attributes:
        instances: number of instances whose prompts were varied; None if unknown.
        images: number of their images; None if unknown.
        seed: random seed of instances and prompts; None if unknown.
        rows: name of a row -> its figures; empty if only clicks were counted.
        paired: name of a row of the base -> group of prompts -> adapted minus base.
        clicks: corrective clicks on the same instances.
    """

    instances: int | None = None
    images: int | None = None
    seed: int | None = None
    rows: dict[str, RowSensitivity] = field(default_factory=dict)
    paired: dict[str, dict[str, GroupStability]] = field(default_factory=dict)
    clicks: ClicksToQuality | None = None


@dataclass(frozen=True)
class StrengthPoint:
    """Scores of an adapter that is turned down.

    Attributes:
        strength: 0 is the base, 1 the full adapter.
        iou_instances: mean IoU over instances on the task that is scored.
        n: number of instances.
        iou_own_task: mean IoU at the same strength on the task that the adapter was fitted on.
    """

    strength: float
    iou_instances: float = NAN
    n: int = 0
    iou_own_task: float = NAN


@dataclass(frozen=True)
class ClickMap:
    """IoU of the mask for a click at each point of a grid around one instance.

    Attributes:
        image: name of the image.
        instance: id of the instance.
        label: its class.
        extent: (x0, y0, x1, y1) of the area that the grid covers, image pixels.
        x: click positions from left to right, image pixels.
        y: click positions from top to bottom, image pixels.
        base: one row per ``y``, one IoU per ``x``.
        adapted: as ``base``, with the adapter.
        inside: as ``base``: whether the click is on the instance.
    """

    image: str
    instance: int
    label: str
    extent: tuple[float, float, float, float]
    x: tuple[float, ...]
    y: tuple[float, ...]
    base: tuple[tuple[float, ...], ...]
    adapted: tuple[tuple[float, ...], ...]
    inside: tuple[tuple[bool, ...], ...]
