"""Write the files of a prediction: one PNG per mask, and an overlay."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.drawing.overlay import draw_overlay, save_png
from samtailor.machine.files import write_atomically
from samtailor.predict import Prediction
from samtailor.prompts import Prompts

__all__ = ["write_prediction"]


def write_prediction(
    stem: str, pixels: np.ndarray, prediction: Prediction, prompts: Prompts, out: Path
) -> Iterator[tuple[Path, str]]:
    """Write ``STEM_mask_I[_J].png`` (0 and 255, size of the image) per prompt I and mask J, and ``STEM_overlay.png``.

    Of several masks, the one that the adapter was trained for is ``STEM_mask_I_J_trained.png``; the overlay shows it.

    Yields:
        Each path after it is written, with a short description.
    """
    n, m = prediction.iou.shape
    for i in range(n):
        for j in range(m):
            trained = m > 1 and any(prediction.trained[j : j + 1])
            suffix = "" if m == 1 else f"_{j}_trained" if trained else f"_{j}"
            path = out / f"{stem}_mask_{i}{suffix}.png"
            buffer = io.BytesIO()
            Image.fromarray(prediction.masks[i, j].astype(np.uint8) * 255).save(buffer, "PNG")
            write_atomically(path, buffer.getvalue())
            words = "the adapter's own mask, " if trained else ""
            words += f"{int(prediction.masks[i, j].sum())} pixels, estimated IoU {prediction.iou[i, j]:.2f}"
            yield path, words
    best = prediction.masks[np.arange(n), prediction.iou.argmax(1)]
    points = None if prompts.points is None else prompts.points.reshape(-1, 2)
    labels = None if prompts.labels is None else prompts.labels.reshape(-1)
    path = out / f"{stem}_overlay.png"
    save_png(path, draw_overlay(pixels, best, points=points, labels=labels, boxes=prompts.boxes))
    yield path, "overlay"
