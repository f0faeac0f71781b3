"""From scores of instances to the rows of a table, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samtailor.evaluation.scoring import METHODS, InstanceScore
from samtailor.metrics import per_class_means
from samtailor.metrics.bootstrap import Estimate, Resampler
from samtailor.metrics.scores import TOLERANCES

__all__ = ["gains", "method_rows"]

CLEARLY = 0.05  # IoU: a smaller change of one instance is called neither better nor worse

_Statistics = dict[str, Callable[[Resampler, Sequence[InstanceScore], str], np.ndarray]]


def _values(scores: Sequence[InstanceScore], method: str, name: str) -> np.ndarray:
    return np.array([getattr(s.scores[method], name) for s in scores])


_STATISTICS: _Statistics = {
    "miou": lambda r, s, m: r.mean_over_classes(_values(s, m, "iou"), [i.label for i in s]),
    "iou_instances": lambda r, s, m: r.mean(_values(s, m, "iou")),
    "boundary_iou": lambda r, s, m: r.mean(_values(s, m, "boundary_iou")),
}


def method_rows(scores: Sequence[InstanceScore]) -> list[dict[str, Any]]:
    """One row per method.

    ``miou``: mean over classes of the mean over instances; all else: mean over instances. Intervals: 95 %, by
    resampling images. ``hd95`` in pixels.
    """
    if not scores:
        return []
    resampler = Resampler([s.image for s in scores])
    return [_row(scores, m, resampler) for m in METHODS if m in scores[0].scores]


def _row(scores: Sequence[InstanceScore], method: str, resampler: Resampler) -> dict[str, Any]:
    row: dict[str, Any] = {"method": method, "n": len(scores)}
    for name, statistic in _STATISTICS.items():
        estimate = Estimate.of(statistic(resampler, scores, method))
        row |= {name: estimate.value, f"{name}_interval": [estimate.low, estimate.high]}
    f1 = np.array([s.scores[method].boundary_f1 for s in scores]).mean(axis=0)
    row |= {
        "dice": float(_values(scores, method, "dice").mean()),
        "boundary_f1": {str(t): float(v) for t, v in zip(TOLERANCES, f1, strict=True)},
        "hd95": float(_values(scores, method, "hd95").mean()),
    }
    labels = [s.label for s in scores]
    edges = per_class_means(_values(scores, method, "boundary_iou").tolist(), labels)
    by_class = per_class_means(_values(scores, method, "iou").tolist(), labels)
    row["per_class"] = {k: {"iou": v, "n": n, "boundary_iou": edges[k][0]} for k, (v, n) in by_class.items()}
    return row


def gains(scores: Sequence[InstanceScore]) -> list[dict[str, Any]]:
    """What the adapted model gained over each base row, paired: the same instances, the same resamples.

    ``better`` and ``worse``: shares of instances whose IoU changed by more than 0.05.
    """
    if not scores or "adapted" not in scores[0].scores:
        return []
    resampler = Resampler([s.image for s in scores])
    ours = {name: f(resampler, scores, "adapted") for name, f in _STATISTICS.items()}
    found = []
    for method in [m for m in METHODS if m in scores[0].scores and m != "adapted"]:
        row: dict[str, Any] = {"method": "adapted", "over": method}
        for name, statistic in _STATISTICS.items():
            estimate = Estimate.of(ours[name] - statistic(resampler, scores, method))
            row |= {name: estimate.value, f"{name}_interval": [estimate.low, estimate.high]}
        change = _values(scores, "adapted", "iou") - _values(scores, method, "iou")
        row |= {"better": float((change > CLEARLY).mean()), "worse": float((change < -CLEARLY).mean())}
        found.append(row)
    return found
