"""Annotation files, damaged in their syntax, their structure or their values, in every format that is read."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from random import Random

from samtailor.errors import SamtailorError
from tests.campaigns.campaign import Campaign
from tests.campaigns.mutations.pictures import change_picture
from tests.campaigns.mutations.raw import change_bytes
from tests.campaigns.mutations.strange import put_strange_file
from tests.campaigns.mutations.texts import change_text
from tests.campaigns.sound.tasks import FORMATS, files_of, write_files

__all__ = ["ANNOTATIONS", "HUGGING_FACE", "prepare", "read_as_users_do"]

_PICTURES = (".png", ".jpg")


def read_as_users_do(root: Path, scratch: Path, rng: Random) -> str:
    """Load and inspect a task, print what was found, and convert some tasks and read them again."""
    from rich.console import Console

    from samtailor.cli.inspect import print_inspection
    from samtailor.data import inspect_task, load_task, write_coco

    boxes, skip = rng.random() < 0.5, rng.random() < 0.5
    task = load_task(root, boxes_as_masks=boxes, skip_broken=skip)
    inspection = inspect_task(task)
    print_inspection(Console(file=io.StringIO(), highlight=False), inspection)
    json.dumps(inspection.to_dict(), allow_nan=False)
    if rng.random() < 0.2:
        out = scratch / "converted"
        try:
            write_coco(task, out, polygons=rng.random() < 0.5)
        except SamtailorError:
            return "not converted"
        again = load_task(out)
        areas = [[[i.area for i in record.instances] for record in t.images] for t in (task, again)]
        assert areas[0] == areas[1], "the converted task differs from the one that was read"
    return f"{len(task.images)} images"


def _attempt(group: str, rng: Random, folder: Path) -> str:
    root = folder / "task"
    files = dict(files_of(group))
    texts = sorted(name for name in files if not name.endswith(_PICTURES))
    masks = sorted(name for name in files if "ask" in name or "Segmentation" in name or "panoptic" in name)
    name, strange = rng.choice(texts or masks), rng.random() < 0.05
    if masks and rng.random() < 0.3:
        name = rng.choice([n for n in masks if n.endswith(_PICTURES)] or masks)
    if name.endswith(_PICTURES):
        files[name] = change_picture(files[name], rng)
    elif rng.random() < 0.7:
        files[name] = change_text(Path(name).suffix, files[name], rng)
    else:
        files[name] = change_bytes(files[name], rng, rng.choice([1, 2, 4]))
    write_files(root, files)
    if strange:
        put_strange_file(root / rng.choice(sorted(files)), rng)
    os.environ["SAMTAILOR_PICTURES"] = str(folder / "pictures")
    return read_as_users_do(root, folder, rng)


def prepare() -> None:
    """Import what reading and inspecting a task needs, and build the sound tasks."""
    import rich.table  # noqa: F401
    from PIL import Image

    import samtailor.cli.inspect
    import samtailor.cli.output
    import samtailor.data.convert
    import samtailor.data.doctor.inspect
    import samtailor.data.load  # noqa: F401

    Image.init()
    for name in FORMATS:
        files_of(name)


def _prepare_datasets() -> None:
    prepare()
    import datasets  # noqa: F401


ANNOTATIONS = Campaign("annotations", tuple(name for name in FORMATS if name != "hf"), _attempt, prepare)
HUGGING_FACE = Campaign("hugging-face", ("hf",), _attempt, _prepare_datasets, limit_address_space=False)
