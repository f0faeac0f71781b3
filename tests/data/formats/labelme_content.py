"""Content of LabelMe files for the tests."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.data.helpers import picture, write

SQUARE = [[2.0, 1.0], [7.0, 1.0], [7.0, 4.0], [2.0, 4.0]]


def shape(label: str = "cell", kind: str = "polygon", points: Any = None, **more: Any) -> dict[str, Any]:
    """Return a shape as LabelMe 5 writes it."""
    return {
        "label": label,
        "points": SQUARE if points is None else points,
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": None,
        **more,
    }


def png(mask: np.ndarray) -> str:
    """Return a mask as base64 of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def add(root: Path, stem: str, *shapes: dict[str, Any], **more: Any) -> Path:
    """Write a json file as LabelMe 5 does, beside its picture of 12 x 8."""
    image = picture(root / f"{stem}.jpg")
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": image.name,
        "imageData": None,
        "imageHeight": 8,
        "imageWidth": 12,
        **more,
    }
    return write(root / f"{stem}.json", content)
