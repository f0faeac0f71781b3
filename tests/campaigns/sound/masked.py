"""Small tasks in the formats that keep their masks in pictures. Pictures have 12 x 8 pixels, faces 32 x 32."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.data.formats.test_celebamask import add_face
from tests.data.formats.test_voc import add, list_split
from tests.data.helpers import picture, save, write

LABELS = np.zeros((8, 12), dtype=np.uint8)
LABELS[1:4, 2:7], LABELS[5:7, 8:11] = 1, 2
IMAGES = 3


def voc(root: Path) -> None:
    for n in range(IMAGES):
        add(root, str(n))
    rows = ("background:0,0,0", "aeroplane:128,0,0", "cat:64,0,0", "person:192,128,128")
    write(root / "labelmap.txt", "\n".join(["# label:color_rgb:parts:actions", *(f"{row}::" for row in rows), ""]))
    list_split(root, "train", "0", "1")
    list_split(root, "val", "2")


def folders(root: Path) -> None:
    for split in ("train", "val"):
        for n in range(2):
            picture(root / split / "images" / f"{n}.png")
            save(root / split / "masks" / f"{n}.png", LABELS)
    write(root / "classes.json", {"1": "cell", "2": "wall"})


def celebamask(root: Path) -> None:
    for n in range(IMAGES):
        add_face(root, n)


def hugging_face(root: Path) -> None:
    for split in ("train", "test"):
        lines = []
        for n in range(2):
            picture(root / split / f"{n}.jpg")
            save(root / split / f"{n}_mask.png", LABELS)
            lines.append(json.dumps({"file_name": f"{n}.jpg", "mask_file_name": f"{n}_mask.png"}))
        write(root / split / "metadata.jsonl", "\n".join(lines) + "\n")
    write(
        root / "README.md", "---\nconfigs:\n- config_name: default\n  data_files: http://localhost:9/x.parquet\n---\n"
    )
