"""Validations of a fit of so many steps are at most a sixth of its work."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.fit import fit_task
from samtailor.fitting import forecast, work
from samtailor.fitting.batches import Sampler
from samtailor.fitting.config import FitConfig
from samtailor.fitting.plan import budget_of, passes_before, planned_prompts, planned_validations
from samtailor.fitting.progress import Forecast
from samtailor.fitting.remarks import remarks
from samtailor.fitting.validate import validate
from samtailor.machine.progress import Event, Note


@pytest.mark.parametrize("method", ["plm", "decoder-lite"])
@pytest.mark.parametrize("steps", [1, 3, 12, 50, 100, 300, 1000, 3000, 20_000])
@pytest.mark.parametrize("batch", [1, 10])
def test_validation_is_at_most_a_sixth_of_the_work(method: str, steps: int, batch: int) -> None:
    config = FitConfig(method=method, steps=steps, batch=batch)
    budget = budget_of(config, 5)
    prompts = planned_prompts(config, budget, batch)
    validations = planned_validations(config, budget, batch, prompts)
    assert 1 <= prompts <= 200
    assert 1 <= validations <= 20
    work, validated = steps * batch, (validations + passes_before(config)) * prompts
    assert validated <= (work + validated) / 6 or prompts == 1
    if steps >= 5000 and batch == 10:
        assert (prompts, validations) == (200, 20)


def test_what_a_user_sets_is_kept() -> None:
    config = FitConfig(steps=12, validations=7)
    assert planned_prompts(config, budget_of(config, 5), 10) == 200
    assert planned_validations(config, budget_of(config, 5), 10, 200) == 7
    minutes = FitConfig(minutes=1)
    assert planned_prompts(minutes, budget_of(minutes, 5), 10) == 200
    assert planned_validations(minutes, budget_of(minutes, 5), 10, 200) == 20


def test_a_smoke_test_validates_little_and_says_so(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts, notes = [], []

    def counting(model: object, draws: object, *rest: object) -> object:
        prompts.append(sum(len(d.instances) for d in draws))  # type: ignore[attr-defined]
        return validate(model, draws, *rest)  # type: ignore[arg-type]

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    monkeypatch.setattr(work, "validate", counting)
    config = FitConfig(method="plm", steps=12, batch=4, precision="float32")
    fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=cache, progress=listen)
    assert prompts == [4, 4]  # before the first step and at the end; training took 48
    assert any(note.startswith("Validation uses 4 prompts, so that it takes at most a sixth") for note in notes)


def test_the_estimate_adds_what_is_left(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a step of 2 s and 0.5 s per validation prompt, the estimate is their sum."""
    clock = [0.0]
    monkeypatch.setattr(forecast.time, "perf_counter", lambda: clock[0])

    def score(model: object, draws: object, check: object) -> None:
        clock[0] += 0.5 * sum(len(d.instances) for d in draws)  # type: ignore[attr-defined]

    monkeypatch.setattr(forecast, "_step_seconds", lambda _: 2)
    monkeypatch.setattr(forecast, "validate", score)
    found: list[Forecast] = []

    def listen(event: Event) -> None:
        if isinstance(event, Forecast):
            found.append(event)

    config = FitConfig(method="plm", steps=10, batch=4, precision="float32", val_prompts=8, validations=2)
    fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=cache, progress=listen)
    longer = dataclasses.replace(config, steps=20)
    fit_task(shapes, tiny_sam, tmp_path / "run", longer, cache=cache, resume=True, progress=listen)
    first, second = found
    assert (first.seconds_per_step, first.seconds_per_validation, first.steps) == (2, 4, 10)
    assert first.seconds == 4 + 10 * 2 + 2 * 4
    assert (second.steps, second.seconds) == (10, 10 * 2 + 4)


# --- remarks before the start


def test_classes_without_validation_are_named(shapes: Task) -> None:
    config = FitConfig(steps=1000)

    def without(task: Task, split: str, label: str) -> Task:
        images = [
            dataclasses.replace(r, instances=tuple(i for i in r.instances if i.label != label))
            for r in task.split(split)
        ]
        return dataclasses.replace(task, splits={**task.splits, split: images})

    def said(task: Task) -> list[str]:
        from samtailor.fitting.batches import validation_draws

        return remarks(task, Sampler(task.split("train"), config), validation_draws(task.split("val"), config), config)

    assert said(shapes) == [
        "Validation has 8 instances on 4 images: which adapter is best can be chance. Use at least 20 instances; 50 or "
        "more is better."
    ]
    assert (
        "The val split has no instance of 'bar', so validation does not see" in said(without(shapes, "val", "bar"))[0]
    )
    assert "The train split has no usable instance of 'disc'" in said(without(shapes, "train", "disc"))[0]
    one = dataclasses.replace(shapes, splits={**shapes.splits, "val": shapes.split("val")[:1]})
    assert said(one)[0].startswith("Validation has 2 instances on 1 image: ")
