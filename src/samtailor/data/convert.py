"""Writing a task as COCO files, which nearly every tool reads."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from pycocotools import mask as coco_mask

from samtailor.data.pixels.outlines import mask_polygons
from samtailor.data.regroup import image_name
from samtailor.data.task import SPLITS, ImageRecord, Instance, Task
from samtailor.errors import DataError

__all__ = ["write_coco"]


def write_coco(
    task: Task,
    out: str | Path,
    polygons: bool = False,
    link: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write ``train.json``, ``val.json``, ``test.json`` (those the task has) and ``images/``; all of it or nothing.

    ``load_task(out)`` gives the same classes, splits, instance ids, masks and crowd flags.

    Args:
        task: the task.
        out: a folder that does not exist yet, or is empty.
        polygons: polygons along the pixels' borders instead of compressed RLE. Masks with holes are cut into
            pieces without; crowd regions and empty masks stay RLE, as polygons cannot say them.
        link: hard links to the images instead of copies.
        progress: called as progress(done, total) after each image.

    Returns:
        ``out``.

    Raises:
        DataError: ``out`` is not empty or cannot be written, or an image cannot be copied.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is there already and not empty.", "Choose another folder for --out.")
    made = out.absolute().with_name(f".{out.absolute().name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        made.mkdir(parents=True)
        _write(task, made, polygons, link, progress)
        if out.exists():
            out.rmdir()  # some systems do not rename onto a folder, even an empty one
        made.rename(out)
    except OSError as error:
        hint = "Choose a folder on a disk with room that you may write to."
        if link:
            hint = "Hard links need one disk, and a file system that has them: leave --link out."
        raise DataError(f"{out} cannot be written: {error.strerror or error}.", hint) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return out


def _write(task: Task, out: Path, polygons: bool, link: bool, progress: Callable[[int, int], None] | None) -> None:
    names = _names(task)
    total, done = sum(len(records) for records in task.splits.values()), 0
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
            annotations += [_annotation(i, number, categories[i.label], polygons) for i in record.instances]
            done += 1
            if progress is not None:
                progress(done, total)
        content = {
            "info": {"description": f"{task.name}, converted by samtailor from {task.format}"},
            "images": images,
            "annotations": annotations,
            "categories": [{"id": number, "name": name} for name, number in categories.items()],
        }
        (out / f"{split}.json").write_text(json.dumps(content), encoding="ascii")


def _copy(source: Path, target: Path, link: bool) -> None:
    if not source.is_file():
        raise DataError(f"The image {source} is missing.", "Load the task again.")
    if link:
        os.link(source.resolve(), target)
    else:
        shutil.copyfile(source, target)


def _names(task: Task) -> dict[Path, str]:
    """Names below ``images/``: those below the task's root without folders called ``images`` and common parents.

    A folder called like a split gets the name of the split that the image is in now. No two are equal, even where the
    file system takes a.png and A.png for the same.
    """
    found: dict[Path, PurePosixPath] = {}
    for split, records in task.splits.items():
        for record in records:
            found.setdefault(record.path, _short_name(record, task, split))
    while len({path.parts[0] for path in found.values()}) == 1 and all(len(p.parts) > 1 for p in found.values()):
        found = {source: PurePosixPath(*path.parts[1:]) for source, path in found.items()}
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for source, path in found.items():
        name, again = path, 2
        while name.as_posix().lower() in taken:
            name, again = path.with_name(f"{path.stem}-{again}{path.suffix}"), again + 1
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
        segmentation = mask_polygons(instance.mask())
    return {
        "id": instance.id,
        "image_id": image,
        "category_id": category,
        "segmentation": segmentation,
        "area": instance.area,
        "bbox": coco_mask.toBbox(instance.rle).tolist(),
        "iscrowd": int(instance.crowd),
    }


def _text(counts: str | bytes) -> str:
    return counts.decode("ascii") if isinstance(counts, bytes) else counts
