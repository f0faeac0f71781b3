"""Summarise the scores of instances as rows with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from samtailor.evaluation.results import ClassScore, Gain, ScoreRow
from samtailor.evaluation.rows import BASE_ROWS, ROWS
from samtailor.evaluation.scoring import InstanceScore
from samtailor.metrics import per_class_means
from samtailor.metrics.bootstrap import Estimate, Resampler
from samtailor.metrics.scores import TOLERANCES

__all__ = ["gains", "score_rows"]

CLEARLY = 0.05  # IoU: an instance whose IoU changes by less is neither better nor worse

_Statistics = dict[str, Callable[[Resampler, Sequence[InstanceScore], str], np.ndarray]]


def _values(scores: Sequence[InstanceScore], row: str, name: str) -> np.ndarray:
    return np.array([getattr(s.scores[row], name) for s in scores])


_STATISTICS: _Statistics = {
    "miou": lambda r, s, m: r.mean_over_classes(_values(s, m, "iou"), [i.label for i in s]),
    "iou_instances": lambda r, s, m: r.mean(_values(s, m, "iou")),
    "boundary_iou": lambda r, s, m: r.mean(_values(s, m, "boundary_iou")),
}


def score_rows(scores: Sequence[InstanceScore]) -> tuple[ScoreRow, ...]:
    """Summarise each row that was scored; intervals come from resampling images."""
    if not scores:
        return ()
    resampler = Resampler([s.image for s in scores])
    return tuple(_score_row(scores, row, resampler) for row in ROWS if row in scores[0].scores)


def _score_row(scores: Sequence[InstanceScore], row: str, resampler: Resampler) -> ScoreRow:
    f1 = np.array([s.scores[row].boundary_f1 for s in scores]).mean(axis=0)
    labels = [s.label for s in scores]
    ious = per_class_means(_values(scores, row, "iou").tolist(), labels)
    boundary_ious = per_class_means(_values(scores, row, "boundary_iou").tolist(), labels)
    return ScoreRow(
        name=row,
        n=len(scores),
        **{name: Estimate.of(statistic(resampler, scores, row)) for name, statistic in _STATISTICS.items()},
        dice=float(_values(scores, row, "dice").mean()),
        boundary_f1={tolerance: float(value) for tolerance, value in zip(TOLERANCES, f1, strict=True)},
        hd95=float(_values(scores, row, "hd95").mean()),
        per_class={label: ClassScore(mean, n, boundary_ious[label][0]) for label, (mean, n) in ious.items()},
    )


def gains(scores: Sequence[InstanceScore]) -> tuple[Gain, ...]:
    """Compute what the adapted model gained over each row of the base, on the same instances and resamples.

    Without an adapter, or without rows of the base, there are no gains.
    """
    if not scores or "adapted" not in scores[0].scores:
        return ()
    resampler = Resampler([s.image for s in scores])
    adapted = {name: statistic(resampler, scores, "adapted") for name, statistic in _STATISTICS.items()}
    return tuple(_gain(scores, row, adapted, resampler) for row in BASE_ROWS if row in scores[0].scores)


def _gain(scores: Sequence[InstanceScore], row: str, adapted: dict[str, np.ndarray], resampler: Resampler) -> Gain:
    change = _values(scores, "adapted", "iou") - _values(scores, row, "iou")
    return Gain(
        over=row,
        **{
            name: Estimate.of(adapted[name] - statistic(resampler, scores, row))
            for name, statistic in _STATISTICS.items()
        },
        better=float((change > CLEARLY).mean()),
        worse=float((change < -CLEARLY).mean()),
    )
