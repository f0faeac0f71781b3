"""Fits that are stopped, continued, extended, or wanted twice at once."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from samtailor.adapters.io import load_adapter, read_card
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.memory import MemoryCache
from samtailor.errors import AdapterError, FitError
from samtailor.evaluate import measure_run
from samtailor.fit import FitInterrupted, fit_task
from samtailor.fitting import loop, work
from samtailor.fitting.config import FitConfig
from samtailor.fitting.lock import locked
from samtailor.fitting.progress import Stepped, Validated
from samtailor.fitting.state import read_state
from samtailor.machine.progress import Event, Note, Progress
from samtailor.predict import Predictor
from samtailor.report.run import report_run
from samtailor.runs import Run
from tests.test_fit import _bits, _rows

SHORT = FitConfig(method="plm", steps=12, precision="float32", batch=4, lr=1e-3, val_prompts=8, validations=3)


def signal_at(step: int, number: int = signal.SIGINT) -> Progress:
    """Return a progress function that sends a signal to this process after a step."""

    def receive(event: Event) -> None:
        if isinstance(event, Stepped) and event.state.step == step:
            os.kill(os.getpid(), number)

    return receive


def comparable(folder: Path) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in _rows(folder)]


# --- a fit that is stopped


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_writes_the_best_adapter_and_says_how_to_continue(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, number: int, code: int
) -> None:
    whole = fit_task(shapes, tiny_sam, tmp_path / "whole", SHORT, cache=cache)
    run = tmp_path / "run"
    handler = signal.getsignal(number)
    with pytest.raises(FitInterrupted) as stopped:
        fit_task(shapes, tiny_sam, run, SHORT, cache=cache, progress=signal_at(6, number))
    assert signal.getsignal(number) is handler
    assert isinstance(stopped.value, KeyboardInterrupt)
    assert stopped.value.exit_code == code
    assert stopped.value.what.startswith("The fit was stopped at step 6 of a budget of 12 steps. ")
    line = f"samtailor fit {shapes.root} --out {run}"
    assert stopped.value.hint.startswith(f"Continue it: {line}")
    assert stopped.value.hint.endswith("--steps 12 --resume")
    assert read_card(run)["fit"]["ended"] == "interrupted at step 6 of a budget of 12 steps"
    assert read_card(run)["mask_scores"] is None, "measuring would delay the end"
    load_adapter(run, tiny_sam)
    resumed = fit_task(shapes, tiny_sam, run, SHORT, cache=cache, resume=True)
    assert _bits(run) == _bits(tmp_path / "whole")
    assert comparable(run) == comparable(tmp_path / "whole")
    assert resumed.best == whole.best
    assert read_card(run)["fit"]["ended"] == "the budget is used up"


def test_a_fit_stopped_within_a_validation_repeats_it(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_task(shapes, tiny_sam, tmp_path / "whole", SHORT, cache=cache)
    validate, calls = work.validate, 0

    def stopping(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return validate(*args)  # type: ignore[arg-type]

    for stop_at in (1, 2):  # the base's, and the first one of the adapter
        run, calls = tmp_path / f"run{stop_at}", 0
        with monkeypatch.context() as patch:
            patch.setattr(work, "validate", stopping)
            with pytest.raises(FitInterrupted):
                fit_task(shapes, tiny_sam, run, SHORT, cache=cache)
        fit_task(shapes, tiny_sam, run, SHORT, cache=cache, resume=True)
        assert _bits(run) == _bits(tmp_path / "whole")
        assert comparable(run) == comparable(tmp_path / "whole")


def test_an_adapter_of_an_interrupted_fit_says_so_when_it_is_used(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(FitInterrupted):
        fit_task(shapes, tiny_sam, tmp_path / "run", SHORT, cache=cache, progress=signal_at(8))
    Predictor(tiny_sam, tmp_path / "run", cache)
    assert "is unfinished; this is the best so far. Continue it: samtailor fit" in caplog.text


def test_a_second_ctrl_c_ends_the_fit_at_once_and_loses_nothing(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    fit_task(shapes, tiny_sam, tmp_path / "whole", SHORT, cache=cache)

    def twice(event: Event) -> None:
        if isinstance(event, Stepped) and event.state.step == 6:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(FitInterrupted, match="What was computed for it is kept"):
        fit_task(shapes, tiny_sam, tmp_path / "run", SHORT, cache=cache, progress=twice)
    fit_task(shapes, tiny_sam, tmp_path / "run", SHORT, cache=cache, resume=True)
    assert _bits(tmp_path / "run") == _bits(tmp_path / "whole")


def test_every_use_of_a_killed_fit_says_that_it_is_unfinished(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(FitInterrupted):
        fit_task(shapes, tiny_sam, run, SHORT, cache=cache, progress=signal_at(8))
    (run / "adapter.json").unlink()  # as after a kill
    text = (
        r"is unfinished: it is at step 8 of a budget of 12 steps, .* Continue it: samtailor fit .*--steps 12 --resume"
    )
    for use in (
        lambda: load_adapter(run, tiny_sam),
        lambda: Predictor(tiny_sam, run, cache),
        lambda: measure_run(run, base=tiny_sam, cache=cache),
        lambda: report_run(run, base=tiny_sam, cache=cache),
    ):
        with pytest.raises(AdapterError, match=text):
            use()
    (run / "state.safetensors").unlink()
    with pytest.raises(AdapterError, match="has not saved a state yet"):
        load_adapter(run, tiny_sam)
    (run / "run.json").unlink()
    with pytest.raises(AdapterError, match="There is no adapter in"):
        load_adapter(run, tiny_sam)


# --- a larger budget


@pytest.mark.parametrize("first", [SHORT, dataclasses.replace(SHORT, steps=None, epochs=3)])
def test_a_larger_budget_continues_a_finished_fit(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, first: FitConfig
) -> None:
    larger, notes = dataclasses.replace(SHORT, steps=24), []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    for name in ("a", "b"):
        fit_task(shapes, tiny_sam, tmp_path / name, first, cache=cache)
    result = fit_task(shapes, tiny_sam, tmp_path / "a", larger, cache=cache, resume=True, progress=listen)
    assert (result.steps, result.reason) == (24, "the budget is used up")
    assert read_card(tmp_path / "a")["fit"]["extended_at"] == [12]
    assert any("Continuing at step 12 with a larger budget" in note and "50%" in note for note in notes)
    rates = [row["lr"] for row in _rows(tmp_path / "a") if "lr" in row]
    assert rates[12] > 5 * rates[11]  # the rate follows the larger budget
    steps = [row["step"] for row in _rows(tmp_path / "a") if "loss" in row]
    assert steps == list(range(1, 25))
    # An extended fit that is stopped and resumed ends with the same bits.
    with pytest.raises(FitInterrupted):
        fit_task(shapes, tiny_sam, tmp_path / "b", larger, cache=cache, resume=True, progress=signal_at(17))
    fit_task(shapes, tiny_sam, tmp_path / "b", larger, cache=cache, resume=True)
    assert _bits(tmp_path / "b") == _bits(tmp_path / "a")


def test_before_the_first_step_a_larger_budget_gives_the_same_bits_as_from_the_start(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    def stop_at_zero(event: Event) -> None:
        if isinstance(event, Validated) and event.state.step == 0:
            os.kill(os.getpid(), signal.SIGINT)

    automatic = dataclasses.replace(SHORT, validations=None, val_prompts=200)
    for name, config in (("fixed", SHORT), ("automatic", automatic)):
        larger = dataclasses.replace(config, steps=24)
        fit_task(shapes, tiny_sam, tmp_path / name, larger, cache=cache)
        with pytest.raises(FitInterrupted):
            fit_task(shapes, tiny_sam, tmp_path / f"{name}-0", config, cache=cache, progress=stop_at_zero)
        fit_task(shapes, tiny_sam, tmp_path / f"{name}-0", larger, cache=cache, resume=True)
        assert _bits(tmp_path / f"{name}-0") == _bits(tmp_path / name)
        assert comparable(tmp_path / f"{name}-0") == comparable(tmp_path / name)


def test_a_larger_budget_with_more_validation_prompts_scores_base_and_best_again(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    config = dataclasses.replace(SHORT, validations=None, val_prompts=200)
    few = fit_task(shapes, tiny_sam, tmp_path, config, cache=cache)
    more = fit_task(shapes, tiny_sam, tmp_path, dataclasses.replace(config, steps=200), cache=cache, resume=True)
    assert few.base["n"] < more.base["n"] == more.best["n"]
    again = [row for row in _rows(tmp_path) if "val_miou" in row and row["step"] == 12]
    assert [row["val_n"] for row in again] == [few.base["n"], more.base["n"]]
    assert again[-1]["val_miou"] == more.base["miou"]


def test_a_smaller_budget_is_refused(tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path) -> None:
    fit_task(shapes, tiny_sam, tmp_path, SHORT, cache=cache)
    before = _bits(tmp_path)
    for changed in ({"steps": 6}, {"minutes": 1}, {"steps": 11, "minutes": 5}):
        with pytest.raises(FitError, match=r"has a budget of 12 steps and is at step 12; the new budget is not larger"):
            fit_task(shapes, tiny_sam, tmp_path, dataclasses.replace(SHORT, **changed), cache=cache, resume=True)
    with pytest.raises(FitError, match=r"config\.batch 4 -> 5"):
        fit_task(shapes, tiny_sam, tmp_path, dataclasses.replace(SHORT, steps=20, batch=5), cache=cache, resume=True)
    assert _bits(tmp_path) == before


def test_minutes_and_another_unit_can_replace_a_budget(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    fit_task(shapes, tiny_sam, tmp_path, SHORT, cache=cache)
    config = dataclasses.replace(SHORT, steps=None, epochs=8)
    assert fit_task(shapes, tiny_sam, tmp_path, config, cache=cache, resume=True).steps == 32
    config = dataclasses.replace(SHORT, steps=None, minutes=0.05)
    state = read_state(Run(tmp_path))
    assert state is not None
    if state.elapsed < 2:
        assert fit_task(shapes, tiny_sam, tmp_path, config, cache=cache, resume=True).steps > 32


def test_an_early_end_has_patience_again_with_a_larger_budget(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(SHORT, steps=40, validations=20, patience=3, lr=1e-9)
    monkeypatch.setattr(loop.Policy, "is_best", lambda *_: False)
    early = fit_task(shapes, tiny_sam, tmp_path, config, cache=cache)
    assert early.reason.startswith("no new best in")
    assert early.steps < 40
    longer = dataclasses.replace(config, steps=400)
    later = fit_task(shapes, tiny_sam, tmp_path, longer, cache=cache, resume=True)
    assert later.reason.startswith("no new best in")
    assert later.steps > 0.3 * 400


# --- two fits


def test_a_second_fit_in_the_same_folder_is_refused_by_the_name_of_the_first(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    run, messages = tmp_path / "run", []

    def meanwhile(event: Event) -> None:
        if isinstance(event, Stepped) and event.state.step == 5:
            for resume in (False, True):
                with pytest.raises(FitError) as refused:
                    fit_task(shapes, tiny_sam, run, SHORT, cache=cache, resume=resume)
                messages.append(str(refused.value))

    fit_task(shapes, tiny_sam, run, SHORT, cache=cache, progress=meanwhile)
    assert "already holds a run" in messages[0]
    holder = f"Another fit is writing to {run}: process {os.getpid()} on {socket.gethostname()}, since 20"
    assert holder in messages[1]
    assert [row["step"] for row in _rows(run) if "loss" in row] == list(range(1, 13))
    assert not (run / ".fit.holder.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from samtailor.fitting.lock import locked
with locked(Path({str(tmp_path)!r})):
    print("locked", flush=True)
    input()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(FitError, match=f"process {process.pid} on "), locked(tmp_path):
            pass
        process.kill()
    with locked(tmp_path):
        assert json.loads((tmp_path / ".fit.holder.json").read_text())["pid"] == os.getpid()


def test_a_folder_without_locks_is_named_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLocks:
        def acquire(self, blocking: bool) -> None:
            raise OSError(95, "Operation not supported")

    notes: list[str] = []
    monkeypatch.setattr("samtailor.fitting.lock._make_lock", lambda path: NoLocks())
    with locked(tmp_path, lambda event: notes.append(event.text if isinstance(event, Note) else "")):
        pass
    assert len(notes) == 1
    assert "make sure that no other fit writes to it" in notes[0]


@pytest.mark.parametrize("method", ["plm", "lora", "plm+pmm"])
def test_fits_in_two_threads_equal_fits_alone(tiny_sam: Base, shapes: Task, tmp_path: Path, method: str) -> None:
    configs = {seed: dataclasses.replace(SHORT, method=method, steps=4, seed=seed) for seed in (1, 2)}
    for seed, config in configs.items():
        fit_task(shapes, tiny_sam, tmp_path / f"alone{seed}", config, cache=MemoryCache())
    barrier, generator = threading.Barrier(3), torch.get_rng_state()

    def fit(seed: int) -> None:
        barrier.wait()
        fit_task(shapes, tiny_sam, tmp_path / f"both{seed}", configs[seed], cache=MemoryCache())

    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(fit, seed) for seed in configs]
        barrier.wait()
        for result in results:
            result.result()
    for seed in configs:
        assert _bits(tmp_path / f"both{seed}") == _bits(tmp_path / f"alone{seed}")
    assert torch.equal(torch.get_rng_state(), generator)  # the caller's generator is neither used nor changed


def test_the_next_start_removes_temporary_files_of_a_killed_fit(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    fit_task(shapes, tiny_sam, run, SHORT, cache=cache)
    killed = subprocess.run(
        [sys.executable, "-c", "import os, sys; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    from samtailor.machine.files import _HOST

    stale = run / f".{killed.stdout.strip()}.{_HOST}0123abcd.tmp"
    of_a_live_process = run / f".{os.getppid()}.{_HOST}0123abcd.tmp"
    users_own = run / "notes.tmp"
    for path in (stale, of_a_live_process, users_own):
        path.write_bytes(b"x" * 1000)
    fit_task(shapes, tiny_sam, run, SHORT, cache=cache, resume=True)
    assert [path.exists() for path in (stale, of_a_live_process, users_own)] == [False, True, True]


# --- what a step computes is stored for everyone


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_store_that_is_deleted_during_a_fit_changes_no_bit(
    tiny_sam: Base, shapes: Task, tmp_path: Path, precision: str
) -> None:
    config = dataclasses.replace(SHORT, precision=precision)  # type: ignore[arg-type]
    whole, store = EmbeddingCache(tmp_path / "a"), EmbeddingCache(tmp_path / "b")
    fit_task(shapes, tiny_sam, tmp_path / "whole", config, cache=whole)

    def delete(event: Event) -> None:
        if isinstance(event, Stepped) and event.state.step % 3 == 0:
            shutil.rmtree(store.root)

    fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=store, progress=delete)
    assert _bits(tmp_path / "run") == _bits(tmp_path / "whole")
    for path in (tmp_path / "b").rglob("*.safetensors"):
        twin = tmp_path / "a" / path.relative_to(tmp_path / "b")
        key = path.stem
        stored, expected = store.get(tiny_sam.fingerprint, key), whole.get(tiny_sam.fingerprint, key)
        assert twin.is_file() and stored is not None and expected is not None
        assert torch.equal(stored["image"], expected["image"])


def test_without_settings_a_resumed_fit_keeps_its_own_budget(
    shapes: Task, tiny_sam: Base, cache: EmbeddingCache, tmp_path: Path
) -> None:
    first = fit_task(shapes, tiny_sam, tmp_path / "run", FitConfig(steps=3), cache=cache)
    again = fit_task(shapes, tiny_sam, tmp_path / "run", cache=cache, resume=True)
    assert (first.steps, again.steps, again.reason) == (3, 3, first.reason)
