"""Checks of splits, classes and images: each problem is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samtailor.data import ImageRecord, Task
from tests.data.doctor.helpers import DOT, codes, disc, finding_of, scene, with_image, with_instances, with_split
from tests.data.helpers import instance


@pytest.mark.parametrize(("split", "severity"), [("train", "error"), ("val", "error"), ("test", "warning")])
def test_a_missing_split_is_found(clean: Task, split: str, severity: str) -> None:
    task = replace(clean, splits={k: v for k, v in clean.splits.items() if k != split})
    finding = finding_of(task, "missing-split")
    assert finding.severity == severity and f"Split {split}" in finding.what


@pytest.mark.parametrize(("split", "severity"), [("train", "error"), ("val", "error"), ("test", "warning")])
def test_a_split_without_instances_is_found(clean: Task, split: str, severity: str) -> None:
    bare = tuple(replace(r, instances=()) for r in clean.split(split))
    finding = finding_of(with_split(clean, split, bare), "nothing-to-train-on")
    assert (finding.severity, finding.count) == (severity, 10)


def test_a_train_split_of_dots_cannot_be_trained_on(clean: Task) -> None:
    dots = tuple(replace(r, instances=(instance(1, DOT), instance(2, DOT, "ring"))) for r in clean.split("train"))
    finding = finding_of(with_split(clean, "train", dots), "nothing-to-train-on")
    assert finding.severity == "error" and "of at least 16 pixels" in finding.what


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_with_few_instances_is_found(clean: Task, split: str) -> None:
    finding = finding_of(with_split(clean, split, clean.split(split)[:6]), "few-instances")
    assert finding.count == 18 and f"Split {split}" in finding.what


def with_few_rings(task: Task, split: str, kept: int = 0) -> Task:
    """Return the task with discs instead of rings on all but the first images of a split."""
    records = [
        record if n < kept else replace(record, instances=(*record.instances[:2], instance(9, disc(90, 40), "disc")))
        for n, record in enumerate(task.split(split))
    ]
    return with_split(task, split, tuple(records))


def test_classes_that_are_missing_or_rare_in_train_are_found(clean: Task) -> None:
    assert "(ring)" in finding_of(with_few_rings(clean, "train"), "class-not-in-train").what
    assert "(ring)" in finding_of(with_few_rings(clean, "train", kept=4), "rare-class").what
    assert codes(with_few_rings(clean, "train", kept=5)) == []


@pytest.mark.parametrize("split", ["val", "test"])
def test_classes_that_are_not_scored_are_found(clean: Task, split: str) -> None:
    assert "(ring)" in finding_of(with_few_rings(clean, split), "class-not-scored").what


def test_a_class_with_nearly_all_instances_is_found(clean: Task) -> None:
    # 60 discs and 30 rings, and as many more discs as make the discs nine in ten of all
    more = [np.roll(disc(20, 20, 6 + k % 3), (k // 16 * 5, k % 16 * 7), axis=(0, 1)) for k in range(210)]
    assert finding_of(with_instances(clean, *more), "one-class-rules").count == 270
    assert "one-class-rules" not in codes(with_instances(clean, *more[1:]))


def test_images_without_instances_and_with_crowds_only_are_found(clean: Task) -> None:
    task = with_image(clean, "train", clean.root / "bare.png", scene(7000))
    *others, last = task.split("train")

    def ending(record: ImageRecord) -> Task:
        return with_split(task, "train", (*others, record))

    assert finding_of(ending(replace(last, instances=())), "no-instances").files == (str(last.path),)
    crowd = (instance(1, disc(30, 30), crowd=True),)
    assert finding_of(ending(replace(last, instances=crowd)), "crowd-only").files == (str(last.path),)


def test_images_more_than_four_times_as_long_as_wide_are_found(clean: Task) -> None:
    wide = np.concatenate([scene(9000 + k) for k in range(5)], axis=1)
    assert "640 x 128" in finding_of(with_image(clean, "train", clean.root / "strip.png", wide), "strip").what
    assert codes(with_image(clean, "train", clean.root / "wide.png", wide[:, :512])) == []
