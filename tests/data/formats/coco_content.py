"""Content of COCO files for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from samtailor.data.pixels.rle import mask_rle

MASK = np.zeros((6, 8), dtype=bool)
MASK[1:4, 2:7] = True


def plain_counts(mask: np.ndarray) -> list[int]:
    """Return the uncompressed counts of a mask."""
    counts, current = [0], False
    for value in mask.ravel(order="F").tolist():
        if value != current:
            counts.append(0)
            current = value
        counts[-1] += 1
    return counts


def text_rle(mask: np.ndarray) -> dict[str, Any]:
    """Return the compressed RLE of a mask, with its counts as text."""
    return {"size": list(mask.shape), "counts": mask_rle(mask)["counts"].decode()}


def content(segmentation: Any = None) -> dict[str, Any]:
    """Return a file with one image (8 x 6) and one annotation."""
    return {
        "images": [{"id": 3, "file_name": "a.png", "width": 8, "height": 6}],
        "annotations": [
            {"id": 5, "image_id": 3, "category_id": 2, "segmentation": segmentation or text_rle(MASK), "iscrowd": 0}
        ],
        "categories": [{"id": 2, "name": "cell"}],
    }


def save_task(root: Path, data: dict[str, Any], name: str = "train.json") -> Path:
    """Write the file and its images."""
    for image in data["images"]:
        path = root / "images" / image["file_name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 6)).save(path)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps(data))
    return root
