"""Hugging Face data sets: label maps and objects from every kind of folder, and faults with their rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from samtailor.data import RECTANGLES, load_task, read_hf
from samtailor.data.pixels.rle import mask_rle
from samtailor.errors import DataError, SamtailorError
from tests.data.helpers import check_round_trip, masks_of, picture, write

datasets = pytest.importorskip("datasets")

LABELS = np.zeros((8, 12), dtype=np.uint8)
LABELS[1:4, 2:7], LABELS[5:7, 8:11] = 1, 2
SQUARE = [2.0, 1.0, 7.0, 1.0, 7.0, 4.0, 2.0, 4.0]


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where pictures inside rows are written, one of the test's own."""
    monkeypatch.setenv("SAMTAILOR_PICTURES", str(tmp_path / "pictures"))
    return tmp_path / "pictures"


def rows(folder: Path, count: int, **columns: Any) -> Any:
    """Rows with an image each, and more columns: lists, or (list, feature)."""
    made = {"image": [str(picture(folder / f"{n}.jpg")) for n in range(count)]}
    features = {"image": datasets.Image()}
    for name, column in columns.items():
        made[name], features[name] = column
    return datasets.Dataset.from_dict(made, features=datasets.Features(features))


def masks(folder: Path, count: int, labels: np.ndarray = LABELS) -> tuple[list[str], Any]:
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        Image.fromarray(labels).save(folder / f"mask{n}.png")
    return [str(folder / f"mask{n}.png") for n in range(count)], datasets.Image()


def objects(entries: list[list[dict[str, Any]]], as_list: bool = True, **feature: Any) -> tuple[list[Any], Any]:
    fields = {"category": datasets.ClassLabel(names=["cell", "wall"]), **feature}
    if as_list:
        return entries, [fields]
    columns = [{key: [entry[key] for entry in some] for key in fields} for some in entries]
    return columns, datasets.Sequence(fields)


POLYGONS = datasets.Sequence(datasets.Sequence(datasets.Value("float64")))
BOX = datasets.Sequence(datasets.Value("float64"), length=4)


def test_saved_to_disk_with_splits(tmp_path: Path, pictures: Path) -> None:
    made = {
        split: rows(tmp_path / split, n, mask=masks(tmp_path / split, n)) for split, n in (("train", 3), ("test", 1))
    }
    made["validation"] = made["test"]
    datasets.DatasetDict(made).save_to_disk(tmp_path / "cells")
    task = load_task(tmp_path / "cells")
    assert {split: len(records) for split, records in task.splits.items()} == {"train": 3, "val": 1, "test": 1}
    assert task.format == "Hugging Face data set, one instance per value" and task.classes == ("object",)
    assert all((mask == (n == LABELS)).all() for n, (_, mask) in enumerate(masks_of(task, "val"), 1))
    check_round_trip(task, tmp_path / "out")
    (tmp_path / "train" / "0.jpg").unlink()  # the bytes are in the rows
    written = sorted(path.relative_to(pictures).as_posix() for path in pictures.rglob("*.jpg"))
    before = [(pictures / name).stat().st_mtime_ns for name in written]
    assert [name.partition("/")[2] for name in written] == [
        "test/0.jpg",
        *(f"train/{n}.jpg" for n in range(3)),
        "val/0.jpg",
    ]
    assert load_task(tmp_path / "cells").splits == task.splits
    assert before == [(pictures / name).stat().st_mtime_ns for name in written]


def test_rows_without_splits_and_classes_json(tmp_path: Path) -> None:
    rows(tmp_path / "in", 10, label=masks(tmp_path / "in", 10)).save_to_disk(tmp_path / "cells")
    write(tmp_path / "cells" / "classes.json", {"1": "cell", "2": "wall"})
    task = load_task(tmp_path / "cells")
    assert "split 70/10/20 by file name (seed 0), one class per value" in task.format and all(task.splits.values())
    assert task.classes == ("cell", "wall") and [label for label, _ in masks_of(task)[:2]] == ["cell", "wall"]
    check_round_trip(task, tmp_path / "out")


@pytest.mark.parametrize("as_list", [True, False])
def test_objects_in_parquet_files(tmp_path: Path, as_list: bool) -> None:
    entries = [
        [
            {"category": 0, "segmentation": [SQUARE], "bbox": [2, 1, 5, 3]},
            {"category": 1, "segmentation": [SQUARE, [8.0, 5.0, 11.0, 5.0, 11.0, 7.0, 8.0, 7.0]], "bbox": [0, 0, 1, 1]},
        ],
        [],
    ]
    made = rows(tmp_path / "in", 2, objects=objects(entries, as_list, segmentation=POLYGONS, bbox=BOX))
    for split in ("train", "test"):
        (tmp_path / "cells" / "data").mkdir(parents=True, exist_ok=True)
        made.to_parquet(tmp_path / "cells" / "data" / f"{split}-00000-of-00001.parquet")
    task = load_task(tmp_path / "cells")
    assert task.classes == ("cell", "wall") and task.format == "Hugging Face data set"
    assert [(label, int(mask.sum())) for label, mask in masks_of(task)] == [("cell", 15), ("wall", 21)]
    assert [len(record.instances) for record in task.split("test")] == [2, 0]
    check_round_trip(task, tmp_path / "out")


