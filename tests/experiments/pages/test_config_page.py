"""The page of a config."""

from __future__ import annotations

from pathlib import Path

from experiments.__main__ import main
from experiments.specs.config import read_config

from samtailor.data.task import Task
from tests.experiments.helpers import Command, WriteConfig


def test_the_page_lists_the_runs_without_scores(
    write_config: WriteConfig, command: Command, shapes: Task, tmp_path: Path
) -> None:
    runs = [{"task": shapes.root.name, "method": ["base", "plm"], "seed": [0, 1]}]
    path = write_config(runs, compare_with="plm", x="train_fraction")
    assert main(command("run", path, "--only", "plm seed1")) == 0
    assert main(command("table", path)) == 0
    text = (tmp_path / "results" / "small.md").read_text()
    assert "| base-best | not run |" in text
    assert "; 1 of 2 not run |" in text
    assert f"`{read_config(path).runs[1].label}`: not run" in text
    assert (tmp_path / "results" / "small_miou.png").exists()


def test_scaled_runs_have_pages_of_their_own(write_config: WriteConfig, tmp_path: Path) -> None:
    path = write_config([{"task": "sample", "minutes": 12, "seed": 0}])
    assert main(["table", str(path), "--out", str(tmp_path / "o"), "--minutes-scale", "0.5"]) == 0
    assert (tmp_path / "o" / "scaled" / "small.md").exists()
