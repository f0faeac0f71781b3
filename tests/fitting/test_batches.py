"""Training batches and validation prompts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.errors import DataError, FitError
from samtailor.fitting.batches import Sampler, validation_draws
from samtailor.fitting.config import FitConfig


def plan(**settings: Any) -> FitConfig:
    return FitConfig(epochs=1, **settings)


def _record(areas: list[int], crowd: bool = False) -> ImageRecord:
    from samtailor.data.pixels.rle import mask_rle

    found = []
    for i, area in enumerate(areas):
        mask = np.zeros((10, 10), dtype=bool)
        mask.ravel()[:area] = True
        found.append(Instance(i, "x", mask_rle(mask), area, crowd))
    return ImageRecord(Path("a.png"), 10, 10, tuple(found))


def test_the_sampler_leaves_out_what_cannot_be_learned() -> None:
    images = [_record([]), _record([0, 3, 50]), _record([60], crowd=True), _record([100, 20])]
    sampler = Sampler(images, plan(batch=8))
    assert len(sampler.images) == 2
    assert sampler.left_out == 1  # the one of 3 pixels; crowd and empty masks never count
    assert {i.area for step in range(20) for d in sampler.batch(step) for i in d.instances} == {50, 100, 20}
    with pytest.raises(DataError, match="at least 200 pixels"):
        Sampler(images, plan(batch=8, min_area=200))
    with pytest.raises(DataError, match="validation"):
        validation_draws([_record([])], plan(val_prompts=5))


@pytest.mark.parametrize(("sampling", "rare"), [("instances", 0.25), ("classes", 0.75), ("sizes", 0.75)])
def test_rare_classes_and_sizes_are_taken_more_often(sampling: str, rare: float) -> None:
    """Nine instances of one class and size, one of another, which shares its image with three of the nine."""

    def labelled(areas: list[int]) -> ImageRecord:
        record = _record(areas)
        return dataclasses.replace(
            record, instances=tuple(dataclasses.replace(i, label=str(i.area)) for i in record.instances)
        )

    images = [labelled([20, 20, 20, 100]), *(labelled([20]) for _ in range(6))]
    sampler = Sampler(images, plan(batch=1, min_area=1, sampling=sampling))
    taken = [
        i.area for step in range(2800) for d in sampler.batch(step) if len(d.image.instances) == 4 for i in d.instances
    ]
    assert len(taken) == 400
    assert taken.count(100) / 400 == pytest.approx(rare, abs=0.07)  # 9 : 1, so 1/1 to 3/9 within the image


def test_an_unknown_sampling_is_refused() -> None:
    with pytest.raises(FitError, match="instances, classes, sizes"):
        FitConfig(steps=1, sampling="luck")  # type: ignore[arg-type]


def test_every_image_is_seen_once_an_epoch(shapes: Task) -> None:
    sampler = Sampler(shapes.split("train"), plan(batch=4, prompts="mix", min_area=1))
    seen = [d.image.path for step in range(sampler.steps_per_epoch) for d in sampler.batch(step)]
    assert sorted(seen) == sorted(r.path for r in shapes.split("train"))
    kinds = {d.prompts.boxes is None for step in range(20) for d in sampler.batch(step)}
    assert kinds == {True, False}


def test_validation_is_limited_and_spread(shapes: Task) -> None:
    draws = validation_draws(shapes.split("train"), plan(val_prompts=5))
    assert sum(len(d.instances) for d in draws) == 5
    assert len({d.image.path for d in draws}) == 5


def test_a_small_validation_split_is_prompted_several_times(shapes: Task) -> None:
    draws = validation_draws(shapes.split("val"), plan(val_prompts=20))  # it has 8 instances
    assert sum(len(d.instances) for d in draws) == 16
    first, again = (next(d for d in part if d.image.path.stem == "0") for part in (draws[:4], draws[4:]))
    assert not np.array_equal(first.prompts.points, again.prompts.points)
