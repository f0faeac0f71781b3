"""The experiments' driver, on a tiny base and a task of discs and bars."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from experiments.__main__ import RESULTS, main, shipped_configs
from experiments.pages.config_page import write_page
from experiments.pages.findings import filled_in
from experiments.pages.results_page import overview_page, write_overview
from experiments.records.differences import paired
from experiments.records.instances import SCORES, Instance, read_instances, write_instances
from experiments.records.lines import Lines, without_paths
from experiments.records.rows import sections
from experiments.records.staleness import changes
from experiments.running import driver as driver_module
from experiments.running.driver import Driver
from experiments.running.fitting import stale
from experiments.running.tasks import Tasks
from experiments.running.time_estimate import Clock
from experiments.specs.config import Config, read_config
from experiments.specs.run import Run
from experiments.specs.settings import FIT_DEFAULTS, ConfigError, digest
from filelock import FileLock, Timeout

from samtailor.adapters.io import load_adapter
from samtailor.adapters.methods import METHODS, method_class
from samtailor.bases.registry import load_base
from samtailor.cli.progress import duration
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import FitCollapseError, SamtailorError
from samtailor.evaluate import evaluate_task
from samtailor.evaluation.scoring import InstanceScore
from samtailor.fitting.config import FitConfig
from samtailor.machine.device import choose_precision
from samtailor.metrics.scores import MaskScores

ROOT = Path(__file__).parents[2]
Write = Callable[..., Path]
SHORT = {"epochs": 2, "batch": 4, "val_prompts": 4, "validations": 1, "lr": 1e-3}


@pytest.fixture
def write(tmp_path: Path, tiny_sam_folder: Path) -> Write:
    """Writes a config of the tiny base."""

    def written(runs: list[dict[str, object]], name: str = "small", **top: object) -> Path:
        path = tmp_path / f"{name}.yaml"
        given = {"defaults": {"base": str(tiny_sam_folder), **SHORT}, "runs": runs} | top
        path.write_text(yaml.safe_dump(given, sort_keys=False))
        return path

    return written


@pytest.fixture
def command(tmp_path: Path, shapes: Task) -> Callable[..., list[str]]:
    def built(verb: str, *words: object) -> list[str]:
        places = ["--out", tmp_path / "out", "--results", tmp_path / "results"]
        data = ["--data", shapes.root.parent, "--cache", tmp_path / "cache", "--device", "cpu"]
        return [str(w) for w in (verb, *words, *places, *(data if verb == "run" else []))]

    return built


def lines_of(tmp_path: Path, name: str = "small") -> list[dict[str, object]]:
    return [json.loads(line) for line in (tmp_path / "results" / f"{name}.jsonl").read_text().splitlines()]


def test_lists_multiply_and_equal_runs_come_once(write: Write) -> None:
    path = write([{"task": ["a", "b"], "method": ["base", "plm"], "seed": [0, 1], "losses": {"dice": [1, 2]}}])
    labels = [r.label.rpartition("/base=")[0] for r in read_config(path).runs]
    assert len(labels) == 2 * (1 + 2 * 2)  # the base has no seed and no loss
    fits = [r for r in read_config(path).runs if r.method == "plm"]
    assert [(r["task"], r["seed"], r["losses.dice"]) for r in fits][:4] == [("a", s, d) for s in (0, 1) for d in (1, 2)]
    assert fits[1].fit_config().losses.dice == 2
    assert fits[1].fit_config().lr == 1e-3  # YAML 1.1 would take 1e-3 for a word


def test_options_of_a_method(write: Write) -> None:
    given = {"task": "a", "method": "plm+pmm", "method_options": {"pmm_weight": [0.1, 1], "pmm_contour": "jittered"}}
    one, other = read_config(write([given])).runs
    assert one.fit_config().method_options == {"pmm_contour": "jittered"}  # 0.1 is the default
    assert other.fit_config().method_options == {"pmm_contour": "jittered", "pmm_weight": 1}
    assert "method_options.pmm_weight=1" in other.label
    (plain,) = read_config(write([{"task": "a", "method": "plm+pmm"}])).runs
    (written,) = read_config(write([{"task": "a", "method": "plm+pmm", "method_options": {"pmm_points": 64}}])).runs
    assert plain.fit_id == written.fit_id
    for name in METHODS:  # one default for a name, whatever the method: identities rest on it
        for option, default in method_class(name).options().items():
            assert FIT_DEFAULTS[f"method_options.{option}"] == default


def test_measures_multiply_too(write: Write) -> None:
    path = write([{"task": "a", "measures": [{"prompt": ["click", "3 clicks"], "split": ["val", "test"]}, {}]}])
    (run,) = read_config(path).runs
    assert [m.title for m in run.measures] == ["val, click", "test, click", "val, 3 clicks", "test, 3 clicks"]


def test_identity_does_not_depend_on_order_nor_on_defaults_written_out(write: Write) -> None:
    settings = {"task": "a", "seed": 1, "minutes": 12, "measures": [{"prompt": "box"}, {"split": "val"}]}
    (first,) = read_config(write([settings])).runs
    for turn in range(5):
        keys = random.Random(turn).sample(list(settings), len(settings))
        assert [r.id for r in read_config(write([{k: settings[k] for k in keys}])).runs] == [first.id]
    same = settings | {"cells": FitConfig(epochs=1).cells, "losses": {"focal": 20}, "minutes": 12.0, "class": "all"}
    assert [r.id for r in read_config(write([same])).runs] == [first.id]
    for other in ({"seed": 2}, {"minutes": 13}, {"class": "x"}, {"losses": {"focal": 2}}, {"train_fraction": 0.5}):
        (changed,) = read_config(write([settings | other])).runs
        assert changed.fit_id != first.fit_id
    (more,) = read_config(write([settings | {"measures": [{"prompt": "box"}]}])).runs
    assert more.fit_id == first.fit_id and more.id != first.id
    assert digest({"a": 1, "b": [2.0]}) == digest({"b": [2], "a": 1})


@pytest.mark.parametrize(
    ("runs", "top", "words"),
    [
        ([{"task": "a", "learning_rate": 1}], {}, ["learning_rate", "lr"]),
        ([{"task": "a", "losses": {"edge": 1}}], {}, ["losses.edge", "losses.dice"]),
        ([{"task": "a", "method_options": {"pmm_wait": 1}}], {}, ["pmm_wait", "method_options.pmm_weight"]),
        ([{"task": "a", "method": "plm", "method_options": {"pmm_weight": 1}}], {}, ["'plm'", "pmm_weight", "hidden"]),
        ([{"task": "a", "method": "lora", "method_options": {"rank": "x"}}], {}, ["rank", "'x'", "whole number"]),
        ([{"task": "a", "measures": [{"prompts": "box"}]}], {}, ["prompts", "prompt,"]),
        ([{"task": "a"}], {"nmae": "x"}, ["nmae", "compare_with"]),
        ([{"task": "a"}], {"compare_with": {"method": "plm"}}, ["compare_with", "'method'"]),
        ([{"task": "a", "measures": [{"split": "tset"}]}], {}, ["tset", "val"]),
        ([{"task": "a", "measures": [{"prompt": "scribble"}]}], {}, ["scribble", "box"]),
        ([{"task": "a", "cells": 2}], {}, ["cells"]),
        ([{"task": "a", "train_fraction": 0}], {}, ["train_fraction"]),
        ([{"task": "/a"}], {}, ["below the data folder"]),
        ([{"task": "../a"}], {}, ["below the data folder"]),
        ([{"method": "plm"}], {}, ["None"]),
        (
            [{"adapter_of": "small/b/plm/seed0"}, {"task": "a", "method": "plm"}],
            {},
            ["small/b/plm/seed0", "a/plm/seed0"],
        ),
    ],
)
def test_what_nobody_would_read_is_an_error(
    write: Write, runs: list[dict[str, object]], top: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(SamtailorError) as caught:
        read_config(write(runs, **top))
    for word in words:
        assert word in str(caught.value)


def test_adapter_of_takes_the_settings_of_a_run_of_another_config(write: Write) -> None:
    (fitted,) = read_config(write([{"task": "a", "seed": 3}], "other")).runs
    path = write([{"adapter_of": f"other/{fitted.label}", "measures": [{"split": "val"}]}])
    (run,) = read_config(path).runs
    assert (run.fit_id, run.folder, run.settings) == (fitted.fit_id, fitted.folder, fitted.settings)
    assert run.id != fitted.id


def test_shares_of_the_training_images_are_nested(shapes: Task) -> None:
    def images(share: float, seed: int = 0) -> set[Path]:
        given = {"task": shapes.root.name, "train_fraction": share, "seed": seed, "epochs": 1}
        task = Tasks(shapes.root.parent).for_fit(Run.of(given, (), "x"))
        assert task.split("val") == shapes.split("val")
        return {r.path for r in task.split("train")}

    some, half, whole = images(0.25), images(0.5), images(1)
    assert (len(some), len(half), len(whole)) == (2, 4, 8)
    assert some < half < whole
    assert any(images(0.5, seed) != half for seed in range(1, 5))


def test_copies_from_another_split_are_dropped(shapes: Task, tmp_path: Path) -> None:
    shutil.copytree(shapes.root, tmp_path / "copied")
    shutil.copy(tmp_path / "copied/train/images/3.png", tmp_path / "copied/test/images/1.png")
    tasks = Tasks(tmp_path)
    for unique, names in ((False, "0123"), (True, "023")):
        run = Run.of({"task": "copied", "drop_duplicates": unique, "epochs": 1}, (), "x")
        assert [r.path.stem for r in tasks.whole(run).split("test")] == list(names)


def test_one_class_alone(shapes: Task) -> None:
    run = Run.of({"task": shapes.root.name, "class": "bar", "epochs": 1}, (), "x")
    task = Tasks(shapes.root.parent).for_fit(run)
    assert {i.label for r in task.split("train") for i in r.instances} == {"bar"}


def test_killed_between_fit_and_measure_it_goes_on_and_fits_nothing_twice(
    write: Write, command: Callable[..., list[str]], shapes: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = shapes.root.name
    measures = [{"split": "test"}, {"split": "val", "prompt": "3 clicks", "sensitivity": 2}]
    runs = [{"task": task, "method": ["base", "plm"], "measures": measures}]
    path = write(runs, compare_with="base-best", show=["miou", "boundary_f1_3"])
    code = """
