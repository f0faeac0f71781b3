"""``load_task`` detects layouts, loads the sample, and says what it expected."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from samtailor.data import FORMATS, load_task
from samtailor.data.load import candidates
from tests.data.helpers import data_error, picture, save, sizes_of, write


def add(root: Path, stem: str, labels: np.ndarray) -> None:
    picture(root / "train" / "images" / f"{stem}.png", *labels.shape[::-1])
    save(root / "train" / "masks" / f"{stem}.png", labels)


ONES = np.ones((3, 4), dtype=np.uint8)


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with data_error("The folder", "absent does not exist", "'sample' is the task that comes with samtailor"):
        load_task(tmp_path / "absent")
    with data_error("x" * 5000):
        load_task("x" * 5000)


def test_an_unknown_layout_is_an_error_that_lists_all_layouts(tmp_path: Path) -> None:
    write(tmp_path / "readme.txt", "plants")
    with data_error("has no known layout", "train.json", "train/images/", "masks/", *(f"{name}:" for name in FORMATS)):
        load_task(tmp_path)


def test_images_without_masks_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with data_error("a task needs more than images: add masks/"):
        load_task(tmp_path)


def test_an_unknown_layout_is_an_error_that_says_what_came_near(tmp_path: Path) -> None:
    path = write(tmp_path / "result.json", {"items": []})
    with data_error(f"What comes near: coco: {path} is a JSON object without images and annotations"):
        load_task(tmp_path)


def test_candidates_are_ranked_with_a_reason(tmp_path: Path) -> None:
    assert all(candidate.score == 0 for candidate in candidates(tmp_path))
    add(tmp_path, "a", ONES)
    ranked = candidates(tmp_path)
    assert (ranked[0].format, len(ranked)) == ("folders", len(FORMATS)) and ranked[0].score > 0
    write(tmp_path / "train.json", {"images": [], "annotations": []})
    assert candidates(tmp_path)[0].format == "coco"
    assert candidates(tmp_path)[0].reason == "has images and annotations: train.json"


def test_a_file_of_another_type_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with data_error("notes.txt is a file; expected a folder"):
        load_task(tmp_path / "notes.txt")
    with data_error("For --format voc pass the folder"):
        load_task(write(tmp_path / "a.json", {}), format="voc")


def test_an_unknown_format_is_an_error(tmp_path: Path) -> None:
    with data_error("'pascal' is not known", "celebamask"):
        load_task(tmp_path, format="pascal")


def test_a_task_without_images_or_instances_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train" / "images").mkdir(parents=True)
    (tmp_path / "train" / "masks").mkdir()
    with data_error("holds no pictures"):
        load_task(tmp_path)
    add(tmp_path, "a", ONES * 0)
    with data_error("1 images, but no instance", "not all background"):
        load_task(tmp_path)
    add(tmp_path, "a", ONES * 255)
    write(tmp_path / "classes.json", {"1": "cell"})
    task = load_task(tmp_path)  # the one class is the one value
    assert [len(record.instances) for record in task.images] == [1] and task.classes == ("cell",)
    assert "repaired" in [finding.code for finding in task.findings]


def test_the_sample_is_loaded_by_its_name() -> None:
    sample = load_task("sample")
    assert sizes_of(sample) == {"train": 40, "val": 10, "test": 20}
    assert (sample.name, sample.classes, sample.source["path"]) == ("sample", ("nucleus",), "sample")
    assert all(1 <= len(record.promptable) <= 60 for record in sample.images)


def test_a_folder_named_sample_is_loaded_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    add(tmp_path / "sample", "mine", ONES)
    assert load_task("sample").split("train")[0].path.stem == "mine"


def test_data_is_imported_without_torch() -> None:
    code = "import sys, samtailor.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_images_that_are_links_out_of_the_task_are_noted(tmp_path: Path) -> None:
    for n in range(3):
        picture(tmp_path / "other" / f"{n}.png")
        save(tmp_path / "mine" / "masks" / f"{n}.png", np.eye(8, 12, dtype=np.uint8))
    (tmp_path / "mine" / "images").mkdir()
    for n in range(2):
        (tmp_path / "mine" / "images" / f"{n}.png").symlink_to(tmp_path / "other" / f"{n}.png")
    shutil.copy(tmp_path / "other" / "2.png", tmp_path / "mine" / "images" / "2.png")
    (finding,) = [f for f in load_task(tmp_path / "mine").findings if f.code == "outside-task"]
    assert finding.severity == "warning" and finding.what == "2 images are outside the task's folder."
    (tmp_path / "link").symlink_to(tmp_path / "mine", target_is_directory=True)
    assert "outside-task" in [f.code for f in load_task(tmp_path / "link").findings]
    for n in range(2):
        (tmp_path / "mine" / "images" / f"{n}.png").unlink()
        (tmp_path / "mine" / "images" / f"{n}.png").symlink_to("2.png")
    assert "outside-task" not in [f.code for f in load_task(tmp_path / "link").findings]
