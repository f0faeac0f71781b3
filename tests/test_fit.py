"""The training loop, on a tiny real SAM."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from samtailor.adapters.io import load_adapter, read_card
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import FitCollapseError, FitError, SamtailorError
from samtailor.evaluate import evaluate_task
from samtailor.fit import fit_task
from samtailor.fitting import policy, work
from samtailor.fitting.config import FitConfig, LossWeights
from samtailor.fitting.progress import Forecast, Stepped
from samtailor.fitting.schedule import Budget, learning_rate
from samtailor.fitting.state import load_state, save_state
from samtailor.fitting.validate import Validation, validate
from samtailor.machine.progress import Event, Note, Progress
from samtailor.prompts import Prompts
from samtailor.runs import Run
from tests.models import model_of

SHORT = FitConfig(method="plm", epochs=6, precision="float32", batch=4, lr=1e-3, val_prompts=8, validations=3)


def _bits(folder: Path) -> dict[str, bytes]:
    state = safetensors.torch.load_file(folder / "adapter.safetensors")
    return {k: v.numpy().tobytes() for k, v in state.items()}


def _rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_plm_has_the_documented_number_of_parameters() -> None:
    assert PLM().parameter_count() == 1_578_752


def test_plm_is_the_identity_before_training(tiny_sam: Base, shapes: Task) -> None:
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    opened = EmbeddedImage(tiny_sam.frame(64, 48), tiny_sam.encode([image]))
    prompts = Prompts(points=np.array([[[5.5, 7.5]], [[30.5, 40.5]]], np.float32), labels=np.ones((2, 1), np.int64))
    plm = PLM(width=tiny_sam.embed_dim)
    with torch.no_grad():
        base, adapted = (model_of(tiny_sam, a).decode(opened, prompts, "all") for a in (None, plm))
    assert torch.equal(base.logits, adapted.logits)
    assert torch.equal(base.iou, adapted.iou)


def test_prompts_of_one_image_do_not_affect_each_other(tiny_sam: Base) -> None:
    plm = PLM(width=tiny_sam.embed_dim)
    torch.nn.init.normal_(plm.mlp[-1].weight)
    sparse = torch.randn(2, 5, 3, tiny_sam.embed_dim)
    embeddings = {"image": torch.randn(2, tiny_sam.embed_dim, 4, 4)}
    together = plm(sparse, embeddings, tiny_sam.image_positions())
    alone = plm(sparse[1:, 2:3], {"image": embeddings["image"][1:]}, tiny_sam.image_positions())
    torch.testing.assert_close(together[1:, 2:3], alone, rtol=1e-4, atol=1e-3)  # offsets are of size 30 here


def test_fit_writes_a_run_and_does_not_change_the_base(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    before = {k: v.clone() for k, v in tiny_sam.state_dict().items()}
    result = fit_task(shapes, tiny_sam, tmp_path / "run", SHORT, cache=cache)
    assert all(torch.equal(v, before[k]) for k, v in tiny_sam.state_dict().items())
    names = {p.name for p in (tmp_path / "run").iterdir()}
    assert names >= {"adapter.safetensors", "adapter.json", "metrics.jsonl", "curve.png"}
    rows = _rows(tmp_path / "run")
    steps = [r["step"] for r in rows if "loss" in r]
    assert steps == list(range(1, result.steps + 1))
    vals = [r for r in rows if "val_miou" in r]
    assert vals[0]["step"] == 0
    assert result.best["miou"] == max(r["val_miou"] for r in vals)  # step 0 takes part in the choice
    card = read_card(tmp_path / "run")
    assert card["base"]["fingerprint"] == tiny_sam.fingerprint
    assert card["validation"]["beats_base"] == result.beats_base


def test_fitting_reduces_the_loss(tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path) -> None:
    """The loss on the training data falls well below its start."""
    # With random frozen decoder weights, Dice can fall only to 0.97 of its start, so its weight is reduced.
    config = dataclasses.replace(SHORT, epochs=60, lr=3e-3, validations=2, losses=LossWeights(dice=1.0))
    fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=cache)
    rows = _rows(tmp_path / "run")
    losses = [r["loss"] for r in rows if "loss" in r]
    assert np.mean(losses[-20:]) < 0.9 * np.mean(losses[:20])


def test_the_same_seed_gives_the_same_bits(tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path) -> None:
    for name in "ab":
        fit_task(shapes, tiny_sam, tmp_path / name, SHORT, cache=cache)
    assert _bits(tmp_path / "a") == _bits(tmp_path / "b")
    fit_task(shapes, tiny_sam, tmp_path / "c", dataclasses.replace(SHORT, seed=1), cache=cache)
    assert _bits(tmp_path / "c") != _bits(tmp_path / "a")


def kill_at(step: int) -> Progress:
    """Return a progress function that sends SIGKILL after a step, without any clean-up."""

    def receive(event: Event) -> None:
        if isinstance(event, Stepped) and event.state.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return receive


@pytest.mark.parametrize("step", [3, 7, 11])
def test_a_killed_and_resumed_fit_gives_the_same_bits(
    tiny_sam_folder: Path, tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, step: int
) -> None:
    fit_task(shapes, tiny_sam, tmp_path / "whole", SHORT, cache=cache)
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from samtailor import EmbeddingCache, fit_task, load_base, load_task
from tests.test_fit import SHORT, kill_at
task, base = load_task({str(shapes.root)!r}), load_base({str(tiny_sam_folder)!r})
cache = EmbeddingCache(Path({str(cache.root)!r}))
fit_task(task, base, Path({str(tmp_path / "killed")!r}), SHORT, cache=cache, progress=kill_at({step}))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    fit_task(shapes, tiny_sam, tmp_path / "killed", SHORT, cache=cache, resume=True)
    assert _bits(tmp_path / "killed") == _bits(tmp_path / "whole")
    logs = [_rows(tmp_path / name) for name in ("whole", "killed")]
    for row in logs[0] + logs[1]:
        row.pop("seconds")
    assert logs[0] == logs[1]


def test_an_existing_run_is_not_overwritten(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    fit_task(shapes, tiny_sam, tmp_path / "run", SHORT, cache=cache)
    with pytest.raises(FitError, match="already holds a run"):
        fit_task(shapes, tiny_sam, tmp_path / "run", SHORT, cache=cache)
    with pytest.raises(FitError, match=r"config\.batch 4 -> 6"):
        fit_task(shapes, tiny_sam, tmp_path / "run", dataclasses.replace(SHORT, batch=6), cache=cache, resume=True)


def test_a_diverging_loss_stops_the_fit(tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path) -> None:
    with pytest.raises(FitCollapseError, match=r"collapse at step .*--lr"):
        fit_task(shapes, tiny_sam, tmp_path / "run", dataclasses.replace(SHORT, lr=1e30, epochs=30), cache=cache)
    with pytest.raises(FitCollapseError):  # resuming reports the collapse again
        config = dataclasses.replace(SHORT, lr=1e30, epochs=30)
        fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=cache, resume=True)
    adapter = load_adapter(tmp_path / "run", tiny_sam)  # the best adapter so far is kept, with finite numbers
    assert all(torch.isfinite(p).all() for p in adapter.parameters())


def test_an_adapter_that_is_worse_in_validation_is_never_written(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    scores = iter([0.5, 0.45, 0.3, 0.2])
    monkeypatch.setattr(work, "validate", lambda *_: Validation(s := next(scores), s, 8))
    monkeypatch.setattr(policy, "PATIENT_STEPS", 6)
    config = dataclasses.replace(SHORT, lr=None)
    result = fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=cache, progress=listen)
    assert not result.beats_base
    assert result.best_step == 0
    assert notes[1:] == [
        "validation fell to 0.300 from 0.500: back to step 0, rate x 0.5",  # none at the end: no step follows
    ]
    # A state saved right after a back-off has no moments; resuming must still work.
    resumed = fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=cache, resume=True)
    assert resumed == dataclasses.replace(result, adapter=resumed.adapter)
    scored = evaluate_task(shapes, tiny_sam, load_adapter(tmp_path / "run", tiny_sam), cache=cache)
    assert all(i.scores["adapted"] == i.scores["base-single"] for i in scored.instances)


def test_a_run_continues_only_with_the_settings_it_was_started_with(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(SHORT, lr=None)
    fit_task(shapes, tiny_sam, tmp_path, config, cache=cache)
    assert read_card(tmp_path)["fit"]["peak_rate"] == PLM.peak_rate
    state, best = load_state(
        Run(tmp_path), adapter := PLM.for_base(tiny_sam), optimiser := torch.optim.AdamW(adapter.parameters())
    )  # type: ignore[misc]
    del state.context["config"]["sampling"]  # as if the run was started by a version without this setting
    save_state(Run(tmp_path), state, adapter, best, optimiser)
    fit_task(shapes, tiny_sam, tmp_path, config, cache=cache, resume=True)
    with pytest.raises(FitError, match="sampling instances -> sizes"):
        fit_task(shapes, tiny_sam, tmp_path, dataclasses.replace(config, sampling="sizes"), cache=cache, resume=True)
    monkeypatch.setattr(PLM, "peak_rate", 2 * PLM.peak_rate)
    with pytest.raises(FitError, match="peak rate"):
        fit_task(shapes, tiny_sam, tmp_path, config, cache=cache, resume=True)


@pytest.mark.parametrize(("at_first", "backoffs"), [(0.9, 0), (0.0, 1)])
def test_masks_that_were_empty_before_training_are_not_a_collapse(
    at_first: float,
    backoffs: int,
    tiny_sam: Base,
    shapes: Task,
    cache: EmbeddingCache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The share of empty masks is that of the adapter's token, not of the base's single mask."""
    empty = iter([0.0, at_first, 0.9, 0.9, 0.9])
    monkeypatch.setattr(work, "validate", lambda *_: Validation(0.5, 0.5, 8, next(empty)))
    gradients = work.add_gradients
    monkeypatch.setattr(work, "add_gradients", lambda *args: gradients(*args) | {"empty": 0.85})
    config = dataclasses.replace(SHORT, lr=None, mask_token=1, epochs=None, steps=13)
    fit_task(shapes, tiny_sam, tmp_path, config, cache=cache)
    assert read_card(tmp_path)["fit"]["backoffs"] == backoffs


