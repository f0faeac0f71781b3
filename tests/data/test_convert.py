"""Writing COCO files: what is read back is the same task, and nothing is left half-written."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from samtailor.cli import main
from samtailor.data import ImageRecord, Instance, Task, convert, load_task, write_coco
from samtailor.data.pixels.outlines import mask_polygons
from samtailor.data.pixels.rle import mask_rle, polygons_rle
from samtailor.errors import DataError
from tests.data.helpers import check_round_trip, check_same, picture, write

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=10))
RING = np.zeros((8, 12), dtype=bool)
RING[1:7, 2:10] = True
RING[3:5, 4:8] = False


def instance(number: int, mask: np.ndarray, label: str = "cell", crowd: bool = False) -> Instance:
    return Instance(number, label, mask_rle(mask), int(mask.sum()), crowd)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """Two images of the same name, a hole, a crowd region, an empty mask, an image without instances."""
    root = tmp_path / "mine"
    first, second, third = (picture(root / part / "images" / "a.png") for part in ("train", "val", "train/B"))
    fourth = picture(root / "train" / "images" / "b.png")
    splits = {
        "train": (
            ImageRecord(first, 12, 8, (instance(7, RING), instance(3, ~RING, "wall", True))),
            ImageRecord(third, 12, 8, (instance(4, np.zeros((8, 12), dtype=bool)),)),
            ImageRecord(fourth, 12, 8),
        ),
        "val": (ImageRecord(second, 12, 8, (instance(7, RING, "wall"),)),),
    }
    return Task("mine", root, "made up", ("wall", "cell", "unused"), splits)


def test_what_is_read_back_is_the_same(task: Task, tmp_path: Path) -> None:
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
    ring, crowd, empty = json.loads((tmp_path / "out" / "as-polygons" / "train.json").read_text())["annotations"]
    assert len(ring["segmentation"]) == 2 and ring["bbox"] == [2, 1, 8, 6] and ring["area"] == int(RING.sum())
    assert "counts" in crowd["segmentation"] and crowd["iscrowd"] == 1 and "counts" in empty["segmentation"]


@given(MASKS)
def test_outlines_give_the_mask_again(mask: np.ndarray) -> None:
    polygons = mask_polygons(mask)
    assert bool(polygons) == bool(mask.any())
    if polygons:
        made, area = polygons_rle(polygons, *mask.shape)
        assert (coco_mask.decode(made) == mask).all() and area == mask.sum()


@given(st.lists(MASKS, min_size=1, max_size=4), st.booleans())
def test_any_masks_come_back(tmp_path_factory: pytest.TempPathFactory, masks: list[np.ndarray], polygons: bool) -> None:
    folder = tmp_path_factory.mktemp("masks")
    records = []
    for n, mask in enumerate(masks):
        height, width = mask.shape
        image = picture(folder / "in" / f"{n}.png", width, height)
        records.append(ImageRecord(image, width, height, (instance(2 * n, mask), instance(2 * n + 1, mask | True))))
    one = Task("in", folder / "in", "made up", ("cell",), {"test": tuple(records)})
    check_same(one, load_task(write_coco(one, folder / "out", polygons)))


def test_names_that_would_collide(tmp_path: Path) -> None:
    names = ("x/images/a.png", "x/a.png", "x/A.png", "x/a-2.png")
    records = tuple(
        ImageRecord(picture(tmp_path / "in" / name), 12, 8, (instance(n, RING),)) for n, name in enumerate(names)
    )
    outside = ImageRecord(picture(tmp_path / "other" / "a.png"), 12, 8, (instance(9, RING),))
    one = Task("in", tmp_path / "in", "made up", ("cell",), {"train": (*records, outside), "val": records[:1]})
    check_same(one, load_task(write_coco(one, tmp_path / "out")))
    written = [path.relative_to(tmp_path / "out" / "images").as_posix() for path in (tmp_path / "out").rglob("*.png")]
    assert len({name.lower() for name in written}) == len(written) == 5


def test_links_share_their_bytes(task: Task, tmp_path: Path) -> None:
    write_coco(task, tmp_path / "out", link=True)
    source = task.split("val")[0].path
    assert (tmp_path / "out" / "images" / "val" / "a.png").stat().st_ino == source.stat().st_ino


def test_all_or_nothing(task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "full" / "notes.txt", "mine")
    with pytest.raises(DataError, match="there already and not empty"):
        write_coco(task, tmp_path / "full")
    with pytest.raises(DataError, match="not empty"):
        write_coco(task, tmp_path / "full" / "notes.txt")
    (tmp_path / "empty").mkdir()
    assert write_coco(task, tmp_path / "empty") == tmp_path / "empty"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(convert.shutil, "copyfile", full)
    monkeypatch.setattr(convert.os, "link", full)
    before = sorted(tmp_path.iterdir())
    for link, hint in ((False, "with room"), (True, "leave --link out")):
        with pytest.raises(DataError, match=f"No space left.*{hint}"):
            write_coco(task, tmp_path / "out", link=link)
    task.split("val")[0].path.unlink()
    with pytest.raises(DataError, match=r"val.images.a\.png is missing"):
        write_coco(Task("v", task.root, "", task.classes, {"val": task.split("val")}), tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Exit code and output of ``samtailor ARGS``."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["samtailor", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        return (int(ended.value.code or 0), *capsys.readouterr())

    return run


def test_the_command(run: Callable[..., tuple[int, str, str]], task: Task, tmp_path: Path) -> None:
    source = write_coco(task, tmp_path / "source")
    code, out, _ = run("convert", source, "--out", tmp_path / "out", "--polygons", "--link", "--format", "coco")
    assert code == 0 and "train: 3 images, 3 instances" in out and "Read as COCO json" in out
    check_same(task, load_task(tmp_path / "out"))
    code, _, err = run("convert", source, "--out", tmp_path / "out")
    assert code == 2 and "not empty" in err
    code, _, err = run("inspect", source, "--format", "pascal")
    assert code == 2 and "'pascal' is not known" in err and "celebamask" in err
    code, _, err = run("inspect", source, "--format", "voc")
    assert code == 2 and "No folder JPEGImages" in err
    code, out, _ = run("inspect", source, "--split-by", r"([^/]+/[^/]+)$", "--json")
    assert code == 0 and "by the 4 groups of" in json.loads(out)["format"]


def test_coco_boxes_are_filled_when_asked_for(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    picture(tmp_path / "t" / "images" / "a.png")
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 1, 5, 3], "segmentation": []}
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 12, "height": 8}],
        "annotations": [annotation],
        "categories": [{"id": 1, "name": "cell"}],
    }
    file = write(tmp_path / "t" / "train.json", content)
    code, _, err = run("inspect", tmp_path / "t")
    assert code == 2 and "--boxes-as-masks" in err
    code, out, _ = run("inspect", tmp_path / "t", "--boxes-as-masks")
    assert code == 0 and "COCO json, rectangles, not masks" in out
    del annotation["segmentation"]
    write(file, content)
    one = load_task(tmp_path / "t", boxes_as_masks=True)
    assert one.split("train")[0].instances[0].area == 15
    for bad in (None, [1, 2, 3], [1, 1, 0, 4], [1, 1, -2, 4], [0, 0, float("nan"), 2]):
        write(file, content | {"annotations": [annotation | {"bbox": bad}]})
        with pytest.raises(DataError, match=r"train\.json: annotation 1 on image a\.png cannot be used"):
            load_task(tmp_path / "t", boxes_as_masks=True)