import os, signal, sys
from experiments.running import driver
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
taken = driver.take
driver.take = lambda asked, t, b, adapter, *rest: (killed() if adapter else taken(asked, t, b, adapter, *rest))
from experiments.__main__ import main
main(sys.argv[1:])
"""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    done = subprocess.run([sys.executable, "-c", code, *command("run", path)], env=env, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [line["label"].split("/")[1] for line in lines_of(tmp_path)] == ["base"]  # type: ignore[attr-defined]
    (adapter,) = (tmp_path / "out").glob("*/adapter.safetensors")
    before = adapter.stat().st_mtime_ns

    assert main(command("run", path)) == 0
    assert adapter.stat().st_mtime_ns == before
    found = lines_of(tmp_path)
    assert [line["kind"] for line in found] == ["run", "run"] + ["difference"] * 6  # plm, single, oracle x 2 measures
    base, fitted = found[:2]
    assert base["fit"] is None
    assert fitted["status"] == "done"
    asked = read_config(path).runs[1].fit_config().to_dict()
    used = fitted["fit"]["config"]  # type: ignore[index]
    assert used == asked | {"precision": choose_precision("auto", torch.device("cpu"))}
    assert fitted["fit"]["parameters"]["kept"] > 0  # type: ignore[index]
    methods = [[r["method"] for r in m["rows"]] for m in fitted["measures"]]  # type: ignore[attr-defined]
    assert methods == [["adapted"]] * 2  # the base's are the other run's
    assert str(tmp_path / "out") not in json.dumps(found)

    # Nothing is left to do, neither here nor for the same adapter in another config.
    def never(*_: object, **__: object) -> None:
        raise AssertionError("done twice")

    monkeypatch.setattr(driver_module, "fit_once", never)
    monkeypatch.setattr(driver_module, "take", never)
    assert main(command("run", path)) == 0
    assert len(lines_of(tmp_path)) == len(found)
    label = read_config(path).runs[1].label
    again = write([{"adapter_of": f"small/{label}", "measures": measures[:1]}], "again")
    assert main(command("run", again)) == 0
    assert lines_of(tmp_path, "again")[0]["fit"] == fitted["fit"]

    # The page shows these numbers.
    assert main(command("table", path)) == 0
    text = (tmp_path / "results" / "small.md").read_text()
    adapted = fitted["measures"][0]["rows"][0]  # type: ignore[index]
    low, high = adapted["miou_interval"]
    assert f"| plm | {adapted['miou']:.3f} ({low:.3f} to {high:.3f}) |" in text
    change = next(d for d in found if d.get("row") == "plm")["scores"]["miou"]  # type: ignore[index]
    base_sam = load_base(str(read_config(path).runs[1]["base"]))
    cache = EmbeddingCache(tmp_path / "cache")
    scored = evaluate_task(shapes, base_sam, load_adapter(adapter.parent, base_sam), cache=cache)
    gain = scored.to_dict()["gains"][1]
    assert (gain["over"], gain["miou"]) == ("base-best", pytest.approx(change["value"], abs=2e-5))
    assert gain["miou_interval"] == pytest.approx(change["interval"], abs=2e-5)  # the library's own, same resamples
    assert f"{change['value']:+.3f}" in text
    assert "not run" not in text

    # Differences need nothing but the lines and the files beside them.
    log = tmp_path / "results" / "small.jsonl"
    log.write_text("".join(f"{json.dumps(line)}\n" for line in found if line["kind"] == "run"))
    shutil.rmtree(tmp_path / "out")
    assert main(command("table", path)) == 0
    assert lines_of(tmp_path) == found

    # Nor does the same run in another config.
    twin = write([{"adapter_of": f"small/{label}", "measures": measures}], "twin")
    assert main(command("run", twin)) == 0
    copied = lines_of(tmp_path, "twin")[0]
    assert copied == fitted | {"config": "twin"}
    varied = fitted["measures"][1]["sensitivity"]["methods"]["adapted"]["groups"]["all"]["spread"]  # type: ignore[index]
    assert "Prompts varied on 2 instances" in text
    assert f"{varied['value']:.3f} ({varied['interval'][0]:.3f} to" in text
    assert (tmp_path / "results" / "small_miou.png").read_bytes()[:4] == b"\x89PNG"


def test_a_failed_run_is_a_line_and_the_next_one_runs(
    write: Write, command: Callable[..., list[str]], shapes: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write([{"task": shapes.root.name, "method": ["plm", "base"]}])

    def collapsed(*_: object, **__: object) -> None:
        raise FitCollapseError("The fit ended in a collapse.", f"It is kept in {tmp_path / 'out' / 'x'}.")

    with monkeypatch.context() as patch:
        patch.setattr(driver_module, "fit_once", collapsed)
        assert main(command("run", path)) == 1
    first, second = lines_of(tmp_path)
    assert (first["status"], second["status"]) == ("failed", "done")
    assert first["reason"] == "FitCollapseError: The fit ended in a collapse. It is kept in <out>/x."
    assert main(command("table", path)) == 0
    text = (tmp_path / "results" / "small.md").read_text()
    assert "| plm | failed |" in text
    assert str(first["reason"]) in text
    assert main(command("run", path)) == 0  # it is not tried again
    assert len(lines_of(tmp_path)) == 2
    assert main(command("run", path, "--retry-failed")) == 0
    assert lines_of(tmp_path)[2]["status"] == "done"


def test_a_row_is_compared_with_the_same_settings_as_far_as_the_other_method_has_them(
    write: Write, tmp_path: Path
) -> None:
    searched = {"method": "plm+pmm", "method_options": {"pmm_weight": [0.1, 5]}}
    runs = [{"task": "a", "losses": {"dice": [20, 1]}, **how} for how in ({"method": "plm"}, searched)]
    (section,) = sections(read_config(write(runs, compare_with="plm")), Lines(tmp_path / "none.jsonl"))
    found = {row.label: over.label for row in section.rows if (over := section.reference(row))}
    assert found == {
        "plm, dice=1": "plm",
        "plm+pmm": "plm",
        "plm+pmm, pmm_weight=5": "plm",
        "plm+pmm, dice=1": "plm, dice=1",
        "plm+pmm, dice=1, pmm_weight=5": "plm, dice=1",
    }
    path = write(runs, "other", compare_with={"losses": {"dice": 1}})
    (section,) = sections(read_config(path), Lines(tmp_path / "none.jsonl"))
    found = {row.label: over.label for row in section.rows if (over := section.reference(row))}
    assert found == {
        "plm": "plm, dice=1",
        "plm+pmm": "plm+pmm, dice=1",
        "plm+pmm, pmm_weight=5": "plm+pmm, dice=1, pmm_weight=5",
    }
    assert section.compared == "the same with dice=1"


def test_a_row_without_its_counterpart_is_compared_with_nothing_else(write: Write, tmp_path: Path) -> None:
    runs = [
        {"task": "a", "method": "plm", "losses": {"dice": [20, 1]}},
        {"task": "a", "method": "plm", "losses": {"dice": 1}, "clip": 2},
        {"task": "a", "method": "offset", "losses": {"dice": 5}},
    ]
    (section,) = sections(read_config(write(runs, compare_with="plm")), Lines(tmp_path / "none.jsonl"))
    found = {row.label: over.label for row in section.rows if (over := section.reference(row))}
    assert found == {"plm, dice=1": "plm"}


def test_a_fit_from_before_a_default_changed_is_neither_shown_nor_used(
    write: Write, command: Callable[..., list[str]], shapes: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write([{"task": shapes.root.name, "method": "plm"}])
    assert main(command("run", path)) == 0
    (card,) = (tmp_path / "out").glob("*/adapter.json")
    log = tmp_path / "results" / "small.jsonl"
    now = f'"dice": {FitConfig(epochs=1).losses.dice}'
    for file in (card, log):
        assert now in file.read_text()
        file.write_text(file.read_text().replace(now, '"dice": 0.125'))
    old = (card.parent / "adapter.safetensors").read_bytes()
    assert main(command("table", path)) == 0
    assert "| plm | not run |" in (tmp_path / "results" / "small.md").read_text()

    assert main(command("run", path)) == 0
    aside = card.parent.with_name(f"{card.parent.name}.before1")
    assert f"{aside.name}: it was fitted with losses.dice: 0.125, now" in capsys.readouterr().err
    assert (aside / "adapter.safetensors").read_bytes() == old
    found = [line["fit"]["config"]["losses"]["dice"] for line in lines_of(tmp_path)]  # type: ignore[index]
    assert found == [0.125, FitConfig(epochs=1).losses.dice]
    assert main(command("table", path)) == 0
    assert "not run" not in (tmp_path / "results" / "small.md").read_text()


def test_a_killed_fit_from_before_a_default_changed_is_set_aside(
    write: Write, command: Callable[..., list[str]], tmp_path: Path, shapes: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write([{"task": shapes.root.name, "method": "plm", "lr": None, "epochs": None, "steps": 3}])
    run = read_config(path).runs[0]
    folder = tmp_path / "out" / run.folder

    rate = method_class("plm").peak_rate

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(method_class("plm"), "peak_rate", 0.5 * rate)
        patch.setattr("samtailor.fit._write", killed)
        with pytest.raises(KeyboardInterrupt):
            main(command("run", path))
    assert stale(run, folder) == [f"peak rate: {0.5 * rate}, now {rate}"]
    assert Clock([], tmp_path).left(run, folder)[run.fit_id, ""] == 3.0  # all three steps, none of those done
    assert main(command("run", path)) == 0
    assert [line["status"] for line in lines_of(tmp_path)] == ["done"]
    assert folder.with_name(f"{folder.name}.before1").is_dir()


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({}, []),
        ({"precision": "bfloat16"}, []),
        ({"younger": 1}, []),
        ({"clip": 2.0}, ["clip: 2.0, now 1.0"]),
        ({"method_options": {"width": 3}}, []),
    ],
)
def test_what_would_be_fitted_otherwise_now(then: dict[str, object], expected: list[str]) -> None:
    run = Run.of({"task": "faces", "method": "plm", "epochs": 1}, (), "here")
    fit = {"config": run.fit_config().to_dict() | then, "peak_rate": method_class("plm").peak_rate}
    assert changes(fit, run) == expected
    assert changes(fit | {"peak_rate": None}, run) == expected  # lines older than this fact
    assert changes(fit | {"peak_rate": 0.5}, run) == [*expected, f"peak rate: 0.5, now {method_class('plm').peak_rate}"]
    assert changes(fit | {"options": {"heads": 4, "hidden": 2048}}, run) == [
        *expected,
        "method_options.heads: 4, now 8",
    ]
    given = Run.of({"task": "faces", "method": "plm", "epochs": 1, "lr": 0.5}, (), "here")
    assert changes({"config": given.fit_config().to_dict(), "peak_rate": 0.5}, given) == []


def test_what_was_not_run_is_said(
    write: Write, command: Callable[..., list[str]], shapes: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [{"task": shapes.root.name, "method": ["base", "plm"], "seed": [0, 1]}]
    path = write(runs, compare_with="plm", x="train_fraction")
    assert main(command("run", path, "--dry-run")) == 0
    assert capsys.readouterr().out.count("about") == 4  # three runs and the sum
    assert not (tmp_path / "results").exists()
    assert main(command("run", path, "--only", "plm seed1")) == 0
    assert main(command("table", path)) == 0
    text = (tmp_path / "results" / "small.md").read_text()
    assert "| base-best | not run |" in text
    assert "; 1 of 2 not run |" in text
    assert f"`{read_config(path).runs[1].label}`: not run" in text
    assert (tmp_path / "results" / "small_miou.png").exists()
    assert main(command("run", path, "--only", "plmm")) == 2


def test_data_that_are_not_there_stop_before_the_first_run(
    write: Write, command: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("run", write([{"task": "nowhere"}]))) == 2
    assert "lacks nowhere" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_scaled_minutes_are_other_runs_in_other_files(write: Write, tmp_path: Path) -> None:
    path = write([{"task": "sample", "minutes": 12, "seed": 0}])
    whole, short = read_config(path).runs[0], read_config(path, 0.5).runs[0]
    assert (short["minutes"], short.id == whole.id) == (6, False)
    assert main(["table", str(path), "--out", str(tmp_path / "o"), "--minutes-scale", "0.5"]) == 0
    assert (tmp_path / "o" / "scaled" / "small.md").exists()


def test_steps_are_scaled_too(write: Write) -> None:
    path = write([{"task": "sample", "steps": 1000, "seed": 0}])
    assert [read_config(path, scale).runs[0]["steps"] for scale in (1, 0.25, 1e-6)] == [1000, 250, 1]


def test_scores_of_instances_come_back(tmp_path: Path) -> None:
    one = MaskScores(0.123456, 0.2, 0.5, (0.25, 1.0), 3.0)
    other = MaskScores(1.0, 1.0, 1.0, (1.0, 0.0), 0.0)
    found = [
        InstanceScore("a, b.png", 7, "left eye", {"base-single": one, "base-best": other}, 12),
        InstanceScore("a, b.png", 7, "left eye", {"base-single": other, "base-best": other}, 12, repeat=1),
    ]
    name = write_instances(tmp_path / "deep", "x", found)
    back = read_instances(tmp_path / "deep" / name)
    assert back is not None
    assert list(back) == [("a, b.png", 7, 0), ("a, b.png", 7, 1)]
    instance = back["a, b.png", 7, 0]
    assert (instance.label, list(instance.scores)) == ("left eye", ["base-single", "base-best"])
    assert instance.scores["base-single"] == dict(zip(SCORES, (0.12346, 0.5, 0.25, 1.0), strict=True))
    assert write_instances(tmp_path / "deep", "x", found) == name
    assert write_instances(tmp_path / "deep", "x", found[:1]) != name  # another fit takes no file's place
    assert read_instances(tmp_path / "none.csv.gz") is None


def test_a_line_cut_in_two_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    Lines(path).add({"kind": "run", "id": "a", "n": 1})
    with path.open("a") as file:
        file.write('{"kind": "run", "id": "b"')
    lines = Lines(path)
    assert lines.get("run", "b") is None
    lines.add({"kind": "run", "id": "a", "n": 2})
    assert [row["n"] for row in Lines(path).of("run")] == [2]


def test_a_line_that_is_cut_in_two_is_passed_over_and_not_written_into(tmp_path: Path) -> None:
    """A kill leaves one, and another driver's is seen half written: reading must not touch the file."""
    path = tmp_path / "small.jsonl"
    path.write_text('{"kind": "run", "id": "a"}\n{"kind": "run", "id"')
    lines = Lines(path)
    assert path.read_text().endswith('"id"') and [row["id"] for row in lines.of("run")] == ["a"]
    lines.add({"kind": "run", "id": "b"})
    assert [row["id"] for row in Lines(path).of("run")] == ["a", "b"]


