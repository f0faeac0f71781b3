"""The training curve is drawn from any log of a fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samtailor.drawing.curve import plot_curve, smoothed


def test_smoothing_keeps_constants_and_skips_numbers_that_are_not_finite() -> None:
    assert np.allclose(smoothed(np.full(7, 2.0), 3), 2.0)
    assert np.allclose(smoothed(np.array([1.0, np.nan, 3.0]), 3), [1.0, 2.0, 3.0])
    assert np.allclose(smoothed(np.array([0.0, 3.0, 6.0, 3.0]), 3), [1.5, 3.0, 4.0, 4.5])
    assert np.isnan(smoothed(np.array([np.nan]), 5)).all()
    assert smoothed(np.zeros(2), 9).shape == (2,)


TRAINING = [{"step": s, "seconds": s / 2, "loss": 1 / s, "lr": 1e-3, "grad_norm": 1.0} for s in range(1, 60)]
BASE_ROW = {"step": 0, "seconds": 0.0, "val_miou": 0.6, "val_iou_instances": 0.6, "val_n": 10}


@pytest.mark.parametrize(
    "metrics",
    [
        [],
        [BASE_ROW],
        TRAINING[:1],
        [*TRAINING, BASE_ROW, BASE_ROW | {"step": 50, "val_miou": 0.8}],
        [BASE_ROW | {"val_miou": None}, *TRAINING[:3], TRAINING[3] | {"loss": float("nan")}],
        [BASE_ROW | {"val_miou": 1.0}, TRAINING[0] | {"loss": 0.0, "lr": 0.0}],
    ],
    ids=["none", "base only", "one step", "usual", "not finite", "flat"],
)
def test_a_curve_is_drawn_from_any_rows(metrics: list[dict[str, float]], tmp_path: Path) -> None:
    plot_curve(metrics, tmp_path / "curve.png")
    assert [p.name for p in tmp_path.iterdir()] == ["curve.png"]
    drawn = np.asarray(Image.open(tmp_path / "curve.png").convert("RGB")).astype(int)
    height, width = drawn.shape[:2]
    assert min(height, width) > 400
    inside = drawn[height // 20 : height * 7 // 10, width // 10 : width * 9 // 10]
    blue = (inside[..., 2] - inside[..., 0] > 60).sum()
    assert (blue > 300) == any(r.get("val_miou") is not None for r in metrics), "validation line or base level"
