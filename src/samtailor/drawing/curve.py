"""Draw the training curve: loss and validation mIoU by step, with the learning rate below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from samtailor.drawing.plotting import load_matplotlib
from samtailor.machine.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_curve", "smoothed"]

_LOSS, _VAL, _RATE, _INK, _GRID = "#8A94A6", "#1F77B4", "#C77F2E", "#2B2F36", "#E3E6EB"


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """Compute a centred moving average over finite values, (n,) -> (n,).

    The window is shorter at both ends. A window without a finite value gives NaN.
    """
    ones = np.ones(max(1, window))
    finite = np.isfinite(values)
    start = (len(ones) - 1) // 2
    total = np.convolve(np.where(finite, values, 0.0), ones)[start : start + len(values)]
    count = np.convolve(finite.astype(float), ones)[start : start + len(values)]
    mean = np.full(len(values), np.nan)
    np.divide(total, count, out=mean, where=count > 0.5)
    return mean


def plot_curve(metrics: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the curve of one fit and write it as a PNG, atomically.

    Args:
        metrics: rows in any order. A training row has ``step``, ``loss`` and ``lr``; a validation row has ``step`` and
            ``val_miou``. Step 0 is the base. Other keys are ignored; there may be no rows.
        path: the file to write; missing folders are created.

    Raises:
        SamtailorError: the file cannot be written.
    """
    figure = load_matplotlib("matplotlib.figure").Figure(
        figsize=(9.0, 5.4), dpi=120, facecolor="white", layout="constrained"
    )
    load_matplotlib("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
    score = upper.twinx()
    for axes in (upper, lower, score):
        _style(axes)
    score.grid(visible=False)

    steps, losses = _series(metrics, "loss")
    _draw_loss(upper, steps, losses)
    _draw_validation(score, *_series(metrics, "val_miou"))
    rate_steps, rates = _series(metrics, "lr")
    if len(rates):
        lower.plot(rate_steps, rates, color=_RATE, linewidth=1.5)
        lower.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    else:
        lower.set_yticks([])
    lower.set_ylabel("learning rate", color=_RATE)
    lower.set_ylim(bottom=0)
    lower.set_xlabel("step", color=_INK)
    last = max((float(row["step"]) for row in metrics if "step" in row), default=0.0)
    lower.set_xlim(-0.02 * max(last, 1.0), 1.02 * max(last, 1.0))
    lower.xaxis.get_major_locator().set_params(integer=True)
    figure.align_ylabels([upper, lower])
    content = BytesIO()
    figure.savefig(content, format="png")
    write_atomically(Path(path), content.getvalue())


def _series(metrics: Sequence[Mapping[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and values of the rows that have ``key``, sorted by step; None becomes NaN."""
    pairs = sorted((float(r["step"]), float("nan") if r[key] is None else float(r[key])) for r in metrics if key in r)
    table = np.array(pairs, dtype=float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _draw_loss(axes: Axes, steps: np.ndarray, losses: np.ndarray) -> None:
    axes.set_ylabel("training loss", color=_INK)
    if not np.isfinite(losses).any():
        axes.set_yticks([])
        return
    window = max(1, len(losses) // 25)
    axes.plot(steps, losses, color=_LOSS, linewidth=0.7, alpha=0.45)
    axes.plot(steps, smoothed(losses, window), color=_INK, linewidth=1.6, label="training loss, smoothed")
    # Leave out outliers: a few high losses in the first steps would flatten the rest of the curve.
    top = float(np.nanpercentile(losses[np.isfinite(losses)], 99)) * 1.15
    axes.set_ylim(0, top if top > 0 else 1)


def _draw_validation(axes: Axes, steps: np.ndarray, values: np.ndarray) -> None:
    axes.set_ylabel("validation mIoU", color=_VAL)
    axes.yaxis.set_label_position("right")
    axes.yaxis.tick_right()
    finite = np.isfinite(values)
    steps, values = steps[finite], values[finite]
    handles, names = axes.figure.axes[0].get_legend_handles_labels()
    if len(values):
        (line,) = axes.plot(steps, values, color=_VAL, linewidth=2.0, marker="o", markersize=4)
        handles, names = [*handles, line], [*names, "validation mIoU"]
        if steps[0] == 0:
            level = axes.axhline(values[0], color=_VAL, linewidth=1.2, linestyle=(0, (5, 4)), alpha=0.75)
            handles, names = [*handles, level], [*names, f"base {values[0]:.3f}"]
        best = int(np.argmax(values))
        if steps[best] > 0:
            mark = axes.scatter(
                steps[best], values[best], s=130, facecolors="none", edgecolors=_RATE, linewidths=2, zorder=5
            )
            handles, names = [*handles, mark], [*names, f"best {values[best]:.3f} at step {steps[best]:,.0f}"]
        room = max(0.02, 0.12 * float(np.ptp(values)))
        axes.set_ylim(max(0.0, values.min() - room), min(1.01, values.max() + room))
    else:
        axes.set_yticks([])
    if handles:
        legend = axes.figure.legend(
            handles, names, loc="outside upper center", ncols=len(handles), frameon=False, fontsize=9
        )
        for text in legend.get_texts():
            text.set_color(_INK)


def _style(axes: Axes) -> None:
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color("#B6BCC6")
    axes.tick_params(length=0, labelsize=9, colors="#5B6470")
    axes.grid(visible=True, axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
