"""Write the three example datasets of docs/guides/own-data.md and replace the outputs that the page shows.

    python -m tools.own_data_outputs           # refresh the page
    python -m tools.own_data_outputs FOLDER    # only write the datasets into FOLDER

They hold pictures of the bundled sample (cell nuclei, CC0) in the layouts in which users most often have their data.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tools.tutorial_outputs import ROOT, replace_outputs, run, steps

from samtailor.data import ImageRecord, load_task, read_image
from samtailor.data.pixels.outlines import mask_polygons

PAGE = ROOT / "docs" / "guides" / "own-data.md"
IMAGES = {"train": 12, "val": 4, "test": 4}


def _annotations(records: Sequence[ImageRecord], names: Sequence[str], category: int) -> dict[str, Any]:
    """Describe images as COCO does: polygons, areas and boxes."""
    images, annotations = [], []
    for number, (record, name) in enumerate(zip(records, names, strict=True)):
        images.append({"id": number, "file_name": name, "width": record.width, "height": record.height})
        for instance in record.instances:
            mask = instance.mask()
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            x, y = int(columns[0]), int(rows[0])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": category,
                    "segmentation": mask_polygons(mask),
                    "area": instance.area,
                    "bbox": [x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y],
                    "iscrowd": 0,
                }
            )
    return {"images": images, "annotations": annotations}


def _save(record: ImageRecord, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(read_image(record.path)).save(path, quality=92)


def write_roboflow(records: dict[str, Sequence[ImageRecord]], root: Path) -> None:
    """Write what Roboflow exports as "COCO Segmentation": a json file in each of train, valid and test."""
    for split, images in records.items():
        folder = root / ("valid" if split == "val" else split)
        names = [f"{r.path.stem}_jpg.rf.{hashlib.md5(r.path.name.encode()).hexdigest()}.jpg" for r in images]
        for record, name in zip(images, names, strict=True):
            _save(record, folder / name)
        categories = [
            {"id": 0, "name": "cells", "supercategory": "none"},
            {"id": 1, "name": "nucleus", "supercategory": "cells"},
        ]
        table = {"info": {}, "licenses": [], "categories": categories} | _annotations(images, names, 1)
        (folder / "_annotations.coco.json").write_text(json.dumps(table))
    (root / "README.roboflow.txt").write_text("An example in the layout of Roboflow.\n")


def write_published(records: dict[str, Sequence[ImageRecord]], root: Path) -> None:
    """Write the layout in which COCO itself is published: annotations/ beside train2017/ and val2017/."""
    (root / "annotations").mkdir(parents=True)
    for split in ("train", "val"):
        names = [f"{number:012}.jpg" for number in range(len(records[split]))]
        for record, name in zip(records[split], names, strict=True):
            _save(record, root / f"{split}2017" / name)
        table = {"categories": [{"id": 1, "name": "nucleus"}]} | _annotations(records[split], names, 1)
        (root / "annotations" / f"instances_{split}2017.json").write_text(json.dumps(table))


def write_semantic(records: dict[str, Sequence[ImageRecord]], root: Path) -> None:
    """Write what Roboflow exports as "Semantic Segmentation Masks": a.jpg, a_mask.png and _classes.csv."""
    for split, images in records.items():
        folder = root / ("valid" if split == "val" else split)
        for record in images:
            _save(record, folder / f"{record.path.stem}.jpg")
            mask = np.zeros((record.height, record.width), dtype=np.uint8)
            for instance in record.instances:
                mask[instance.mask()] = 1
            Image.fromarray(mask).save(folder / f"{record.path.stem}_mask.png")
        (folder / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, nucleus\n")


def write_examples(folder: Path) -> None:
    """Write the three datasets into ``folder``: roboflow/, published/ and semantic/."""
    task = load_task("sample")
    records = {split: task.split(split)[:count] for split, count in IMAGES.items()}
    write_roboflow(records, folder / "roboflow")
    write_published(records, folder / "published")
    write_semantic(records, folder / "semantic")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    if folder := parser.parse_args().folder:
        write_examples(folder)
        return
    page = PAGE.read_text()
    with tempfile.TemporaryDirectory() as name:
        write_examples(Path(name))
        environment = os.environ | {"COLUMNS": "80", "SAMTAILOR_CACHE": str(Path(name) / "cache")}
        outputs = [(step, run(step, Path(name), environment)) for step in steps(page)]
    # The folder that a reader has is another one.
    PAGE.write_text(replace_outputs(page, [(step, text.replace(f"{name}/", "")) for step, text in outputs]))


if __name__ == "__main__":
    main()