def test_other_forms_of_masks(tmp_path: Path) -> None:
    rle = mask_rle(LABELS == 1)
    text = {"size": rle["size"], "counts": rle["counts"].decode()}
    feature = {"size": datasets.Sequence(datasets.Value("int64")), "counts": datasets.Value("string")}
    points = [[x, y] for x, y in zip(SQUARE[::2], SQUARE[1::2], strict=True)]
    flat = datasets.Sequence(datasets.Value("float64"))
    for n, (key, value, kind) in enumerate(
        [("mask", text, feature), ("polygon", SQUARE, flat), ("polygon", points, datasets.Sequence(flat))]
    ):
        made = rows(tmp_path / f"in{n}", 3, objects=objects([[{"category": 0, key: value}]] * 3, **{key: kind}))
        made.save_to_disk(tmp_path / f"cells{n}")
        assert (masks_of(load_task(tmp_path / f"cells{n}"))[0][1] == (LABELS == 1)).all()


def test_an_image_folder_with_metadata(tmp_path: Path) -> None:
    root = tmp_path / "cells"
    for split in ("train", "test"):
        lines = []
        for n in range(2):
            picture(root / split / f"{n}.jpg")
            Image.fromarray(LABELS).save(root / split / f"{n}_mask.png")
            lines.append(json.dumps({"file_name": f"{n}.jpg", "mask_file_name": f"{n}_mask.png"}))
        write(root / split / "metadata.jsonl", "\n".join(lines) + "\n")
    task = load_task(root)
    assert {split: len(records) for split, records in task.splits.items()} == {"train": 2, "test": 2}
    assert task.split("train")[0].path == root / "train" / "0.jpg"
    check_round_trip(task, tmp_path / "out")


def test_boxes_are_no_masks_unless_asked_for(tmp_path: Path) -> None:
    made = rows(tmp_path / "in", 5, objects=objects([[{"category": 1, "bbox": [2, 1, 5, 3]}]] * 5, bbox=BOX))
    made.save_to_disk(tmp_path / "cells")
    with pytest.raises(DataError, match=r"row 0: object 0 \(wall\) has a box and no mask.*--boxes-as-masks"):
        load_task(tmp_path / "cells")
    task = load_task(tmp_path / "cells", boxes_as_masks=True)
    assert task.format.endswith(RECTANGLES) and masks_of(task)[0][1].sum() == 15


BAD = {
    "object 0 cannot be used: a polygon has 4 numbers": {"category": 0, "segmentation": [SQUARE[:4]]},
    "object 0 cannot be used: a polygon has the coordinate nan": {
        "category": 0,
        "segmentation": [[*SQUARE[:7], np.nan]],
    },
    "its category None has no name": {"category": None, "segmentation": [SQUARE]},
}


@pytest.mark.parametrize("cause", BAD)
def test_bad_objects_are_named_with_their_row(tmp_path: Path, cause: str) -> None:
    good = [{"category": 0, "segmentation": [SQUARE]}]
    made = rows(tmp_path / "in", 2, objects=objects([good, [BAD[cause]]], segmentation=POLYGONS))
    datasets.DatasetDict({"train": made, "test": made}).save_to_disk(tmp_path / "cells")
    with pytest.raises(DataError) as caught:
        load_task(tmp_path / "cells")
    assert cause in str(caught.value) and f"{tmp_path / 'cells'}, row 1 of train" in str(caught.value)


def test_other_faults_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows(tmp_path / "in", 2, mask=masks(tmp_path / "in", 2, LABELS[:5])).save_to_disk(tmp_path / "size")
    with pytest.raises(DataError, match=r"size, row \d: mask .* has 12 x 5 .* 12 x 8"):
        read_hf(tmp_path / "size")
    rows(tmp_path / "in", 2).save_to_disk(tmp_path / "bare")
    with pytest.raises(DataError, match=r"has the columns image; expected image, and mask"):
        read_hf(tmp_path / "bare")
    numbers = (
        [[{"category": 5, "segmentation": [SQUARE]}]] * 2,
        [{"category": datasets.Value("int64"), "segmentation": POLYGONS}],
    )
    rows(tmp_path / "in", 2, objects=numbers).save_to_disk(tmp_path / "unnamed")
    with pytest.raises(DataError, match="its category 5 has no name"):
        read_hf(tmp_path / "unnamed")
    write(tmp_path / "unnamed" / "classes.json", {"5": "cell"})
    assert read_hf(tmp_path / "unnamed").classes == ("cell",)
    datasets.DatasetDict({"fold1": rows(tmp_path / "in", 1, mask=masks(tmp_path / "in", 1))}).save_to_disk(
        tmp_path / "fold"
    )
    with pytest.raises(DataError, match="has the split 'fold1'"):
        read_hf(tmp_path / "fold")
    broken = tmp_path / "broken" / "data" / "train.parquet"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"PAR1 no table")
    with pytest.raises(DataError, match="broken cannot be read as a Hugging Face data set"):
        load_task(tmp_path / "broken")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SamtailorError, match=r"pip install 'samtailor\[formats\]'"):
        load_task(tmp_path / "bare")
