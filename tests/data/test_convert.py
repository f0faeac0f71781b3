"""A task written as COCO and loaded again is the same, and a failure leaves nothing half-written."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from samtailor.data import ImageRecord, Task, convert, load_task, write_coco
from samtailor.machine.progress import Count, Event, Note
from tests.data.helpers import check_round_trip, check_same, data_error, instance, picture, write

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=10))
RING = np.zeros((8, 12), dtype=bool)
RING[1:7, 2:10] = True
RING[3:5, 4:8] = False


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """Two images of the same name, a hole, a crowd region, an empty mask, and an image without instances."""
    root = tmp_path / "mine"
    first, second, third = (picture(root / part / "images" / "a.png") for part in ("train", "val", "train/B"))
    fourth = picture(root / "train" / "images" / "b.png")
    splits = {
        "train": (
            ImageRecord(first, 12, 8, (instance(7, RING), instance(3, ~RING, "wall", True))),
            ImageRecord(third, 12, 8, (instance(4, RING & False),)),
            ImageRecord(fourth, 12, 8),
        ),
        "val": (ImageRecord(second, 12, 8, (instance(7, RING, "wall"),)),),
    }
    return Task("mine", root, "made up", ("wall", "cell", "unused"), splits)


def test_a_task_is_the_same_after_a_round_trip(task: Task, tmp_path: Path) -> None:
    check_round_trip(task, tmp_path / "out")
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert files[-6:] == [
        "as-rle/images/train/B/a.png",
        "as-rle/images/train/a.png",
        "as-rle/images/train/b.png",
        "as-rle/images/val/a.png",
        "as-rle/train.json",
        "as-rle/val.json",
    ]


def test_a_mask_with_a_very_long_border_stays_rle(tmp_path: Path) -> None:
    chequered = (np.add.outer(np.arange(1500), np.arange(1500)) % 2).astype(bool)
    combed = np.zeros((1500, 1500), dtype=bool)
    combed[:, ::2] = combed[::700] = True
    path = picture(tmp_path / "mine" / "images" / "a.png", 1500, 1500)
    masks = (instance(1, chequered), instance(2, combed), instance(3, np.tri(1500, dtype=bool)))
    events: list[Event] = []
    task = Task("mine", tmp_path / "mine", "made up", ("cell",), {"train": (ImageRecord(path, 1500, 1500, masks),)})
    start = time.monotonic()
    write_coco(task, tmp_path / "out", polygons=True, progress=events.append)
    assert time.monotonic() - start < 20  # over a minute without the bound
    rows = json.loads((tmp_path / "out" / "train.json").read_text())["annotations"]
    assert [isinstance(row["segmentation"], dict) for row in rows] == [True, True, False]
    assert [event.text[:40] for event in events if isinstance(event, Note)] == [
        "2 masks with a very long border stayed R"
    ]
    check_same(task, load_task(tmp_path / "out" / "train.json"))


def test_polygons_are_cut_at_holes_and_crowds_stay_rle(task: Task, tmp_path: Path) -> None:
    write_coco(task, tmp_path / "out", polygons=True)
    ring, crowd, empty = json.loads((tmp_path / "out" / "train.json").read_text())["annotations"]
    assert len(ring["segmentation"]) == 2 and ring["bbox"] == [2, 1, 8, 6] and ring["area"] == int(RING.sum())
    assert "counts" in crowd["segmentation"] and crowd["iscrowd"] == 1 and "counts" in empty["segmentation"]


@given(st.lists(MASKS, min_size=1, max_size=4), st.booleans())
def test_any_masks_are_the_same_after_a_round_trip(
    tmp_path_factory: pytest.TempPathFactory, masks: list[np.ndarray], polygons: bool
) -> None:
    folder = tmp_path_factory.mktemp("masks")
    records = []
    for n, mask in enumerate(masks):
        height, width = mask.shape
        image = picture(folder / "in" / f"{n}.png", width, height)
        records.append(ImageRecord(image, width, height, (instance(2 * n, mask), instance(2 * n + 1, mask | True))))
    task = Task("in", folder / "in", "made up", ("cell",), {"test": tuple(records)})
    check_same(task, load_task(write_coco(task, folder / "out", polygons)))


def test_images_with_similar_paths_get_different_names(tmp_path: Path) -> None:
    names = ("x/images/a.png", "x/a.png", "x/A.png", "x/a-2.png")
    records = tuple(
        ImageRecord(picture(tmp_path / "in" / name), 12, 8, (instance(n, RING),)) for n, name in enumerate(names)
    )
    outside = ImageRecord(picture(tmp_path / "other" / "a.png"), 12, 8, (instance(9, RING),))
    task = Task("in", tmp_path / "in", "made up", ("cell",), {"train": (*records, outside), "val": records[:1]})
    check_same(task, load_task(write_coco(task, tmp_path / "out")))
    written = [path.relative_to(tmp_path / "out" / "images").as_posix() for path in (tmp_path / "out").rglob("*.png")]
    assert len({name.lower() for name in written}) == len(written) == 5


def test_hard_links_share_the_file(task: Task, tmp_path: Path) -> None:
    write_coco(task, tmp_path / "out", link=True)
    source = task.split("val")[0].path
    assert (tmp_path / "out" / "images" / "val" / "a.png").stat().st_ino == source.stat().st_ino


def test_progress_counts_the_images(task: Task, tmp_path: Path) -> None:
    events: list[Event] = []
    write_coco(task, tmp_path / "out", progress=events.append)
    assert events == [Count("Writing", done, 4) for done in range(5)]


def test_only_a_new_or_empty_folder_is_written(task: Task, tmp_path: Path) -> None:
    write(tmp_path / "full" / "notes.txt", "mine")
    for path in (tmp_path / "full", tmp_path / "full" / "notes.txt"):
        with data_error(f"{path} already exists and is not empty"):
            write_coco(task, path)
    (tmp_path / "empty").mkdir()
    assert write_coco(task, tmp_path / "empty") == tmp_path / "empty"


@pytest.mark.parametrize(("link", "hint"), [(False, "free space"), (True, "leave --link out")])
def test_a_full_disk_leaves_nothing_behind(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: bool, hint: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(convert.shutil, "copyfile", full)
    monkeypatch.setattr(convert.os, "link", full)
    before = sorted(tmp_path.iterdir())
    with data_error("No space left", hint):
        write_coco(task, tmp_path / "out", link=link)
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_image_leaves_nothing_behind(task: Task, tmp_path: Path) -> None:
    image = task.split("val")[0].path
    image.unlink()
    before = sorted(tmp_path.iterdir())
    with data_error(f"{image} is missing"):
        write_coco(task, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before
