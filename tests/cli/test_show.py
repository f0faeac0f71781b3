"""``show``: what a run is, and the command that goes on with it."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from samtailor.cli.output import make_console
from samtailor.cli.show import print_summary
from samtailor.data import load_task
from samtailor.data.task import Task
from samtailor.machine.tensors import digest_of
from samtailor.report.summary import RunSummary, summarise_run
from samtailor.runs import Run
from tests.cli.conftest import Ran


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, shapes: Task, tiny_sam_folder: Path) -> Path:
    """A finished run on the class disc, with options that differ from the defaults."""
    from samtailor.bases.registry import load_base
    from samtailor.embeddings.cache import EmbeddingCache
    from samtailor.fit import fit_task
    from samtailor.fitting.config import FitConfig

    folder = tmp_path_factory.mktemp("show") / "a run"
    task = load_task(shapes.root, only="disc", split_masks=False)
    config = FitConfig(method="plm", steps=3, batch=2, val_prompts=4, method_options={"heads": 4})
    fit_task(task, load_base(str(tiny_sam_folder)), folder, config, cache=EmbeddingCache(folder.parent / "cache"))
    return folder


def test_a_finished_run(fitted: Path, run: Callable[..., Ran], shapes: Task, tiny_sam_folder: Path) -> None:
    shown = run("show", fitted)
    assert shown.returncode == 0, shown.stderr
    lines = [line.split(maxsplit=1) for line in shown.stdout.splitlines() if line]
    facts = {line[0]: line[1] for line in lines if len(line) == 2}
    assert facts["state"].startswith("finished after 3 steps")
    assert (facts["method"], facts["base"]) == ("plm", str(tiny_sam_folder))
    assert facts["dataset"] == "shapes0, class disc" and facts["read"].split() == ["from", str(shapes.root)]
    assert {"adapter.json", "adapter.safetensors", "run.json", "preview.png", "state.safetensors"} <= set(facts)
    assert shown.stdout.splitlines()[-1] == f"  samtailor report {shlex.quote(str(fitted))}"


def test_the_same_as_json(fitted: Path, run: Callable[..., Ran]) -> None:
    result = run("show", fitted, "--json", "-")
    content = json.loads(result.stdout)
    assert (content["state"], content["steps"], content["budget"], content["only"]) == (
        "finished",
        3,
        "3 steps",
        "disc",
    )
    assert content["task_there"] is True and content["files"]["adapter.json"] > 0
    assert "state" in result.stderr


def test_an_unfinished_run_says_how_to_resume_it(
    fitted: Path, run: Callable[..., Ran], tmp_path: Path, shapes: Task, tiny_sam_folder: Path
) -> None:
    """The state is that of a fit that was killed before it wrote an adapter."""
    import safetensors
    import safetensors.torch

    folder = tmp_path / "killed"
    shutil.copytree(fitted, folder)
    for name in ("adapter.json", "adapter.safetensors"):
        (folder / name).unlink()
    path = Run(folder).state
    with safetensors.safe_open(path, "pt") as file:
        tensors, header = {k: file.get_tensor(k) for k in file.keys()}, dict(file.metadata())  # noqa: SIM118
    state = json.loads(header["state"]) | {"finished": "", "step": 2, "anchor": 0, "best_step": 0}
    metadata = {"state": json.dumps(state)}
    safetensors.torch.save_file(tensors, path, metadata | {"checksum": digest_of(metadata, tensors)})

    shown = run("show", folder)
    assert shown.returncode == 0, shown.stderr
    assert "not finished: 2 steps done, budget 3 steps" in shown.stdout
    command = shlex.split(shown.stdout.splitlines()[-1])
    for words in (
        ["samtailor", "fit", str(shapes.root), "--out", str(folder)],
        ["--resume"],
        ["--base", str(tiny_sam_folder)],
        ["--class", "disc"],
        ["--no-split-masks"],
        ["--method", "plm"],
        ["--steps", "3"],
        ["--batch", "2"],
        ["--method-option", "heads=4"],
    ):
        assert any(command[k : k + len(words)] == words for k in range(len(command))), (words, command)
    resumed = run(*command[1:], cache=tmp_path / "cache")
    assert resumed.returncode == 0, resumed.stderr
    assert summarise_run(folder).state == "finished"


def test_an_unfinished_run_is_not_judged_yet(capsys: pytest.CaptureFixture[str]) -> None:
    summary = RunSummary(
        Path("runs/mine"),
        "unfinished",
        settings={"steps": 40},
        steps=10,
        best_step=0,
        beats_base=True,
        validation={"base": 0.64, "adapted": 0.695},
        seconds=4.0,
    )
    print_summary(make_console(), summary)
    text = capsys.readouterr().out
    assert "nothing better than the base yet (mIoU 0.640)" in text and "improved nothing" not in text
    assert "not finished: 10 steps done, budget 40 steps" in text and "of 40 steps" not in text


def test_a_dataset_that_is_gone_and_folders_that_are_no_run(
    fitted: Path, run: Callable[..., Ran], tmp_path: Path
) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(fitted, folder)
    source = json.loads((folder / "run.json").read_text())
    source["task"]["path"] = str(tmp_path / "gone")
    (folder / "run.json").write_text(json.dumps(source))
    assert "(no longer there)" in run("show", folder).stdout
    (folder / "run.json").unlink()
    (folder / "state.safetensors").unlink()
    assert run("show", folder).returncode == 0
    for path, words in ((tmp_path / "nowhere", "does not exist"), (tmp_path, "holds no run")):
        result = run("show", path)
        assert (result.returncode, words in result.stderr) == (2, True)


def test_at_80_columns(fitted: Path, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(fitted.parent)
    lines = run("show", fitted.name).stdout.splitlines()
    assert [line for line in lines if cell_len(line) > 80 and "/" not in line] == []
