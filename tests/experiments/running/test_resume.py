"""An interrupted command, continued: nothing is done twice, and the pages show what was measured."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from experiments.__main__ import main
from experiments.running import driver as driver_module
from experiments.specs.config import read_config

from samtailor.adapters.io import load_adapter
from samtailor.bases.registry import load_base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.evaluate import evaluate_task
from samtailor.machine.device import choose_precision
from tests.experiments.helpers import Command, WriteConfig, lines_of

ROOT = Path(__file__).parents[3]

KILLED_BEFORE_THE_ADAPTER_IS_MEASURED = """
import os, signal, sys
from experiments.running import driver
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
take_measure = driver.take_measure
driver.take_measure = lambda spec, model, *rest: killed() if model.adapter else take_measure(spec, model, *rest)
from experiments.__main__ import main
main(sys.argv[1:])
"""


def test_a_command_killed_between_fit_and_measure_continues_without_fitting_again(
    write_config: WriteConfig, command: Command, shapes: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = shapes.root.name
    measures = [{"split": "test"}, {"split": "val", "prompt": "3 clicks", "sensitivity": 2}]
    runs = [{"task": task, "method": ["base", "plm"], "measures": measures}]
    path = write_config(runs, compare_with="base-best", show=["miou", "boundary_f1_3"])
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    process = [sys.executable, "-c", KILLED_BEFORE_THE_ADAPTER_IS_MEASURED, *command("run", path)]
    ended = subprocess.run(process, env=env, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert [line["label"].split("/")[1] for line in lines_of(tmp_path)] == ["base"]
    (adapter,) = (tmp_path / "out").glob("*/adapter.safetensors")
    before = adapter.stat().st_mtime_ns

    assert main(command("run", path)) == 0
    assert adapter.stat().st_mtime_ns == before
    lines = lines_of(tmp_path)
    assert [line["kind"] for line in lines] == ["run", "run"] + ["difference"] * 6  # plm, single, oracle x 2 measures
    base, fitted = lines[:2]
    assert base["fit"] is None
    assert fitted["status"] == "done"
    config = read_config(path).runs[1].fit_config().to_dict()
    assert fitted["fit"]["config"] == config | {"precision": choose_precision("auto", torch.device("cpu"))}
    assert fitted["fit"]["parameters"]["kept"] > 0
    methods = [[r["method"] for r in m["rows"]] for m in fitted["measures"]]
    assert methods == [["adapted", "adapted-best"]] * 2  # the rows of the base are in the other run
    assert str(tmp_path / "out") not in json.dumps(lines)

    # Nothing is left to do, neither here nor for the same adapter in another config.
    def never(*_: object, **__: object) -> None:
        raise AssertionError("done twice")

    monkeypatch.setattr(driver_module, "fit_once", never)
    monkeypatch.setattr(driver_module, "take_measure", never)
    assert main(command("run", path)) == 0
    assert len(lines_of(tmp_path)) == len(lines)
    label = read_config(path).runs[1].label
    again = write_config([{"adapter_of": f"small/{label}", "measures": measures[:1]}], "again")
    assert main(command("run", again)) == 0
    assert lines_of(tmp_path, "again")[0]["fit"] == fitted["fit"]

    # The page shows these numbers.
    assert main(command("table", path)) == 0
    text = (tmp_path / "results" / "small.md").read_text()
    adapted = fitted["measures"][0]["rows"][0]
    low, high = adapted["miou_interval"]
    assert f"| plm | {adapted['miou']:.3f} ({low:.3f} to {high:.3f}) |" in text
    change = next(line for line in lines if line.get("row") == "plm")["scores"]["miou"]
    base_sam = load_base(str(read_config(path).runs[1]["base"]))
    cache = EmbeddingCache(tmp_path / "cache")
    scored = evaluate_task(shapes, base_sam, load_adapter(adapter.parent, base_sam), cache=cache)
    gain = scored.to_dict()["gains"][1]
    assert (gain["over"], gain["miou"]) == ("base-best", pytest.approx(change["value"], abs=2e-5))
    assert gain["miou_interval"] == pytest.approx(change["interval"], abs=2e-5)  # the library has the same resamples
    assert f"{change['value']:+.3f}" in text
    assert "not run" not in text

    # Differences need only the lines and the files beside them.
    log = tmp_path / "results" / "small.jsonl"
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines if line["kind"] == "run"))
    shutil.rmtree(tmp_path / "out")
    assert main(command("table", path)) == 0
    assert lines_of(tmp_path) == lines

    # The same is true for the same run in another config.
    twin = write_config([{"adapter_of": f"small/{label}", "measures": measures}], "twin")
    assert main(command("run", twin)) == 0
    assert lines_of(tmp_path, "twin")[0] == fitted | {"config": "twin"}
    spread = fitted["measures"][1]["sensitivity"]["methods"]["adapted"]["groups"]["all"]["spread"]
    assert "Prompts varied on 2 instances" in text
    assert f"{spread['value']:.3f} ({spread['interval'][0]:.3f} to" in text
    assert (tmp_path / "results" / "small_miou.png").read_bytes()[:4] == b"\x89PNG"
