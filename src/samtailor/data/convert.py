"""Write a task as COCO files, which nearly every tool reads."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from pycocotools import mask as coco_mask

from samtailor.data.findings import times
from samtailor.data.pixels.outlines import mask_polygons
from samtailor.data.regroup import image_name
from samtailor.data.task import SPLITS, ImageRecord, Instance, Task
from samtailor.errors import DataError
from samtailor.machine.progress import Count, Note, Progress, silent

__all__ = ["write_coco"]


def write_coco(
    task: Task,
    out: str | Path,
    polygons: bool = False,
    link: bool = False,
    progress: Progress = silent,
) -> Path:
    """Write a json file for each split and the folder ``images/``. If anything fails, nothing is written.

    ``load_task(out)`` returns the same classes, splits, instance ids, masks and crowd flags.

    Args:
        task: the task.
        out: a folder that does not exist or is empty.
        polygons: write polygons along the pixels' borders instead of compressed RLE. A mask with holes is cut into
            pieces without holes. Crowd regions and empty masks stay RLE, because polygons cannot express them, and so
            do masks with a border of more than 500,000 pixels, such as chequered ones; a ``Note`` counts these.
        link: make hard links to the images instead of copies.
        progress: receives a ``Count`` of the stage "Writing" after each image, and a ``Note`` if masks stay RLE.

    Returns:
        ``out``.

    Raises:
        DataError: ``out`` is not empty or cannot be written, or an image cannot be copied.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(
            f"{out} already exists and is not empty; expected a new or empty folder.",
            "Choose another folder for --out.",
        )
    staging = out.absolute().with_name(f".{out.absolute().name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        staging.mkdir(parents=True)
        _write(task, staging, polygons, link, progress)
        if out.exists():
            out.rmdir()  # some systems cannot rename onto a folder, even an empty one
        staging.rename(out)
    except OSError as error:
        hint = "Choose a folder that you may write to, on a disk with free space."
        if link:
            hint = "Hard links need one disk and a file system that supports them: leave --link out."
        raise DataError(f"{out} cannot be written: {error.strerror or error}.", hint) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return out


def _write(task: Task, out: Path, polygons: bool, link: bool, progress: Progress) -> None:
    names = _names(task)
    total, done, kept = len(task.images), 0, 0
    progress(Count("Writing", done, total))
    categories = {name: number for number, name in enumerate(task.classes, 1)}
    for split, records in task.splits.items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, record in enumerate(records, 1):
            target = out / "images" / names[record.path]
            if not target.exists():  # an image may be in two splits
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy(record.path, target, link)
            images.append(
                {"id": number, "file_name": names[record.path], "width": record.width, "height": record.height}
            )
            added = [_annotation(i, number, categories[i.label], polygons) for i in record.instances]
            kept += sum(_stayed_rle(a, i) for a, i in zip(added, record.instances, strict=True)) if polygons else 0
            annotations += added
            done += 1
            progress(Count("Writing", done, total))
        content = {
            "info": {"description": f"{task.name}, converted by samtailor from {task.format}"},
            "images": images,
            "annotations": annotations,
            "categories": [{"id": number, "name": name} for name, number in categories.items()],
        }
        (out / f"{split}.json").write_text(json.dumps(content), encoding="ascii")
    if kept:
        progress(Note(f"{times(kept, 'mask')} with a very long border stayed RLE, which every reader of COCO takes."))


def _copy(source: Path, target: Path, link: bool) -> None:
    if not source.is_file():
        raise DataError(
            f"The image {source} is missing; expected it because the task lists it.", "Load the task again."
        )
    if link:
        os.link(source.resolve(), target)
    else:
        shutil.copyfile(source, target)


def _names(task: Task) -> dict[Path, str]:
    """Choose names below ``images/``: the paths below the task's root, without ``images`` and common parents.

    A folder named after a split gets the name of the split that the image is in now. No two names are equal, also on
    file systems where a.png and A.png are the same file.
    """
    short: dict[Path, PurePosixPath] = {}
    for split, records in task.splits.items():
        for record in records:
            short.setdefault(record.path, _short_name(record, task, split))
    while len({path.parts[0] for path in short.values()}) == 1 and all(len(p.parts) > 1 for p in short.values()):
        short = {source: PurePosixPath(*path.parts[1:]) for source, path in short.items()}
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for source, path in short.items():
        name, copy = path, 2
        while name.as_posix().lower() in taken:
            name, copy = path.with_name(f"{path.stem}-{copy}{path.suffix}"), copy + 1
        taken.add(name.as_posix().lower())
        names[source] = name.as_posix()
    return names


def _short_name(record: ImageRecord, task: Task, split: str) -> PurePosixPath:
    *folders, name = PurePosixPath(image_name(record, task)).parts
    kept = (split if folder in (*SPLITS, "valid") else folder for folder in folders if folder != "images")
    return PurePosixPath(*kept, name.replace("\\", "_"))


def _annotation(instance: Instance, image: int, category: int, polygons: bool) -> dict[str, Any]:
    segmentation: Any = {"size": list(instance.rle["size"]), "counts": _text(instance.rle["counts"])}
    if polygons and instance.area and not instance.crowd:
        segmentation = mask_polygons(instance.mask()) or segmentation
    return {
        "id": instance.id,
        "image_id": image,
        "category_id": category,
        "segmentation": segmentation,
        "area": instance.area,
        "bbox": coco_mask.toBbox(instance.rle).tolist(),
        "iscrowd": int(instance.crowd),
    }


def _stayed_rle(annotation: dict[str, Any], instance: Instance) -> bool:
    return isinstance(annotation["segmentation"], dict) and bool(instance.area) and not instance.crowd


def _text(counts: str | bytes) -> str:
    return counts.decode("ascii") if isinstance(counts, bytes) else counts
