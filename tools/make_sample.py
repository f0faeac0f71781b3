"""Choose the small task that comes with samtailor out of a larger COCO task; the same input gives the same output.

python tools/make_sample.py --source FOLDER --out src/samtailor/assets/sample

Images stay in their split and are copied byte for byte. Kinds of images (size, stain, brightness) get places by
the square root of their number, so that rare kinds appear and common ones do not crowd them out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from samtailor.data import load_task, read_image

PLACES = {"train": 40, "val": 10, "test": 20}
MOST_INSTANCES = 60
MOST_BYTES = 4_000_000
SEED = 0


def kind_of(path: Path) -> str:
    """Size, coloured or grey, bright or dark."""
    image = read_image(path).astype(np.int16)
    stain = "coloured" if (image.max(axis=2) - image.min(axis=2)).mean() >= 4 else "grey"
    light = "bright" if image.mean() >= 100 else "dark"
    return f"{image.shape[1]} x {image.shape[0]}, {stain}, {light}"


def rank(name: str) -> str:
    """A reproducible shuffle: sort by this."""
    return hashlib.blake2b(f"{SEED}:{name}".encode()).hexdigest()


def choose(kinds: dict[str, list[str]], places: int) -> list[str]:
    """File names, ``places`` in all, given out kind by kind to the one that is farthest below its share."""
    taken: Counter[str] = Counter()
    for _ in range(places):
        open_kinds = [kind for kind in sorted(kinds) if taken[kind] < len(kinds[kind])]
        taken[max(open_kinds, key=lambda kind: len(kinds[kind]) ** 0.5 / (taken[kind] + 0.5))] += 1
    return sorted(name for kind, names in kinds.items() for name in sorted(names, key=rank)[: taken[kind]])


def sample_split(content: dict[str, Any], folder: Path, places: int) -> dict[str, Any]:
    """The COCO content of a chosen part of one split, ids counted from 1."""
    masks = defaultdict(list)
    for annotation in content["annotations"]:
        masks[annotation["image_id"]].append(annotation)
    images = {image["file_name"]: image for image in content["images"]}
    kinds = defaultdict(list)
    for name, image in images.items():
        if 1 <= len(masks[image["id"]]) <= MOST_INSTANCES:
            kinds[kind_of(folder / name)].append(name)
    chosen = choose(kinds, places)
    info = {
        **content["info"],
        "selection": f"{places} of {len(images)} images, at most {MOST_INSTANCES} instances each",
    }
    part: dict[str, Any] = {"info": info, "images": [], "annotations": [], "categories": content["categories"]}
    for number, name in enumerate(chosen, start=1):
        part["images"].append({**images[name], "id": number})
        for annotation in masks[images[name]["id"]]:
            part["annotations"].append({**annotation, "id": len(part["annotations"]) + 1, "image_id": number})
    return part


def main() -> None:
    """Write the sample and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder with images/ and {train,val,test}.json")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; what was in it is replaced")
    options = parser.parse_args()
    parts = {
        split: sample_split(
            json.loads((options.source / f"{split}.json").read_bytes()), options.source / "images", places
        )
        for split, places in PLACES.items()
    }
    shutil.rmtree(options.out / "images", ignore_errors=True)
    (options.out / "images").mkdir(parents=True)
    for split, part in parts.items():
        (options.out / f"{split}.json").write_text(json.dumps(part, separators=(",", ":")) + "\n", encoding="utf-8")
        for image in part["images"]:
            shutil.copyfile(options.source / "images" / image["file_name"], options.out / "images" / image["file_name"])
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    if size > MOST_BYTES:
        raise SystemExit(f"The sample has {size} bytes; at most {MOST_BYTES} are wanted.")
    for split, records in load_task(options.out).splits.items():
        instances = sum(len(record.instances) for record in records)
        kinds = Counter(kind_of(record.path) for record in records)
        print(f"{split}: {len(records)} images, {instances} instances, {dict(kinds)}")
    print(f"{size} bytes")


if __name__ == "__main__":
    main()
