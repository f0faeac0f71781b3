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


def config(**settings: Any) -> FitConfig:
    return FitConfig(epochs=1, **settings)


def _record(areas: list[int], crowd: bool = False) -> ImageRecord:
    from samtailor.data.pixels.rle import mask_rle

    instances = []
    for i, area in enumerate(areas):
        mask = np.zeros((10, 10), dtype=bool)
        mask.ravel()[:area] = True
        instances.append(Instance(i, "x", mask_rle(mask), area, crowd))
    return ImageRecord(Path("a.png"), 10, 10, tuple(instances))


def test_the_sampler_omits_small_empty_and_crowd_instances() -> None:
    images = [_record([]), _record([0, 3, 50]), _record([60], crowd=True), _record([100, 20])]
    sampler = Sampler(images, config(batch=8))
    assert len(sampler.images) == 2
    assert sampler.left_out == 1  # the instance of 3 pixels; crowd regions and empty masks are not counted
    assert {i.area for step in range(20) for d in sampler.batch(step) for i in d.instances} == {50, 100, 20}
    with pytest.raises(DataError, match="at least 200 pixels"):
        Sampler(images, config(batch=8, min_area=200))
    with pytest.raises(DataError, match="validation"):
        validation_draws([_record([])], config(val_prompts=5))


@pytest.mark.parametrize(("sampling", "rare"), [("instances", 0.25), ("classes", 0.75), ("sizes", 0.75)])
def test_rare_classes_and_sizes_are_drawn_more_often(sampling: str, rare: float) -> None:
    """Nine instances have one class and size; a tenth has another and is in an image with three of the nine."""

    def labelled(areas: list[int]) -> ImageRecord:
        record = _record(areas)
        return dataclasses.replace(
            record, instances=tuple(dataclasses.replace(i, label=str(i.area)) for i in record.instances)
        )

    images = [labelled([20, 20, 20, 100]), *(labelled([20]) for _ in range(6))]
    sampler = Sampler(images, config(batch=1, min_area=1, sampling=sampling))
    areas = [
        i.area for step in range(2800) for d in sampler.batch(step) if len(d.image.instances) == 4 for i in d.instances
    ]
    assert len(areas) == 400
    assert areas.count(100) / 400 == pytest.approx(rare, abs=0.07)  # 9 : 1, so 1/1 to 3/9 within the image


def test_an_unknown_sampling_raises_an_error() -> None:
    with pytest.raises(FitError, match="instances, classes, sizes"):
        FitConfig(steps=1, sampling="luck")  # type: ignore[arg-type]


def test_every_image_is_used_once_per_epoch(shapes: Task) -> None:
    sampler = Sampler(shapes.split("train"), config(batch=4, prompts="mix", min_area=1))
    paths = [d.image.path for step in range(sampler.steps_per_epoch) for d in sampler.batch(step)]
    assert sorted(paths) == sorted(r.path for r in shapes.split("train"))
    kinds = {d.prompts.boxes is None for step in range(20) for d in sampler.batch(step)}
    assert kinds == {True, False}


def test_validation_prompts_are_limited_and_spread_over_images(shapes: Task) -> None:
    draws = validation_draws(shapes.split("train"), config(val_prompts=5))
    assert sum(len(d.instances) for d in draws) == 5
    assert len({d.image.path for d in draws}) == 5


def test_a_small_validation_split_is_prompted_several_times(shapes: Task) -> None:
    draws = validation_draws(shapes.split("val"), config(val_prompts=20))  # it has 8 instances
    assert sum(len(d.instances) for d in draws) == 20
    first, second = [d for d in draws if d.image.path.stem == "0"][:2]
    assert not np.array_equal(first.prompts.points, second.prompts.points)


def test_rare_classes_have_several_validation_prompts(shapes: Task) -> None:
    """Three classes in 60 images: 200 prompts are shared half equally, half in proportion."""

    def labelled(*labels: str) -> ImageRecord:
        record = _record([20] * len(labels))
        numbered = zip(record.instances, labels, strict=True)
        return dataclasses.replace(record, instances=tuple(dataclasses.replace(i, label=name) for i, name in numbered))

    images = [labelled("often", "often", "often", *(["seldom"] if k < 12 else [])) for k in range(60)]
    images[7] = labelled("often", "rare")
    draws = validation_draws(images, config(val_prompts=100))
    prompts = [(d.image, i) for d in draws for i in d.instances]
    counts = {name: sum(i.label == name for _, i in prompts) for name in ("often", "seldom", "rare")}
    assert counts == {"often": 80, "seldom": 16, "rare": 4}  # 4 is the most for one instance
    clicks = [tuple(d.prompts.points[k, 0]) for d in draws for k, i in enumerate(d.instances) if i.label == "rare"]
    assert len(clicks) == 4 and len(set(clicks)) > 1
    assert sum(i.label == "often" for _, i in prompts) == len({(id(r), i.id) for r, i in prompts if i.label == "often"})
    assert len({id(r) for r, _ in prompts}) == 60  # every image has a prompt
    again = validation_draws(images, config(val_prompts=100))
    assert all(np.array_equal(a.prompts.points, b.prompts.points) for a, b in zip(draws, again, strict=True))
    few = validation_draws(images, config(val_prompts=2))
    assert sum(len(d.instances) for d in few) == 2


def test_images_with_rare_classes_come_several_times_in_an_epoch() -> None:
    """Factors are the root of 0.3 / share: one image in 48 has a class of its own and comes 3.8 times per epoch."""

    def labelled(*labels: str) -> ImageRecord:
        record = _record([20] * len(labels))
        instances = (dataclasses.replace(i, label=name) for i, name in zip(record.instances, labels, strict=True))
        return dataclasses.replace(record, instances=tuple(instances))

    images = [labelled("often", "rare"), *(labelled("often") for _ in range(47))]
    sampler = Sampler(images, config(batch=1, min_area=1, sampling="rare"))
    assert sampler.epoch_length == sampler.steps_per_epoch == 51  # 47 + 3.79
    epochs = [[sampler.batch(51 * e + step)[0] for step in range(51)] for e in range(40)]
    rare = [sum(len(d.image.instances) == 2 for d in epoch) for epoch in epochs]
    assert set(rare) <= {3, 4} and sum(rare) / 40 == pytest.approx((0.3 * 48) ** 0.5 * 51 / 50.79, abs=0.2)
    labels = [d.instances[0].label for epoch in epochs for d in epoch if len(d.image.instances) == 2]
    assert labels.count("rare") / len(labels) > 0.9  # in the image, too, the rare class is preferred
    again = Sampler(images, config(batch=1, min_area=1, sampling="rare"))
    assert [d.seed for d in again.batch(77)] == [d.seed for d in sampler.batch(77)]
    even = Sampler(images[1:], config(batch=1, min_area=1, sampling="rare"))
    assert even.epoch_length == 47  # no class is rare: every image once
