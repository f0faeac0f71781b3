"""Hugging Face data sets: label maps and objects from every kind of folder; errors name the row."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samtailor.data import RECTANGLES, load_task, read_hf
from samtailor.data.pixels.rle import mask_rle
from tests.data.helpers import check_round_trip, data_error, left_out, masks_of, picture, save, sizes_of, write

datasets = pytest.importorskip("datasets")

LABELS = np.zeros((8, 12), dtype=np.uint8)
LABELS[1:4, 2:7], LABELS[5:7, 8:11] = 1, 2
SQUARE = [2.0, 1.0, 7.0, 1.0, 7.0, 4.0, 2.0, 4.0]


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write pictures inside rows to a folder of the test."""
    monkeypatch.setenv("SAMTAILOR_PICTURES", str(tmp_path / "pictures"))
    return tmp_path / "pictures"


def rows(folder: Path, count: int, **columns: Any) -> Any:
    """Make rows with an image each, and more columns (list, feature)."""
    values = {"image": [str(picture(folder / f"{n}.jpg")) for n in range(count)]}
    features = {"image": datasets.Image()}
    for name, column in columns.items():
        values[name], features[name] = column
    return datasets.Dataset.from_dict(values, features=datasets.Features(features))


def masks(folder: Path, count: int, labels: np.ndarray = LABELS) -> tuple[list[str], Any]:
    """Make a column of label maps."""
    return [str(save(folder / f"mask{n}.png", labels)) for n in range(count)], datasets.Image()


def objects(entries: list[list[dict[str, Any]]], as_list: bool = True, **feature: Any) -> tuple[list[Any], Any]:
    """Make a column of objects, as a list of dicts or as a dict of lists."""
    fields = {"category": datasets.ClassLabel(names=["cell", "wall"]), **feature}
    if as_list:
        return entries, [fields]
    columns = [{key: [entry[key] for entry in some] for key in fields} for some in entries]
    return columns, datasets.Sequence(fields)


