"""Tasks of runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from experiments.running.tasks import Tasks
from experiments.specs.run import Run

from samtailor.data.task import Task


def test_a_larger_share_of_the_training_images_contains_a_smaller_one(shapes: Task) -> None:
    def images(share: float, seed: int = 0) -> set[Path]:
        settings = {"task": shapes.root.name, "train_fraction": share, "seed": seed, "epochs": 1}
        task = Tasks(shapes.root.parent).for_fit(Run.of(settings, (), "x"))
        assert task.split("val") == shapes.split("val")
        return {r.path for r in task.split("train")}

    quarter, half, whole = images(0.25), images(0.5), images(1)
    assert (len(quarter), len(half), len(whole)) == (2, 4, 8)
    assert quarter < half < whole
    assert any(images(0.5, seed) != half for seed in range(1, 5))


def test_test_images_that_are_also_in_train_can_be_dropped(shapes: Task, tmp_path: Path) -> None:
    shutil.copytree(shapes.root, tmp_path / "copied")
    shutil.copy(tmp_path / "copied/train/images/3.png", tmp_path / "copied/test/images/1.png")
    tasks = Tasks(tmp_path)
    for drop, names in ((False, "0123"), (True, "023")):
        run = Run.of({"task": "copied", "drop_duplicates": drop, "epochs": 1}, (), "x")
        assert [r.path.stem for r in tasks.whole(run).split("test")] == list(names)


def test_a_run_can_use_a_single_class(shapes: Task) -> None:
    run = Run.of({"task": shapes.root.name, "class": "bar", "epochs": 1}, (), "x")
    task = Tasks(shapes.root.parent).for_fit(run)
    assert {i.label for r in task.split("train") for i in r.instances} == {"bar"}