@pytest.mark.parametrize(("low", "backoffs"), [(0.24, 1), (0.26, 0)])
def test_a_fit_goes_back_at_once_below_half_of_the_best_score(
    low: float,
    backoffs: int,
    tiny_sam: Base,
    shapes: Task,
    cache: EmbeddingCache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = iter([0.5, low, 0.495, low])
    monkeypatch.setattr(work, "validate", lambda *_: Validation(s := next(scores), s, 8))
    monkeypatch.setattr(policy, "PATIENT_STEPS", 3)
    fit_task(shapes, tiny_sam, tmp_path, dataclasses.replace(SHORT, lr=None), cache=cache)
    assert read_card(tmp_path)["fit"]["backoffs"] == backoffs


def test_the_forecast_comes_first_and_changes_nothing(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[object] = []

    def listen(event: Event) -> None:
        if isinstance(event, Forecast | Stepped):
            events.append(event if isinstance(event, Forecast) else event.state.step)

    fit_task(shapes, tiny_sam, tmp_path / "a", SHORT, cache=cache, progress=listen)
    estimated, *steps = events
    assert isinstance(estimated, Forecast)
    assert estimated.seconds > 0
    assert estimated.memory_bytes > 1e8
    assert steps == list(range(1, len(steps) + 1))
    monkeypatch.setattr("samtailor.fit.forecast", lambda _: estimated)
    fit_task(shapes, tiny_sam, tmp_path / "b", SHORT, cache=cache)
    assert _bits(tmp_path / "a") == _bits(tmp_path / "b")


def test_validation_takes_a_limited_part_of_a_short_budget(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def slow(*args: object) -> object:
        time.sleep(0.5)
        return validate(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "validate", slow)
    fit_task(shapes, tiny_sam, tmp_path / "run", FitConfig(minutes=0.1, batch=4, val_prompts=4), cache=cache)
    vals = [r for r in _rows(tmp_path / "run") if "val_miou" in r]
    assert 2 <= len(vals) <= 4  # step 0, the end and a few between, not the twenty of the config


def test_a_full_disk_raises_one_clear_error(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(SamtailorError, match=r"metrics\.jsonl cannot be written: No space left"):
        fit_task(shapes, tiny_sam, tmp_path / "run", SHORT, cache=cache)


def test_a_budget_in_minutes_limits_the_fit(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    start = time.monotonic()
    result = fit_task(shapes, tiny_sam, tmp_path / "run", FitConfig(minutes=0.05, batch=4, val_prompts=4), cache=cache)
    assert result.steps > 2
    assert time.monotonic() - start < 30


def test_the_learning_rate_rises_and_then_falls() -> None:
    rates = [learning_rate(1.0, step, step / 1000) for step in range(1001)]
    assert rates[0] < 0.05
    assert max(rates) > 0.95
    assert rates.index(max(rates)) < 60
    assert rates[-1] == pytest.approx(0.02)


def test_the_first_limit_of_a_budget_counts() -> None:
    assert Budget(None, 10).progress(5, 1e9) == 0.5
    assert Budget(100, None).progress(7, 25) == 0.25
    assert Budget(100, 10).progress(5, 80) == 0.8
    assert FitConfig().minutes == 15 and FitConfig(steps=3).minutes is None
    for invalid in (
        {"minutes": 0},
        {"epochs": -1},
        {"steps": 0},
        {"epochs": 1, "prompts": "text"},
        {"epochs": float("inf")},
    ):
        with pytest.raises(SamtailorError):
            FitConfig(**invalid)  # type: ignore[arg-type]


@pytest.mark.parametrize(("budget", "steps"), [({"steps": 3}, 3), ({"steps": 3, "epochs": 1}, 2)])
def test_a_fit_ends_when_its_steps_or_epochs_are_used_up(
    shapes: Task, tiny_sam: Base, tmp_path: Path, budget: dict[str, int], steps: int
) -> None:
    config = FitConfig(batch=8, val_prompts=4, validations=1, **budget)  # type: ignore[arg-type]
    result = fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=EmbeddingCache(tmp_path / "cache"))
    assert (result.steps, result.reason) == (steps, "the budget is used up")


@pytest.mark.parametrize("fast", [False, True])
def test_the_run_records_the_precision_that_auto_means(
    shapes: Task, tiny_sam: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: fast, raising=False)
    config = dataclasses.replace(SHORT, precision="auto", epochs=1)
    fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=EmbeddingCache(tmp_path / "cache"))
    settings = read_card(tmp_path / "run")["fit"]["settings"]
    assert settings["precision"] == ("bfloat16" if fast else "float32")
    assert FitConfig(epochs=1).precision == "auto"


def test_the_average_of_the_parameters_takes_part_in_the_choice(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best of parameters and average is kept, and a resumed fit has the same average."""
    config = dataclasses.replace(SHORT, average=0.5)
    fit_task(shapes, tiny_sam, tmp_path / "plain", SHORT, cache=cache)
    fit_task(shapes, tiny_sam, tmp_path / "whole", config, cache=cache)
    with pytest.raises(KeyboardInterrupt):
        fit_task(shapes, tiny_sam, tmp_path / "stopped", config, cache=cache, progress=_interrupt_at(5))
    fit_task(shapes, tiny_sam, tmp_path / "stopped", config, cache=cache, resume=True)
    plain, whole, resumed = (
        safetensors.torch.load_file(tmp_path / n / "state.safetensors") for n in ("plain", "whole", "stopped")
    )
    assert whole.keys() == resumed.keys() and all(torch.equal(v, resumed[k]) for k, v in whole.items())
    assert {k.removeprefix("average.") for k in whole.keys() - plain.keys()} == set(PLM(width=32).owned_parameters())
    assert not torch.equal(whole["average.mlp.2.weight"], whole["now.mlp.2.weight"])

    scores = iter([0.5, 0.6, 0.7, *[0.1] * 20])  # base, parameters, average, and so on

    def next_score(*_: object) -> Validation:
        score = next(scores)
        return Validation(score, score, 8)

    monkeypatch.setattr(work, "validate", next_score)
    result = fit_task(shapes, tiny_sam, tmp_path / "scored", config, cache=cache)
    assert result.best["miou"] == 0.7


def _interrupt_at(step: int) -> Progress:
    def listen(event: Event) -> None:
        if isinstance(event, Stepped) and event.state.step == step:
            raise KeyboardInterrupt

    return listen
