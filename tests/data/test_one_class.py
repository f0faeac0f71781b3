"""A task reduced to one class."""

from __future__ import annotations

import dataclasses

from samtailor.data import Task, load_task
from samtailor.data.one_class import only_class
from tests.data.helpers import data_error


def test_other_instances_are_removed_and_images_stay(shapes: Task) -> None:
    discs = load_task(shapes.root, only="disc")
    assert discs.classes == ("disc",)
    for split, records in shapes.splits.items():
        assert [r.path for r in discs.splits[split]] == [r.path for r in records]
        for whole, reduced in zip(records, discs.splits[split], strict=True):
            assert reduced.instances == tuple(i for i in whole.instances if i.label == "disc")


def test_the_source_loads_the_reduced_task_again(shapes: Task) -> None:
    discs = load_task(shapes.root, only="disc")
    arguments = dict(discs.source)
    assert load_task(arguments.pop("path"), **arguments) == discs


def test_an_unknown_or_unused_class_is_an_error(shapes: Task) -> None:
    with data_error("no class 'eye'; expected one of 'disc', 'bar'"):
        only_class(shapes, "eye")
    unused = dataclasses.replace(shapes, classes=(*shapes.classes, "eye"))
    with data_error("no instance of its class 'eye'"):
        only_class(unused, "eye")
