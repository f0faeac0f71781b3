"""Rows of Hugging Face data sets with a mask picture for each object are read to the pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samtailor.data import load_task
from tests.data.formats.scenes import check_scenes, mask_of, photo, scene
from tests.data.helpers import left_out, save

datasets = pytest.importorskip("datasets")

NAMES = ["leaf", "stem"]


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write pictures inside rows to a folder of the test."""
    monkeypatch.setenv("SAMTAILOR_PICTURES", str(tmp_path / "pictures"))


def columns(root: Path) -> tuple[list[str], list[list[str]], list[list[int]]]:
    images, masks, labels = [], [], []
    for n in range(3):
        images.append(str(photo(root / f"i{n}.png")))
        files = [save(root / f"m{n}_{k}.png", mask_of(s).astype(np.uint8) * 255) for k, s in enumerate(scene(n))]
        masks.append([str(file) for file in files])
        labels.append([NAMES.index(s[0]) for s in scene(n)])
    return images, masks, labels


def write(root: Path, rows: dict[str, Any], features: dict[str, Any]) -> Path:
    data = datasets.Dataset.from_dict(rows, features=datasets.Features(features))
    (root / "data").mkdir()
    data.to_parquet(root / "data" / "train-00000.parquet")
    return root / "data"


def numbers(task: Any) -> dict[str, int]:
    return {record.path.stem: n for n, record in enumerate(sorted(task.images, key=lambda r: r.path.stem))}


@pytest.mark.parametrize("named", [True, False])
def test_a_list_of_masks_with_a_list_of_classes(tmp_path: Path, named: bool) -> None:
    images, masks, labels = columns(tmp_path)
    feature = datasets.ClassLabel(names=NAMES) if named else datasets.Value("string")
    values = labels if named else [[NAMES[k] for k in row] for row in labels]
    features = {"image": datasets.Image(), "masks": [datasets.Image()], "labels": [feature]}
    task = load_task(write(tmp_path, {"image": images, "masks": masks, "labels": values}, features))
    assert task.classes == ("leaf", "stem")
    check_scenes(task, numbers(task))


def test_a_list_of_masks_without_classes(tmp_path: Path) -> None:
    images, masks, _ = columns(tmp_path)
    features = {"image": datasets.Image(), "masks": [datasets.Image()]}
    task = load_task(write(tmp_path, {"image": images, "masks": masks}, features))
    check_scenes(task, numbers(task), "object")


def test_objects_with_mask_pictures(tmp_path: Path) -> None:
    images, masks, labels = columns(tmp_path)
    objects = [
        [{"mask": m, "category": c} for m, c in zip(files, row, strict=True)]
        for files, row in zip(masks, labels, strict=True)
    ]
    fields = {"mask": datasets.Image(), "category": datasets.ClassLabel(names=NAMES)}
    features = {"image": datasets.Image(), "objects": [fields]}
    task = load_task(write(tmp_path, {"image": images, "objects": objects}, features))
    check_scenes(task, numbers(task))


def test_a_row_whose_lists_differ_is_left_out(tmp_path: Path) -> None:
    images, masks, labels = columns(tmp_path)
    labels[1] = labels[1][:1]
    features = {"image": datasets.Image(), "masks": [datasets.Image()], "labels": [datasets.Value("int64")]}
    root = write(tmp_path, {"image": images, "masks": masks, "labels": labels}, features)
    (root / "classes.json").write_text('{"1": "stem", "2": "leaf"}')
    task = load_task(root, skip_broken=True)
    assert "row 1" in left_out(task) or "category 0" in left_out(task)
