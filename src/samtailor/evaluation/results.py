"""Results of an evaluation, ready to be printed, drawn or written as JSON (``results_json``).

A number that was not measured is NaN. A study that was not made is None or empty. IoU, Dice and boundary scores are
in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from samtailor.evaluation.study_results import Sensitivity, StrengthPoint
from samtailor.metrics.bootstrap import UNKNOWN, Estimate
from samtailor.metrics.scores import BoundarySettings
from samtailor.prompts import EvaluatedKind

__all__ = [
    "BaseIdentity",
    "ClassScore",
    "EvaluationSummary",
    "Gain",
    "OtherTask",
    "PromptSettings",
    "Results",
    "ScoreRow",
]

NAN = float("nan")


@dataclass(frozen=True)
class PromptSettings:
    """How the prompts of an evaluation were made.

    Attributes:
        kind: kind of prompt.
        per_instance: prompts per instance, 1 or more.
        seed: random seed of the prompts.
    """

    kind: EvaluatedKind = "click"
    per_instance: int = 1
    seed: int = 0


@dataclass(frozen=True)
class BaseIdentity:
    """Which base was evaluated: its name, and the fingerprint of its weights and preprocessing."""

    name: str
    fingerprint: str = ""


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class.

    Attributes:
        iou: mean IoU over the class's instances.
        n: number of scores of the class.
        boundary_iou: mean boundary IoU.
    """

    iou: float = NAN
    n: int = 0
    boundary_iou: float = NAN


@dataclass(frozen=True)
class ScoreRow:
    """Scores of one way to answer the prompts; the defaults describe a row that was not scored.

    Attributes:
        name: ``base-single``, ``base-best``, ``base-oracle``, ``adapted`` or ``adapted-best``.
        n: number of scores: instances times prompts per instance.
        miou: mean over classes of the mean IoU over instances.
        iou_instances: mean IoU over instances.
        boundary_iou: mean boundary IoU over instances.
        dice: mean Dice over instances.
        boundary_f1: tolerance in pixels -> mean boundary F1 over instances.
        hd95: mean 95 % Hausdorff distance over instances, pixels; lower is better.
        per_class: class name -> its scores.
    """

    name: str
    n: int = 0
    miou: Estimate = UNKNOWN
    iou_instances: Estimate = UNKNOWN
    boundary_iou: Estimate = UNKNOWN
    dice: float = NAN
    boundary_f1: dict[int, float] = field(default_factory=dict)
    hd95: float = NAN
    per_class: dict[str, ClassScore] = field(default_factory=dict)


@dataclass(frozen=True)
class Gain:
    """Paired differences, adapted model minus a row of the base: same instances, same resamples of images.

    Attributes:
        over: name of the base's row.
        miou: difference in -1..1.
        iou_instances: difference in -1..1.
        boundary_iou: difference in -1..1.
        better: share of instances, 0..1, whose IoU rose by more than 0.05.
        worse: share of instances, 0..1, whose IoU fell by more than 0.05.
    """

    over: str
    miou: Estimate = UNKNOWN
    iou_instances: Estimate = UNKNOWN
    boundary_iou: Estimate = UNKNOWN
    better: float = NAN
    worse: float = NAN


@dataclass(frozen=True)
class EvaluationSummary:
    """Scores of one split of a task.

    Attributes:
        task: name of the task.
        split: train, val or test.
        prompts: how the prompts were made.
        base: which base was evaluated.
        images: number of images with scores.
        seconds: duration of this run, without results that an earlier, killed run had kept.
        boundary: settings of the boundary scores.
        rows: scores, in the order base-single, base-best, base-oracle, adapted,
            adapted-best; rows that were not scored are left out.
        gains: one per row of the base; empty without an adapter.
        class_map: entries such as ``eyes=left_eye+right_eye`` that renamed or merged classes; empty without a map.
        drawn: number of instances that were drawn from the split for a quick look; None if all were scored.
        unscored: classes of the task without a scored instance; nothing is known about them.
    """

    task: str
    split: str = ""
    prompts: PromptSettings | None = None
    base: BaseIdentity | None = None
    images: int | None = None
    seconds: float = NAN
    boundary: BoundarySettings | None = None
    rows: tuple[ScoreRow, ...] = ()
    gains: tuple[Gain, ...] = ()
    class_map: tuple[str, ...] = ()
    drawn: int | None = None
    unscored: tuple[str, ...] = ()

    def row(self, name: str) -> ScoreRow:
        """Return the row of this name; if it was not scored, a row of unknown figures."""
        return next((row for row in self.rows if row.name == name), ScoreRow(name))

    def gain_over(self, name: str) -> Gain:
        """Return the gain over this row of the base; if it was not measured, a gain of unknown figures."""
        return next((gain for gain in self.gains if gain.over == name), Gain(name))


@dataclass(frozen=True)
class OtherTask:
    """What the adapter does on a task that it was not fitted on.

    Attributes:
        evaluation: scores on that task.
        adapter_off_bit_equal: whether the masks with the adapter off equal the base's, bit for bit; None if unchecked.
        strengths: scores by strength of the adapter.
    """

    evaluation: EvaluationSummary
    adapter_off_bit_equal: bool | None = None
    strengths: tuple[StrengthPoint, ...] = ()


@dataclass(frozen=True)
class Results:
    """Everything that was measured about a model on a task; ``evaluate --json`` writes it.

    Attributes:
        evaluation: scores on the task.
        sensitivity: how much the masks depend on the prompt; None if prompts were not varied.
        also: scores on other tasks.
    """

    evaluation: EvaluationSummary
    sensitivity: Sensitivity | None = None
    also: tuple[OtherTask, ...] = ()
