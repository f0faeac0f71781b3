"""Mistyped words, exit codes, ``--quiet`` and ``--json -``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from samtailor.cli import app
from samtailor.cli.exit_codes import ExitCode
from samtailor.data.task import Task
from tests.cli.conftest import Ran

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "scripting.md"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("evalute", "x"), "'evaluate'"),
        (("fitt", "x"), "'fit'"),
        (("fit", "SHAPES", "--out", "x", "--clas", "disc"), "--class"),
        (("inspect", "SHAPES", "--splitby", "x"), "--split-by"),
        (("inspect", "SHAPES", "--skipbroken"), "--skip-broken"),
        (("evaluate", "SHAPES", "--class", "disk"), "'disc'"),
        (("evaluate", "SHAPES", "--class", "DISC"), "'disc'"),
        (("evaluate", "SHAPES", "--map", "x=dics+bar"), "'disc'"),
        (("evaluate", "SHAPES", "--split", "validation"), "'val'"),
        (("evaluate", "SHAPES", "--split", "tset"), "'test'"),
        (("evaluate", "SHAPES", "--prompts", "clik"), "'click'"),
        (("evaluate", "SHAPES", "--cache-type", "float23"), "'float32'"),
        (("fit", "SHAPES", "--out", "x", "--method", "decoderlite"), "'decoder-lite'"),
        (("fit", "SHAPES", "--out", "x", "--class", "bra"), "'bar'"),
        (("fit", "SHAPES", "--out", "x", "--precision", "floats32"), "'float32'"),
        (("fit", "SHAPES", "--out", "x", "--method-option", "head=2", "--method", "plm"), "'heads'"),
        (("inspect", "SHAPES", "--format", "folder"), "'folders'"),
        (("inspect", "SHAPES", "--mask-values", "class"), "'classes'"),
    ],
)
def test_the_word_that_was_probably_meant(
    words: tuple[str, ...], meant: str, run: Callable[..., Ran], shapes: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model is loaded for it."""
    monkeypatch.setattr("samtailor.cli.opening.open_base", lambda *_: pytest.fail("a model was loaded"))
    result = run(*(str(shapes.root) if word == "SHAPES" else word for word in words))
    assert (result.returncode, result.stdout) == (2, "")
    assert f"Did you mean {meant}?" in result.stderr


def test_a_mistyped_split_names_all_splits(run: Callable[..., Ran], shapes: Task) -> None:
    text = run("evaluate", shapes.root, "--split", "tset").stderr
    assert "choose train, val or test" in text


def test_a_run_that_is_in_the_way_is_named_before_a_model_is_loaded(
    run: Callable[..., Ran], shapes: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samtailor.cli.opening.open_base", lambda *_: pytest.fail("a model was loaded"))
    (tmp_path / "adapter.json").write_text("{}")
    result = run("fit", shapes.root, "--out", tmp_path)
    assert (result.returncode, "already holds a run" in result.stderr) == (2, True)


def test_mistakes_import_no_model_library(shapes: Task) -> None:
    code = "import sys\nfrom samtailor.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
    code += "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    for words in (("evaluate", shapes.root, "--split", "tset"), ("fit", shapes.root, "--out", "x", "--method", "pml")):
        done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)
        assert done.stdout == "[]\n", done.stderr


def test_json_and_tables_do_not_mix(
    run: Callable[..., Ran], shapes: Task, tiny_sam_folder: Path, tmp_path: Path
) -> None:
    words = ("evaluate", shapes.root, "--base", tiny_sam_folder, "--instances", "3", "--split", "train", "--json")
    result = run(*words, "-", cache=tmp_path)
    rows = json.loads(result.stdout)["rows"]
    assert {row["n"] for row in rows} == {3} and "base-oracle" in result.stderr
    again = json.loads(run(*words, "-", "--quiet", cache=tmp_path).stdout)["rows"]
    assert again == rows
    run(*words, tmp_path / "e.json", cache=tmp_path)
    assert json.loads((tmp_path / "e.json").read_text())["rows"] == rows


def test_quiet_prints_errors_only(run: Callable[..., Ran], shapes: Task, tmp_path: Path) -> None:
    quiet = run("inspect", shapes.root, "--quiet", "--preview", tmp_path / "x.png")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    assert (tmp_path / "x.png").is_file()
    wrong = run("inspect", tmp_path / "nowhere", "-q")
    assert wrong.returncode == 2 and wrong.stderr.startswith("Error: ")
    assert json.loads(run("inspect", shapes.root, "-q", "--json").stdout)["name"] == shapes.name
    assert "disc" in run("inspect", shapes.root).stdout, "the next command is not quiet"


def test_the_guide_lists_every_exit_code() -> None:
    rows = re.findall(r"^\| (\d+) \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(row) for row in rows] == sorted(ExitCode)


def test_ctrl_c_is_one_line_and_130(run: Callable[..., Ran], shapes: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("samtailor.cli.opening.open_task", interrupted)
    result = run("inspect", shapes.root)
    assert (result.returncode, result.stdout) == (ExitCode.INTERRUPTED, "")
    assert "Interrupted" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGPIPE")
@pytest.mark.parametrize("option", ["", "--json"])
def test_a_reader_that_ends_first_is_no_traceback(option: str, shapes: Task) -> None:
    command = f"{sys.executable} -m samtailor inspect {shapes.root} {option}; echo code $? >&2"
    done = subprocess.run(["sh", "-c", f"({command}) | true"], capture_output=True, text=True)
    assert ("Traceback" not in done.stderr and "code 141" in done.stderr) or "code 0" in done.stderr


def test_one_image_gives_no_interval(
    run: Callable[..., Ran], shapes: Task, tiny_sam_folder: Path, tmp_path: Path
) -> None:
    options = ("--base", tiny_sam_folder, "--instances", "1", "--json", tmp_path / "e.json")
    result = run("evaluate", shapes.root, *options, cache=tmp_path)
    (row,) = [line.split() for line in result.stdout.splitlines() if line.startswith("base-single")]
    assert row[3] == "-" and "One image gives no interval" in result.stdout
    assert json.loads((tmp_path / "e.json").read_text())["rows"][0]["miou_interval"] is None


def test_every_command_is_registered_once() -> None:
    names = [command.callback.__name__ for command in app.registered_commands if command.callback]
    assert len(names) == len(set(names)) == 14