def test_places_of_this_machine_are_named() -> None:
    places = {"home": Path("/home/me"), "data": Path("/home/me/data")}
    assert without_paths({"a": ["in /home/me/data/x and /home/me/y"]}, places) == {"a": ["in <data>/x and <home>/y"]}


def _scores(values: list[float], method: str) -> dict[tuple[str, int, int], list[Instance]]:
    found = {}
    for k, value in enumerate(values):
        each = [dict.fromkeys(SCORES, v) for v in (value - 0.1, value + 0.1)]  # two seeds
        label = "disc" if k else "bar"
        found[f"{k // 2}.png", k, 0] = [Instance(label, {method: s}) for s in each]
    return found


def test_paired_differences_average_seeds_instance_by_instance() -> None:
    ours, theirs = _scores([0.5, 0.7, 0.9, 0.6], "adapted"), _scores([0.4, 0.6, 0.8, 0.5], "base-best")
    found = paired(ours, "adapted", theirs, "base-best")
    assert found["n"] == 4
    for name in ("miou", "iou_instances", "boundary_f1_3"):  # every instance gains as much: the interval is a point
        assert found[name]["value"] == pytest.approx(0.1)
        assert found[name]["interval"] == pytest.approx([0.1, 0.1])
    uneven = paired(_scores([0.8, 0.6, 0.8, 0.5], "adapted"), "adapted", theirs, "base-best")
    assert uneven["iou_instances"]["value"] == pytest.approx(0.1)
    assert uneven["miou"]["value"] == pytest.approx(0.2)  # the only bar gains 0.4, the discs nothing
    better = _scores([0.6, 0.8, 1.0, 0.7], "adapted")
    mixed = {k: [ours[k][0], better[k][1]] for k in ours}  # the second seed gains 0.1 more
    for name in ("miou", "boundary_iou"):
        assert paired(mixed, "adapted", theirs, "base-best")[name]["by_seed"] == pytest.approx([0.1, 0.2])
    one = {k: v[:1] for k, v in theirs.items()}
    assert "by_seed" not in paired(ours, "adapted", one, "base-best")["miou"]
    with pytest.raises(ConfigError, match="4 and 3 instances"):
        paired(ours, "adapted", _scores([0.4, 0.6, 0.8], "base-best"), "base-best")


