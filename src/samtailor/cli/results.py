"""Print what was measured about a model: tables of at most 80 columns with a legend below each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from samtailor.cli.output import Row, Table, print_table, print_text, shorten
from samtailor.data.findings import times
from samtailor.evaluation.measure import Measured
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.results import EvaluationSummary, OtherTask, PromptSettings, ScoreRow
from samtailor.evaluation.study_results import ClicksToQuality, Sensitivity
from samtailor.metrics.bootstrap import Estimate
from samtailor.report.page.words import listed

__all__ = [
    "class_table",
    "clicks_table",
    "evaluation_table",
    "others_table",
    "print_measured",
    "sensitivity_table",
]

ADAPTED, BEST = "adapted", "adapted-best"
MEANINGS = {
    "base-single": "the base's single mask",
    "base-best": "the best of the base's three masks by its own estimate",
    "base-oracle": "the best of the three by the true mask, which no user knows",
    ADAPTED: "the single mask with the adapter",
    BEST: "with the adapter, of several masks the one with the highest score",
}
ONE_IMAGE = (
    "All scores are from one image. One image gives no interval, because it does not say how much images differ: "
    "evaluate on more."
)
TITLE_NAME = 40
"""Columns of the screen for the name of a task in a title."""


def print_measured(console: Console, measured: Measured, questions: Questions) -> None:
    """Print all tables."""
    evaluation, sensitivity = measured.results.evaluation, measured.results.sensitivity
    print_table(console, evaluation_table(evaluation))
    if len(evaluation.rows[0].per_class) > 1:
        print_table(console, class_table(evaluation.rows))
    if sensitivity is not None:
        if sensitivity.rows:
            print_table(console, sensitivity_table(sensitivity))
        if sensitivity.clicks is not None:
            print_table(console, clicks_table(sensitivity.clicks))
    elif questions.sensitivity != 0 or questions.clicks != 0:
        text = "Prompts were not varied: with this class map, every instance is prompted piece by piece."
        console.print()
        print_text(console, text)
    if measured.results.also:
        print_table(console, others_table(measured.results.also))
    console.print()


def evaluation_table(evaluation: EvaluationSummary) -> Table:
    """One line per scored row."""
    prompts = evaluation.prompts or PromptSettings()
    title = (
        f"{shorten(evaluation.task, TITLE_NAME)}, {evaluation.split} split: "
        f"{times(prompts.per_instance, 'prompt')} per instance ({prompts.kind}), seed {prompts.seed}"
    )
    rows = []
    for row in evaluation.rows:
        figures = (
            f"{row.miou.value:.3f}",
            f"{row.iou_instances.value:.3f}",
            _interval(row.iou_instances),
            f"{row.boundary_iou.value:.3f}",
            f"{row.hd95:.1f}",
            str(row.n),
        )
        rows.append(Row((row.name, *figures), strong=row.name == ADAPTED))
    one = (ONE_IMAGE,) if evaluation.images == 1 else ()
    legend = (
        *one,
        *(f"{row.name}: {MEANINGS[row.name]}" for row in evaluation.rows),
        "mIoU: mean over classes of the IoU; IoU: mean over instances; 95%: interval of the IoU; edge: boundary IoU; "
        "HD95: 95 % Hausdorff distance in pixels, lower is better; n: number of scores.",
    )
    if evaluation.unscored:
        legend += (f"no {evaluation.split} instance was scored of {listed(evaluation.unscored)}.",)
    return Table(title, ("masks", "mIoU", "IoU", "95%", "edge", "HD95", "n"), rows, legend)


def _interval(estimate: Estimate) -> str:
    """Write both ends of an interval; a dash without an interval."""
    return "-" if estimate.interval is None else "{:.3f}-{:.3f}".format(*estimate.interval)


def class_table(score_rows: Sequence[ScoreRow]) -> Table:
    """One line per class, one column per scored row; ``adapted-best`` would not fit and should equal ``adapted``."""
    shown = [row for row in score_rows if row.name != BEST]
    rows = [
        Row((label, str(first.n), *(f"{row.per_class[label].iou:.3f}" for row in shown)))
        for label, first in score_rows[0].per_class.items()
    ]
    headings = ("class", "n", *(row.name for row in shown))
    return Table("IoU by class, mean over instances", headings, rows)


def sensitivity_table(sensitivity: Sensitivity) -> Table:
    """One line per group of prompts and scored row."""
    rows = []
    for group in next(iter(sensitivity.rows.values())).groups:
        for name, row in sensitivity.rows.items():
            stability = row.groups[group]
            values = [e.value for e in (stability.mean, stability.spread, stability.worst, stability.p10)]
            texts = (group, name, *(f"{v:.3f}" for v in values), f"{stability.unstable.value:.0%}")
            rows.append(Row(texts, strong=name == ADAPTED))
    title = f"Varied prompts: {sensitivity.instances} instances of {sensitivity.images} images, seed {sensitivity.seed}"
    legend = (
        "mean: IoU over instances and prompts; spread: standard deviation of the IoU between the prompts of an "
        "instance; worst: IoU of its worst prompt; p10: 10th percentile of the IoU; unstable: share of instances "
        "whose prompts differ by more than 0.2 IoU.",
    )
    return Table(title, ("prompts", "masks", "mean", "spread", "worst", "p10", "unstable"), rows, legend, names=2)


def clicks_table(clicks: ClicksToQuality) -> Table:
    """One line per target IoU and scored row."""
    rows = [
        Row((target, name, f"{count.clicks.value:.1f}", str(count.failures), str(count.n)), strong=name == ADAPTED)
        for target, counts in clicks.targets.items()
        for name, count in counts.items()
    ]
    legend = (
        f"clicks: mean number of corrective clicks to reach the IoU, at most {clicks.limit}; failed: instances "
        f"that do not reach it, which count as {clicks.limit} clicks; n: instances.",
    )
    return Table("Clicks to reach an IoU", ("IoU", "masks", "clicks", "failed", "n"), rows, legend, names=2)


def others_table(others: Sequence[OtherTask]) -> Table:
    """One line per other task."""
    rows = []
    for other in others:
        base, adapted = (other.evaluation.row(name) for name in ("base-single", ADAPTED))
        before, after = (f"{row.iou_instances.value:.3f}" if row.n else "" for row in (base, adapted))
        off = {True: "equal", False: "DIFFERENT", None: ""}[other.adapter_off_bit_equal]
        rows.append(Row((other.evaluation.task, str(base.n or adapted.n), before, after, off)))
    legend = (
        "IoU: mean over instances; n: number of scores; off: whether the masks with the adapter switched off equal "
        "those of the base, bit for bit.",
    )
    return Table("IoU on other tasks", ("task", "n", "base-single", ADAPTED, "off"), rows, legend)
