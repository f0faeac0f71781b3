"""The driver: interruptions, failures, missing data, and several drivers at once."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from experiments.__main__ import main
from experiments.running import driver as driver_module
from experiments.running.driver import Driver
from experiments.running.fitting import fit_once
from experiments.specs.config import Config, read_config
from experiments.specs.run import Run
from filelock import FileLock, Timeout

from samtailor.adapters.io import read_card
from samtailor.data.task import Task
from samtailor.errors import FitCollapseError
from samtailor.fitting.progress import Stepped
from tests.experiments.helpers import Command, WriteConfig, lines_of


def test_a_failed_run_is_a_line_and_the_next_run_is_processed(
    write_config: WriteConfig, command: Command, shapes: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config([{"task": shapes.root.name, "method": ["plm", "base"]}])

    def collapse(*_: object, **__: object) -> None:
        raise FitCollapseError("The fit ended in a collapse.", f"It is kept in {tmp_path / 'out' / 'x'}.")

    with monkeypatch.context() as patch:
        patch.setattr(driver_module, "fit_once", collapse)
        assert main(command("run", path)) == 1
    first, second = lines_of(tmp_path)
    assert (first["status"], second["status"]) == ("failed", "done")
    assert first["reason"] == "FitCollapseError: The fit ended in a collapse. It is kept in <out>/x."
    assert main(command("table", path)) == 0
    text = (tmp_path / "results" / "small.md").read_text()
    assert "| plm | failed |" in text
    assert first["reason"] in text
    assert main(command("run", path)) == 0  # it does not try again
    assert len(lines_of(tmp_path)) == 2
    assert main(command("run", path, "--retry-failed")) == 0
    assert lines_of(tmp_path)[2]["status"] == "done"


def test_a_stopped_fit_is_continued_not_measured(
    write_config: WriteConfig, command: Command, shapes: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config([{"task": shapes.root.name, "method": "plm"}])

    def stopped(run: Run, task: Task, base: Any, folder: Path, cache: Any, _: object) -> None:
        def stop(event: object) -> None:
            if isinstance(event, Stepped):
                os.kill(os.getpid(), signal.SIGINT)

        fit_once(run, task, base, folder, cache, stop)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(driver_module, "fit_once", stopped)
        with pytest.raises(KeyboardInterrupt):
            main(command("run", path))
    run = read_config(path).runs[0]
    folder = tmp_path / "out" / run.folder
    assert read_card(folder)["fit"]["steps"] == 1  # the best adapter so far is there
    assert main(command("run", path)) == 0
    assert lines_of(tmp_path)[0]["fit"]["steps"] == 8  # two epochs


def test_missing_data_stop_the_command_before_the_first_run(
    write_config: WriteConfig, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("run", write_config([{"task": "nowhere"}]))) == 2
    assert "does not have nowhere" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    write_config: WriteConfig, command: Command, shapes: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config([{"task": shapes.root.name, "method": ["base", "plm"], "seed": [0, 1]}])
    assert main(command("run", path, "--dry-run")) == 0
    assert capsys.readouterr().out.count("about") == 4  # three runs and the total
    assert not (tmp_path / "results").exists()


def test_a_selection_without_a_match_is_an_error(write_config: WriteConfig, command: Command) -> None:
    assert main(command("run", write_config([{"task": "a"}]), "--only", "plmm")) == 2


def test_a_run_of_another_driver_is_postponed(
    write_config: WriteConfig, command: Command, shapes: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config([{"task": shapes.root.name, "method": "plm", "seed": [0, 1, 2]}])
    first, second, third = read_config(path).runs
    (tmp_path / "out").mkdir()
    other_lock = FileLock(tmp_path / "out" / f"{first.folder}.lock", timeout=0)
    other_lock.acquire()
    processed = []

    def record(self: Driver, config: Config, run: Run, estimate: object) -> dict[str, object]:
        if run == third:  # the other driver has finished its run, and is killed during the next one
            self.lines(config.name).add({"kind": "run", "id": first.id, "status": "done"})
            other_lock.release()
        with pytest.raises(Timeout):
            FileLock(self.out / f"{run.folder}.lock", timeout=0).acquire()
        processed.append(run)
        return {"kind": "run", "id": run.id, "status": "failed", "reason": "none", "settings": run.settings}

    monkeypatch.setattr(Driver, "_line", record)
    monkeypatch.setattr(driver_module, "add_differences", lambda *_: None)
    assert main(command("run", path)) == 1
    assert processed == [second, third]
    for lock in (tmp_path / "out").glob("*.lock"):
        FileLock(lock, timeout=0).acquire()  # no lock is left