POLYGONS = datasets.Sequence(datasets.Sequence(datasets.Value("float64")))
BOX = datasets.Sequence(datasets.Value("float64"), length=4)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A data set with splits that ``save_to_disk`` wrote, with a column of label maps."""
    splits = {name: rows(tmp_path / name, n, mask=masks(tmp_path / name, n)) for name, n in (("train", 3), ("test", 1))}
    splits["validation"] = splits["test"]
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "cells")
    return tmp_path / "cells"


def test_a_saved_data_set_with_splits_is_read(saved: Path, tmp_path: Path) -> None:
    task = load_task(saved)
    assert sizes_of(task) == {"train": 3, "val": 1, "test": 1}
    assert task.format == "Hugging Face data set, one instance per value" and task.classes == ("object",)
    assert all((mask == (n == LABELS)).all() for n, (_, mask) in enumerate(masks_of(task, "val"), 1))
    check_round_trip(task, tmp_path / "out")


def test_pictures_inside_rows_are_written_once(saved: Path, tmp_path: Path, pictures: Path) -> None:
    task = load_task(saved)
    (tmp_path / "train" / "0.jpg").unlink()  # the bytes are in the rows
    written = sorted(pictures.rglob("*.jpg"))
    names = ["/".join(path.parts[-2:]) for path in written]
    assert names == ["test/0.jpg", *(f"train/{n}.jpg" for n in range(3)), "val/0.jpg"]
    before = [path.stat().st_mtime_ns for path in written]
    assert load_task(saved).splits == task.splits
    assert before == [path.stat().st_mtime_ns for path in written]


def test_classes_json_names_the_values_and_rows_without_splits_are_split(tmp_path: Path) -> None:
    rows(tmp_path / "in", 10, label=masks(tmp_path / "in", 10)).save_to_disk(tmp_path / "cells")
    write(tmp_path / "cells" / "classes.json", {"1": "cell", "2": "wall"})
    task = load_task(tmp_path / "cells")
    assert "split 70/10/20 by file name (seed 0), one class per value" in task.format and all(task.splits.values())
    assert task.classes == ("cell", "wall") and [label for label, _ in masks_of(task)[:2]] == ["cell", "wall"]
    check_round_trip(task, tmp_path / "out")


@pytest.mark.parametrize("as_list", [True, False])
def test_objects_in_parquet_files_are_read(tmp_path: Path, as_list: bool) -> None:
    entries = [
        [
            {"category": 0, "segmentation": [SQUARE], "bbox": [2, 1, 5, 3]},
            {"category": 1, "segmentation": [SQUARE, [8.0, 5.0, 11.0, 5.0, 11.0, 7.0, 8.0, 7.0]], "bbox": [0, 0, 1, 1]},
        ],
        [],
    ]
    cells = rows(tmp_path / "in", 2, objects=objects(entries, as_list, segmentation=POLYGONS, bbox=BOX))
    for split in ("train", "test"):
        (tmp_path / "cells" / "data").mkdir(parents=True, exist_ok=True)
        cells.to_parquet(tmp_path / "cells" / "data" / f"{split}-00000-of-00001.parquet")
    task = load_task(tmp_path / "cells")
    assert task.classes == ("cell", "wall") and task.format == "Hugging Face data set"
    assert [(label, int(mask.sum())) for label, mask in masks_of(task)] == [("cell", 15), ("wall", 21)]
    assert [len(record.instances) for record in task.split("test")] == [2, 0]
    check_round_trip(task, tmp_path / "out")


RLE = mask_rle(LABELS == 1)
FLAT = datasets.Sequence(datasets.Value("float64"))
SIZE = datasets.Sequence(datasets.Value("int64"))


@pytest.mark.parametrize(
    ("field", "value", "feature"),
    [
        ("mask", RLE | {"counts": RLE["counts"].decode()}, {"size": SIZE, "counts": datasets.Value("string")}),
        ("mask", RLE, {"size": SIZE, "counts": datasets.Value("binary")}),
        ("polygon", SQUARE, FLAT),
        ("polygon", [SQUARE[n : n + 2] for n in range(0, 8, 2)], datasets.Sequence(FLAT)),
    ],
)
def test_rle_and_other_forms_of_polygons_are_read(tmp_path: Path, field: str, value: Any, feature: Any) -> None:
    entries = [[{"category": 0, field: value}]] * 3
    rows(tmp_path / "in", 3, objects=objects(entries, **{field: feature})).save_to_disk(tmp_path / "cells")
    assert (masks_of(load_task(tmp_path / "cells"))[0][1] == (LABELS == 1)).all()


def test_an_image_folder_with_metadata_is_read(tmp_path: Path) -> None:
    root = tmp_path / "cells"
    for split in ("train", "test"):
        lines = []
        for n in range(2):
            picture(root / split / f"{n}.jpg")
            save(root / split / f"{n}_mask.png", LABELS)
            lines.append(json.dumps({"file_name": f"{n}.jpg", "mask_file_name": f"{n}_mask.png"}))
        write(root / split / "metadata.jsonl", "\n".join(lines) + "\n")
    task = load_task(root)
    assert sizes_of(task) == {"train": 2, "test": 2}
    assert task.split("train")[0].path == root / "train" / "0.jpg"
    check_round_trip(task, tmp_path / "out")


def test_boxes_are_an_error_unless_allowed(tmp_path: Path) -> None:
    boxes = rows(tmp_path / "in", 5, objects=objects([[{"category": 1, "bbox": [2, 1, 5, 3]}]] * 5, bbox=BOX))
    boxes.save_to_disk(tmp_path / "cells")
    with data_error("All 5 shapes", "are boxes", "--boxes-as-masks"):
        load_task(tmp_path / "cells")
    task = load_task(tmp_path / "cells", boxes_as_masks=True)
    assert task.format.endswith(RECTANGLES) and masks_of(task)[0][1].sum() == 15


BAD = {
    "object 0: a polygon has 4 numbers": {"category": 0, "segmentation": [SQUARE[:4]]},
    "object 0: a polygon has the coordinate nan": {
        "category": 0,
        "segmentation": [[*SQUARE[:7], np.nan]],
    },
    "its category None has no name": {"category": None, "segmentation": [SQUARE]},
}


@pytest.mark.parametrize("cause", BAD)
def test_bad_objects_are_errors_that_name_the_row(tmp_path: Path, cause: str) -> None:
    good = [{"category": 0, "segmentation": [SQUARE]}]
    cells = rows(tmp_path / "in", 2, objects=objects([good, [BAD[cause]]], segmentation=POLYGONS))
    datasets.DatasetDict({"train": cells, "test": cells}).save_to_disk(tmp_path / "cells")
    with data_error(f"{tmp_path / 'cells'}, row 1 of train", cause):
        load_task(tmp_path / "cells")


def test_a_label_map_of_another_size_is_an_error(tmp_path: Path) -> None:
    rows(tmp_path / "in", 2, mask=masks(tmp_path / "in", 2, LABELS[:5])).save_to_disk(tmp_path / "cells")
    with data_error("cells, row 0: mask", "has 12 x 5", "12 x 8"):
        read_hf(tmp_path / "cells")


def test_missing_columns_are_an_error(tmp_path: Path) -> None:
    rows(tmp_path / "in", 2).save_to_disk(tmp_path / "cells")
    with data_error("has the columns image; expected image, and mask"):
        read_hf(tmp_path / "cells")


def test_numbers_of_categories_need_names(tmp_path: Path) -> None:
    column = (
        [[{"category": 5, "segmentation": [SQUARE]}]] * 2,
        [{"category": datasets.Value("int64"), "segmentation": POLYGONS}],
    )
    rows(tmp_path / "in", 2, objects=column).save_to_disk(tmp_path / "cells")
    with data_error("its category 5 has no name"):
        read_hf(tmp_path / "cells")
    write(tmp_path / "cells" / "classes.json", {"5": "cell"})
    assert read_hf(tmp_path / "cells").classes == ("cell",)


def test_other_names_of_the_mask_column_are_known(tmp_path: Path) -> None:
    for name in ("segmentation_map", "Segmentation Mask", "gt"):
        folder = tmp_path / name.replace(" ", "_")
        rows(folder / "in", 3, **{name: masks(folder / "in", 3)}).save_to_disk(folder / "cells")
        assert len(masks_of(load_task(folder / "cells"))) == 2


def test_id2label_names_the_values_also_0(tmp_path: Path) -> None:
    cells = rows(tmp_path / "in", 3, label=masks(tmp_path / "in", 3))
    cells.save_to_disk(tmp_path / "cells")
    file = tmp_path / "cells" / "id2label.json"
    for table in ({"0": "unlabeled", "1": "cell", "2": "wall"}, {"id2label": {"1": "cell", "2": "wall"}}):
        write(file, table)
        task = load_task(tmp_path / "cells")
        assert task.classes == ("cell", "wall") and "one class per value" in task.format
    write(file, {"0": "floor", "1": "cell", "2": "wall"})
    task = load_task(tmp_path / "cells")
    assert [(label, int(mask.sum())) for label, mask in masks_of(task)[:3]] == [
        ("floor", 75),
        ("cell", 15),
        ("wall", 6),
    ]
    write(file, {"0": "floor", "1": "cell"})
    with data_error("3 of 3 entries", "value 2, which has no name"):
        load_task(tmp_path / "cells")
    write(file, {"a": "floor"})
    with data_error("id2label.json has 'a'"):
        load_task(tmp_path / "cells")


def test_a_few_broken_rows_are_left_out(tmp_path: Path) -> None:
    good = [{"category": 0, "segmentation": [SQUARE]}]
    bad = [{"category": 0, "segmentation": [SQUARE[:4]]}]
    cells = rows(tmp_path / "in", 9, objects=objects([good] * 8 + [bad], segmentation=POLYGONS))
    cells.save_to_disk(tmp_path / "cells")
    task = load_task(tmp_path / "cells")
    assert "row 8, object 0: a polygon has 4 numbers" in left_out(task) and len(task.images) == 9


@pytest.mark.parametrize(
    "card", ["https://example.invalid/data/a.parquet", "hf://datasets/someone/something/a.parquet"]
)
def test_nothing_that_a_readme_names_is_fetched(tmp_path: Path, card: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "cells"
    (root / "data").mkdir(parents=True)
    rows(tmp_path / "in", 3, mask=masks(tmp_path / "in", 3)).to_parquet(root / "data" / "train-0-of-1.parquet")
    write(
        root / "README.md",
        f"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: {card}\n---\n",
    )
    opened: list[Any] = []
    monkeypatch.setattr("socket.create_connection", lambda *address, **_: opened.append(address))
    monkeypatch.setattr("socket.getaddrinfo", lambda *address, **_: opened.append(address) or [])
    assert len(load_task(root).images) == 3 and not opened


def test_several_data_sets_in_one_folder_are_an_error(tmp_path: Path) -> None:
    for name in ("small", "large"):
        (tmp_path / "cells" / name).mkdir(parents=True)
        rows(tmp_path / name, 3).to_parquet(tmp_path / "cells" / name / "train.parquet")
    with data_error("several data sets, in large, small", "Pass the folder of one of them"):
        load_task(tmp_path / "cells")


def test_an_unknown_split_is_an_error(tmp_path: Path) -> None:
    fold = rows(tmp_path / "in", 1, mask=masks(tmp_path / "in", 1))
    datasets.DatasetDict({"fold1": fold}).save_to_disk(tmp_path / "cells")
    with data_error("has the split 'fold1'"):
        read_hf(tmp_path / "cells")


def test_a_broken_table_is_an_error(tmp_path: Path) -> None:
    table = tmp_path / "broken" / "data" / "train.parquet"
    table.parent.mkdir(parents=True)
    table.write_bytes(b"PAR1 no table")
    with data_error("broken cannot be read as a Hugging Face data set"):
        load_task(tmp_path / "broken")


def test_a_missing_extra_is_an_error(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with data_error("pip install 'samtailor[datasets]'"):
        load_task(saved)
