"""A task cut down to one class."""

from __future__ import annotations

import dataclasses

import pytest

from samtailor.data import Task, load_task
from samtailor.data.one_class import only_class
from samtailor.errors import DataError


def test_other_instances_go_and_images_stay(shapes: Task) -> None:
    discs = load_task(shapes.root, only="disc")
    assert discs.classes == ("disc",)
    for split, records in shapes.splits.items():
        assert [r.path for r in discs.splits[split]] == [r.path for r in records]
        for whole, cut in zip(records, discs.splits[split], strict=True):
            assert cut.instances == tuple(i for i in whole.instances if i.label == "disc")
    again = dict(discs.source)
    assert load_task(again.pop("path"), **again) == discs


def test_a_class_that_is_not_there(shapes: Task) -> None:
    with pytest.raises(DataError, match=r"no class 'eye'\. Its classes are: 'disc', 'bar'"):
        only_class(shapes, "eye")
    bare = dataclasses.replace(shapes, classes=(*shapes.classes, "eye"))
    with pytest.raises(DataError, match="no instance of its class 'eye'"):
        only_class(bare, "eye")
