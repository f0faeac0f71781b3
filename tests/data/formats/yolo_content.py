"""Content of YOLO data sets for the tests."""

from __future__ import annotations

from pathlib import Path

from tests.data.helpers import picture, write

# Width 20, height 10: x 5 to 15, y 2 to 8.
SQUARE = "0 0.25 0.2 0.5 0.2 0.75 0.2 0.75 0.8 0.25 0.8"
BOX = "1 0.5 0.5 0.5 0.6"

ULTRALYTICS = """\
# Ultralytics format
path: ../datasets/cells-seg # dataset root dir
train: images/train # train images (relative to 'path')
val: images/val
test: # test images (optional)

names:
  0: cell
  1: wall
"""
ROBOFLOW = """\
train: ../train/images
val: ../valid/images
test: ../test/images

nc: 2
names: ['cell', 'wall']

roboflow:
  workspace: me
  license: CC BY 4.0
"""


def add(root: Path, images: str, labels: str, stem: str, text: str | None = SQUARE) -> Path:
    """Save an image of 20 x 10 and write its label file; None writes none."""
    picture(root / images / f"{stem}.jpg", 20, 10)
    label = root / labels / f"{stem}.txt"
    return label if text is None else write(label, text + "\n")


def ultralytics(root: Path, *lines: str) -> Path:
    """Write one image in train, with these lines, and one in val; return the label file of train."""
    write(root / "data.yaml", ULTRALYTICS)
    add(root, "images/val", "labels/val", "b")
    return add(root, "images/train", "labels/train", "a", "\n".join(lines))
