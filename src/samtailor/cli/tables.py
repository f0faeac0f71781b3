"""Tables that the commands print."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from samtailor.embeddings.cache import BaseStats
from samtailor.evaluation.results import EvaluationSummary, OtherTask, PromptSettings, ScoreRow
from samtailor.evaluation.study_results import ClicksToQuality, Sensitivity

__all__ = [
    "cache_table",
    "class_table",
    "clicks_table",
    "evaluation_table",
    "others_table",
    "sensitivity_table",
]

_MEANING = {
    "base-single": "the base's single mask",
    "base-best": "the base's best of three by its own estimate",
    "base-oracle": "the best of its three, chosen by the truth",
    "adapted": "with the adapter, single mask",
}


def evaluation_table(evaluation: EvaluationSummary) -> Table:
    """One line per scored row."""
    prompts = evaluation.prompts or PromptSettings()
    table = Table(
        title=escape(
            f"{evaluation.task}, {evaluation.split} split, {prompts.per_instance} {prompts.kind} per instance, "
            f"seed {prompts.seed}"
        ),
        title_justify="left",
    )
    table.add_column("method")
    for name in ("mIoU (classes)", "IoU (instances)", "95 %", "boundary IoU", "HD95 px", "n"):
        table.add_column(name, justify="right")
    table.add_column("what it is")
    for row in evaluation.rows:
        style = "bold" if row.name == "adapted" else None
        figures = (
            f"{row.miou.value:.3f}",
            f"{row.iou_instances.value:.3f}",
            f"{row.iou_instances.low:.3f} to {row.iou_instances.high:.3f}",
            f"{row.boundary_iou.value:.3f}",
            f"{row.hd95:.1f}",
            str(row.n),
        )
        table.add_row(row.name, *figures, _MEANING[row.name], style=style)
    return table


def sensitivity_table(sensitivity: Sensitivity) -> Table:
    """One line per group of prompts and row."""
    title = (
        f"Prompts varied on {sensitivity.instances} instances of {sensitivity.images} images, seed {sensitivity.seed}"
    )
    table = Table(title=title, title_justify="left")
    for name in ("prompts", "method"):
        table.add_column(name)
    for name in ("mean IoU", "spread", "worst", "10th percentile", "unstable"):
        table.add_column(name, justify="right")
    for group in next(iter(sensitivity.rows.values())).groups:
        for name, row in sensitivity.rows.items():
            stability = row.groups[group]
            values = [e.value for e in (stability.mean, stability.spread, stability.worst, stability.p10)]
            style = "bold" if name == "adapted" else None
            table.add_row(group, name, *(f"{v:.3f}" for v in values), f"{stability.unstable.value:.0%}", style=style)
    return table


def clicks_table(clicks: ClicksToQuality) -> Table:
    """One line per target IoU."""
    table = Table(title=f"Clicks to a quality, at most {clicks.limit}, failures counted so", title_justify="left")
    table.add_column("IoU")
    for name in next(iter(clicks.targets.values())):
        table.add_column(f"{name}: clicks", justify="right")
        table.add_column("failures", justify="right")
    for target, counts in clicks.targets.items():
        figures = [(f"{c.clicks.value:.1f}", f"{c.failures} of {c.n}") for c in counts.values()]
        table.add_row(target, *(figure for pair in figures for figure in pair))
    return table


def others_table(others: Sequence[OtherTask]) -> Table:
    """One line per other task."""
    table = Table(title="Other tasks, IoU (instances)", title_justify="left")
    table.add_column("task")
    for name in ("n", "base-single", "adapted", "switched off"):
        table.add_column(name, justify="right")
    for other in others:
        base, adapted = (other.evaluation.row(name) for name in ("base-single", "adapted"))
        after = f"{adapted.iou_instances.value:.3f}" if adapted.n else ""
        off = {True: "is the base, bit for bit", False: "IS NOT THE BASE", None: ""}[other.adapter_off_bit_equal]
        before = f"{base.iou_instances.value:.3f}"
        table.add_row(escape(other.evaluation.task), str(base.n), before, after, off)
    return table


def class_table(rows: Sequence[ScoreRow]) -> Table:
    """One line per class, one column per scored row."""
    table = Table(title="IoU per class (mean over instances)", title_justify="left")
    table.add_column("class")
    table.add_column("n", justify="right")
    for row in rows:
        table.add_column(row.name, justify="right")
    for label, first in rows[0].per_class.items():
        table.add_row(escape(label), str(first.n), *(f"{row.per_class[label].iou:.3f}" for row in rows))
    return table


def cache_table(stats: Sequence[BaseStats]) -> Table:
    """One row per base."""
    table = Table()
    for name in ("base", "fingerprint", "stored as"):
        table.add_column(name)
    for name in ("images", "size"):
        table.add_column(name, justify="right")
    for entry in stats:
        size = f"{entry['bytes'] / 1e6:.1f} MB"
        table.add_row(escape(entry["base"]), entry["fingerprint"][:16], entry["dtype"], str(entry["entries"]), size)
    return table