@pytest.mark.parametrize("path", sorted((ROOT / "experiments" / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_configs_can_be_read(path: Path, tmp_path: Path) -> None:
    config = read_config(path)
    assert config.runs
    found = sections(config, Lines(tmp_path / "none.jsonl"))
    assert not config.compare_with or any(s.reference(row) for s in found for row in s.rows), "nothing is compared"
    for run in config.runs:
        assert run.method == "base" or (run["minutes"] or 60) <= 60
        assert run.method == "base" or run["minutes"] or run["steps"] <= 1000
    assert set(FIT_DEFAULTS) >= {
        k for r in config.runs for k in r.settings if k not in ("task", "class", "drop_duplicates")
    }


def test_figures_in_a_text_are_filled_in_from_the_lines(
    write: Write, command: Callable[..., list[str]], shapes: Task, tmp_path: Path
) -> None:
    path = write([{"task": shapes.root.name, "method": ["base", "plm", "offset"]}], compare_with="plm", show=["miou"])
    other = write([{"task": shapes.root.name, "method": "plm", "seed": 5}], "later")
    assert main(command("run", path)) == 0
    results = tmp_path / "results"
    configs = [read_config(path), read_config(other)]
    column = f"{shapes.root.name}: test, click"
    text = f"It has {{{{small | {column} | plm | miou}}}} and {{{{small | {column} | offset - plm | boundary_f1_3}}}}."
    found = filled_in(text, configs, results)
    runs = {line["label"].split("/")[1]: line for line in lines_of(tmp_path) if line["kind"] == "run"}  # type: ignore[attr-defined]
    row = runs["plm"]["measures"][0]["rows"][0]  # type: ignore[index]
    (change,) = [d["scores"]["boundary_f1_3"] for d in lines_of(tmp_path) if d.get("row") == "offset"]  # type: ignore[index]
    low, high = row["miou_interval"]
    assert found == (
        f"It has {row['miou']:.3f} ({low:.3f} to {high:.3f}) and "
        f"{change['value']:+.3f} ({change['interval'][0]:+.3f} to {change['interval'][1]:+.3f})."
    )
    assert filled_in(f"{{{{later | {column} | plm | miou}}}}", configs, results) == "not run"
    trained = runs["plm"]["fit"]["parameters"]["trained"]  # type: ignore[index]
    assert filled_in(f"{{{{small | {column} | plm | trained}}}}", configs, results) == f"{trained:,}"
    label, of_class = next(iter(row["per_class"].items()))
    assert filled_in(f"{{{{small | {column} | plm | IoU of {label}}}}}", configs, results) == f"{of_class['iou']:.3f}"
    assert filled_in(f"{{{{small | {column} | plm | n of {label}}}}}", configs, results) == str(of_class["n"])
    over_base = filled_in(f"{{{{small | {column} | offset - base-single | boundary_f1_3}}}}", configs, results)
    scores = {
        r["method"]: r["boundary_f1"]["3"] for name in ("base", "offset") for r in runs[name]["measures"][0]["rows"]
    }  # type: ignore[index]
    value, low, high = (float(n) for n in re.findall(r"[+-][\d.]+", over_base))
    assert value == pytest.approx(scores["adapted"] - scores["base-single"], abs=6e-4) and low <= value <= high
    figures = "plm | mIoU", "lora | miou", "plm | IoU of hats", "plm - lora | miou", "plm - offset | trained"
    for wrong in ("small | x | plm | miou", "plm", *(f"small | {column} | {figure}" for figure in figures)):
        with pytest.raises(ConfigError):
            filled_in(f"{{{{{wrong}}}}}", configs, results)

    write_overview(configs, results, text, tmp_path / "results.md")
    page = (tmp_path / "results.md").read_text()
    assert found in page
    assert "](results/small.md)" in page
    assert "* `later`" in page.split("## Not run yet")[1]
    picture = page.partition("![mIoU: small](")[2].partition(")")[0]
    write_page(configs[0], results)
    assert (tmp_path / picture).is_file()
    cost = page.split("## What it cost")[1]
    seconds = sum(line["fit"]["seconds"] for line in runs.values() if line["fit"])  # type: ignore[index]
    assert f"| small | 3 of 3 | {duration(seconds)} |" in cost
    assert f"| plm | 1 | {runs['plm']['fit']['config']['precision']} |" in cost


def test_a_run_that_another_driver_is_at_comes_last(
    write: Write, command: Callable[..., list[str]], shapes: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write([{"task": shapes.root.name, "method": "plm", "seed": [0, 1, 2]}])
    first, second, third = read_config(path).runs
    (tmp_path / "out").mkdir()
    theirs = FileLock(tmp_path / "out" / f"{first.folder}.lock", timeout=0)
    theirs.acquire()
    done = []

    def at_once(self: Driver, config: Config, run: Run, clock: object) -> dict[str, object]:
        if run == third:  # the other driver has done its run meanwhile, and dies in the next
            self.lines(config.name).add({"kind": "run", "id": first.id, "status": "done"})
            theirs.release()
        with pytest.raises(Timeout):
            FileLock(self.out / f"{run.folder}.lock", timeout=0).acquire()
        done.append(run)
        return {"kind": "run", "id": run.id, "status": "failed", "reason": "none", "settings": run.settings}

    monkeypatch.setattr(Driver, "_line", at_once)
    monkeypatch.setattr(driver_module, "add_differences", lambda *_: None)
    assert main(command("run", path)) == 1
    assert done == [second, third]
    for lock in (tmp_path / "out").glob("*.lock"):
        FileLock(lock, timeout=0).acquire()  # all are free


def test_the_page_of_results_is_what_the_lines_say() -> None:
    configs = shipped_configs()
    findings = (ROOT / "experiments" / "findings.md").read_text()
    page = overview_page(configs, RESULTS, findings, Path("../experiments/results"))
    findings_shown = page.partition("## All experiments")[0]
    assert "{{" not in page and ": failed" not in findings_shown
    assert "not run" not in findings_shown.replace("of 3 not run", ""), "a finding has no figure"
    assert page == (ROOT / "docs" / "results.md").read_text(), "run `python -m experiments results`"
