"""Write the sample that is bundled with samtailor, a selection from a larger COCO task.

python tools/make_sample.py --source FOLDER --out src/samtailor/assets/sample

Images stay in their split and are copied byte for byte. The number of images of each kind (size, stain, brightness) is
proportional to the square root of how many there are, so rare kinds are included. The same input gives the same output.
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

IMAGES = {"train": 40, "val": 10, "test": 20}
MOST_INSTANCES = 60
MOST_BYTES = 4_000_000
SEED = 0


def kind_of(path: Path) -> str:
    """Describe an image by size, colour (coloured or grey) and brightness (bright or dark)."""
    image = read_image(path).astype(np.int16)
    stain = "coloured" if (image.max(axis=2) - image.min(axis=2)).mean() >= 4 else "grey"
    light = "bright" if image.mean() >= 100 else "dark"
    return f"{image.shape[1]} x {image.shape[0]}, {stain}, {light}"


def rank(name: str) -> str:
    """Return a key for sorting names in a reproducible random order."""
    return hashlib.blake2b(f"{SEED}:{name}".encode()).hexdigest()


def choose(kinds: dict[str, list[str]], count: int) -> list[str]:
    """Choose ``count`` file names; each one comes from the kind that is farthest below its share."""
    chosen: Counter[str] = Counter()
    for _ in range(count):
        available = [kind for kind in sorted(kinds) if chosen[kind] < len(kinds[kind])]
        chosen[max(available, key=lambda kind: len(kinds[kind]) ** 0.5 / (chosen[kind] + 0.5))] += 1
    return sorted(name for kind, names in kinds.items() for name in sorted(names, key=rank)[: chosen[kind]])


def sample_split(content: dict[str, Any], folder: Path, count: int) -> dict[str, Any]:
    """Choose ``count`` images of one split and return their COCO content, with ids from 1."""
    masks = defaultdict(list)
    for annotation in content["annotations"]:
        masks[annotation["image_id"]].append(annotation)
    images = {image["file_name"]: image for image in content["images"]}
    kinds = defaultdict(list)
    for name, image in images.items():
        if 1 <= len(masks[image["id"]]) <= MOST_INSTANCES:
            kinds[kind_of(folder / name)].append(name)
    chosen = choose(kinds, count)
    info = {
        **content["info"],
        "selection": f"{count} of {len(images)} images, at most {MOST_INSTANCES} instances each",
    }
    part: dict[str, Any] = {"info": info, "images": [], "annotations": [], "categories": content["categories"]}
    for number, name in enumerate(chosen, start=1):
        part["images"].append({**images[name], "id": number})
        for annotation in masks[images[name]["id"]]:
            part["annotations"].append({**annotation, "id": len(part["annotations"]) + 1, "image_id": number})
    return part


def main() -> None:
    """Write the sample and print its contents."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder with images/ and {train,val,test}.json")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; existing files are replaced")
    options = parser.parse_args()
    parts = {
        split: sample_split(
            json.loads((options.source / f"{split}.json").read_bytes()), options.source / "images", count
        )
        for split, count in IMAGES.items()
    }
    shutil.rmtree(options.out / "images", ignore_errors=True)
    (options.out / "images").mkdir(parents=True)
    for split, part in parts.items():
        (options.out / f"{split}.json").write_text(json.dumps(part, separators=(",", ":")) + "\n", encoding="utf-8")
        for image in part["images"]:
            shutil.copyfile(options.source / "images" / image["file_name"], options.out / "images" / image["file_name"])
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    if size > MOST_BYTES:
        raise SystemExit(f"The sample has {size} bytes; at most {MOST_BYTES} are allowed. Choose fewer images.")
    for split, records in load_task(options.out).splits.items():
        instances = sum(len(record.instances) for record in records)
        kinds = Counter(kind_of(record.path) for record in records)
        print(f"{split}: {len(records)} images, {instances} instances, {dict(kinds)}")
    print(f"{size} bytes")


if __name__ == "__main__":
    main()
