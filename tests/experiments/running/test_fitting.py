"""Fits with other settings than their run has today."""

from __future__ import annotations

from pathlib import Path

import pytest
from experiments.__main__ import main
from experiments.running.fitting import changes_since_fit
from experiments.running.time_estimate import TimeEstimate
from experiments.specs.config import read_config

from samtailor.adapters.methods import method_class
from samtailor.data.task import Task
from samtailor.fitting.config import FitConfig
from tests.experiments.helpers import Command, WriteConfig, lines_of


def test_a_fit_with_an_old_default_is_not_shown_and_not_used(
    write_config: WriteConfig,
    command: Command,
    shapes: Task,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write_config([{"task": shapes.root.name, "method": "plm"}])
    assert main(command("run", path)) == 0
    (card,) = (tmp_path / "out").glob("*/adapter.json")
    log = tmp_path / "results" / "small.jsonl"
    dice = FitConfig(epochs=1).losses.dice
    for file in (card, log):
        assert f'"dice": {dice}' in file.read_text()
        file.write_text(file.read_text().replace(f'"dice": {dice}', '"dice": 0.125'))
    old_adapter = (card.parent / "adapter.safetensors").read_bytes()
    assert main(command("table", path)) == 0
    assert "| plm | not run |" in (tmp_path / "results" / "small.md").read_text()

    assert main(command("run", path)) == 0
    aside = card.parent.with_name(f"{card.parent.name}.before1")
    assert f"{aside.name}: it was fitted with losses.dice: 0.125, now" in capsys.readouterr().err
    assert (aside / "adapter.safetensors").read_bytes() == old_adapter
    assert [line["fit"]["config"]["losses"]["dice"] for line in lines_of(tmp_path)] == [0.125, dice]
    assert main(command("table", path)) == 0
    assert "not run" not in (tmp_path / "results" / "small.md").read_text()


def test_an_interrupted_fit_with_an_old_default_is_set_aside(
    write_config: WriteConfig, command: Command, tmp_path: Path, shapes: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config([{"task": shapes.root.name, "method": "plm", "lr": None, "epochs": None, "steps": 3}])
    run = read_config(path).runs[0]
    folder = tmp_path / "out" / run.folder

    rate = method_class("plm").peak_rate

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(method_class("plm"), "peak_rate", 0.5 * rate)
        patch.setattr("samtailor.fit.write_outcome", killed)
        with pytest.raises(KeyboardInterrupt):
            main(command("run", path))
    assert changes_since_fit(run, folder) == [f"peak rate: {0.5 * rate}, now {rate}"]
    seconds = TimeEstimate([], tmp_path).remaining(run, folder)
    assert seconds[run.fit_id, ""] == 3.0  # all three steps, because the finished ones do not count
    assert main(command("run", path)) == 0
    assert [line["status"] for line in lines_of(tmp_path)] == ["done"]
    assert folder.with_name(f"{folder.name}.before1").is_dir()
