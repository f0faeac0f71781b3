"""The commands ``inspect`` and ``convert`` on small tasks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from samtailor.cli import main
from samtailor.data import ImageRecord, Task, load_task, write_coco
from tests.data.doctor.helpers import disc, scene
from tests.data.helpers import check_same, data_error, instance, picture, save, write

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return exit code and output of ``samtailor ARGS``."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["samtailor", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        return (int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    """A folder task of four different pictures in each split, with one disc each."""
    for n, split in enumerate(("train", "val", "test")):
        for i in range(4):
            save(tmp_path / split / "images" / f"{i}.png", scene(10 * n + i))
            save(tmp_path / split / "masks" / f"{i}.png", disc(30, 60).astype(np.uint8))
    return tmp_path


def test_warnings_do_not_fail_a_strict_inspection(run: Run, discs: Path) -> None:
    code, out, _ = run("inspect", discs, "--strict")
    assert code == 0 and "3 warnings" in out


def test_errors_fail_a_strict_inspection_and_come_first(run: Run, discs: Path) -> None:
    leak = discs / "test" / "images" / "2.png"
    original = discs / "train" / "images" / "1.png"
    leak.write_bytes(original.read_bytes())
    code, out, _ = run("inspect", discs)
    assert code == 0
    assert out.index("error same-picture") < out.index("warning few-instances")
    assert "in test/images/2.png" in out and "--split-by REGEX" in out
    code, out, _ = run("inspect", discs, "--strict", "--json")
    plain = json.loads(out)
    assert code == 1 and plain["findings"][0]["files"] == [str(leak)] and plain["duplicates"][0]["kind"] == "bytes"
    assert plain["leaks"] == [[str(original), str(leak)]]


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """A COCO task of four images in train and val."""
    mask = np.eye(8, 12, dtype=bool)
    images = [picture(tmp_path / "in" / f"{name}.png") for name in "abcd"]
    records = tuple(ImageRecord(image, 12, 8, (instance(n, mask),)) for n, image in enumerate(images))
    task = Task("cells", tmp_path / "in", "made up", ("cell",), {"train": records[:3], "val": records[3:]})
    return write_coco(task, tmp_path / "cells")


def test_convert_writes_the_same_task_once(run: Run, cells: Path, tmp_path: Path) -> None:
    code, out, _ = run("convert", cells, "--out", tmp_path / "out", "--polygons", "--link", "--format", "coco")
    assert code == 0 and "train: 3 images, 3 instances" in out and "Read as COCO json" in out
    check_same(load_task(cells), load_task(tmp_path / "out"))
    code, _, err = run("convert", cells, "--out", tmp_path / "out")
    assert code == 2 and "not empty" in err


def test_the_format_option_chooses_the_layout(run: Run, cells: Path) -> None:
    code, _, err = run("inspect", cells, "--format", "pascal")
    assert code == 2 and "'pascal' is not known" in err and "celebamask" in err
    code, _, err = run("inspect", cells, "--format", "voc")
    assert code == 2 and "no folder JPEGImages" in err


def test_the_split_by_option_makes_groups(run: Run, cells: Path) -> None:
    code, out, _ = run("inspect", cells, "--split-by", r"([^/]+/[^/]+)$", "--json")
    assert code == 0 and "by the 4 groups of" in json.loads(out)["format"]


def test_the_boxes_as_masks_option_fills_boxes(run: Run, tmp_path: Path) -> None:
    picture(tmp_path / "t" / "images" / "a.png")
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 1, 5, 3], "segmentation": []}
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 12, "height": 8}],
        "annotations": [annotation],
        "categories": [{"id": 1, "name": "cell"}],
    }
    write(tmp_path / "t" / "train.json", content)
    code, _, err = run("inspect", tmp_path / "t")
    assert code == 2 and "--boxes-as-masks" in err
    code, out, _ = run("inspect", tmp_path / "t", "--boxes-as-masks")
    assert code == 0 and "COCO json, rectangles, not masks" in out
    with data_error("--boxes-as-masks"):
        load_task(tmp_path / "t")
