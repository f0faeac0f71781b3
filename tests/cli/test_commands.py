"""The command line as a user sees it: output and exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samtailor.adapters.methods import METHODS
from samtailor.cli.method_options import method_options
from samtailor.data.task import Task
from tests.cli.conftest import Ran
from tests.cli.test_snapshots import COMMANDS


def test_help_names_every_command(run: Callable[..., Ran]) -> None:
    text = run("--help").stdout
    for command in COMMANDS:
        assert f"  {command} " in text


def test_no_help_text_loads_torch() -> None:
    code = f"""
import sys
from samtailor.cli import main
for command in ([], *([c] for c in {COMMANDS})):
    sys.argv = ["samtailor", *command, "--help"]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code
sys.exit(any(name in sys.modules for name in ("torch", "scipy", "transformers")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_inspect_encode_fit_evaluate_report_predict_and_cache(
    run: Callable[..., Ran], shapes: Task, tiny_sam_folder: Path, tmp_path: Path
) -> None:
    """The commands that the README shows, on a tiny base."""
    cache, out, base = tmp_path / "cache", tmp_path / "run", ("--base", str(tiny_sam_folder))
    inspected = run("inspect", shapes.root, "--json")
    assert json.loads(inspected.stdout)["splits"]["train"]["images"] == 8
    assert "disc" in run("inspect", shapes.root).stdout

    assert "16 encoded" in run("encode", shapes.root, *base, cache=cache).stdout
    assert "16 in the cache, 0 encoded" in run("encode", shapes.root, *base, cache=cache).stdout

    fitted = run("fit", shapes.root, "--out", out, *base, "--epochs", "3", "--batch", "4", cache=cache)
    assert fitted.returncode == 0, fitted.stderr
    assert "Estimate:" in fitted.stdout and "val mIoU" in fitted.stdout
    again = run("fit", shapes.root, "--out", out, *base, "--epochs", "3", "--batch", "4", cache=cache)
    assert (again.returncode, "--resume" in again.stderr) == (2, True)

    scored = run("evaluate", shapes.root, "--adapter", out, "--json", tmp_path / "e.json", cache=cache)
    assert scored.returncode == 0, scored.stderr
    assert "base-oracle" in scored.stdout
    rows = json.loads((tmp_path / "e.json").read_text())["rows"]
    assert [r["method"] for r in rows] == ["base-single", "base-best", "base-oracle", "adapted", "adapted-best"]

    other = tmp_path / "other"
    shutil.copytree(shapes.root, other)
    options = ("--sensitivity-instances", "3", "--click-maps", "1", "--strengths", "2", "--also", other)
    reported = run("report", out, *options, cache=cache)
    assert reported.returncode == 0, reported.stderr
    assert "bit for bit" in reported.stdout and "clicks" in reported.stdout
    page = (out / "report.html").read_text()
    for part in ("Click maps", "Gallery", "disc", "samtailor report", "data:image/jpeg"):
        assert part in page
    assert str(tmp_path) not in page.replace(f"samtailor report {out}", "").replace(f"--also {other}", "")
    figures = json.loads((out / "report.json").read_text())
    assert figures["also"][0]["adapter_off_bit_equal"] is True
    assert [s["strength"] for s in figures["also"][0]["strengths"]] == [0, 0.25, 0.5, 0.75, 1]
    assert figures["evaluation"]["rows"] == json.loads((tmp_path / "e.json").read_text())["rows"]

    options = (
        "--map",
        "thing=disc+bar",
        "--map",
        "disc=disc",
        "--sensitivity",
        "--sensitivity-instances",
        "2",
        "--drop-duplicates",
    )
    mapped = run("evaluate", shapes.root, *base, *options, "--json", tmp_path / "m.json", cache=cache)
    assert mapped.returncode == 0, mapped.stderr
    results = json.loads((tmp_path / "m.json").read_text())
    assert list(results["rows"][0]["per_class"]) == ["disc", "thing"] and results["map"][0] == "thing=disc+bar"
    assert set(results["sensitivity"]["methods"]) == {"base-single", "base-best"}
    pieces = run("evaluate", shapes.root, *base, "--map", "thing=disc+bar", "--sensitivity", cache=cache)
    assert "Prompts were not varied" in pieces.stdout

    image = shapes.split("test")[0].path
    prompt = ("--point", "20,20", "--point", "60,40,0")
    predicted = run("predict", image, *prompt, "--adapter", out, "--out", tmp_path / "masks", cache=cache)
    assert predicted.returncode == 0, predicted.stderr
    mask = np.asarray(Image.open(tmp_path / "masks" / "0_mask_0.png"))
    assert mask.shape == (48, 64)
    assert set(np.unique(mask)) <= {0, 255}
    assert (tmp_path / "masks" / "0_overlay.png").exists()
    boxes = ("--box", "0,0,20,20", "--box", "5,5,60,40")
    run("predict", image, *boxes, "--multimask", *base, "--out", tmp_path / "boxes", cache=cache)
    assert len(list((tmp_path / "boxes").glob("0_mask_*.png"))) == 6

    assert "16" in run("cache", cache=cache).stdout
    assert "Removed 16 entries" in run("cache", "--prune", "--all", cache=cache).stdout


def test_an_adapter_for_one_class(run: Callable[..., Ran], shapes: Task, tiny_sam_folder: Path, tmp_path: Path) -> None:
    """After ``fit --class``, evaluate and report score this class unless an option says otherwise."""
    cache, out = tmp_path / "cache", tmp_path / "run"
    options = ("--out", out, "--base", tiny_sam_folder, "--epochs", "2", "--batch", "4", "--method", "offset")
    fitted = run("fit", shapes.root, *options, "--class", "disc", cache=cache)
    assert fitted.returncode == 0, fitted.stderr
    card = json.loads((out / "adapter.json").read_text())
    assert (card["method"], card["task"]["only"], card["task"]["classes"]) == ("offset", "disc", ["disc"])
    other = run("fit", shapes.root, *options, "--class", "bar", "--resume", cache=cache)
    assert (other.returncode, "class disc -> bar" in other.stderr) == (2, True)

    def scored(*more: str) -> list[str]:
        result = run("evaluate", shapes.root, "--adapter", out, "--json", tmp_path / "e.json", *more, cache=cache)
        assert result.returncode == 0, result.stderr
        assert ("Only 'disc'" in result.stdout) == (not more)
        return list(json.loads((tmp_path / "e.json").read_text())["rows"][-1]["per_class"])

    assert scored() == ["disc"]
    assert scored("--class", "bar") == ["bar"]
    assert scored("--class", "*") == ["bar", "disc"]
    assert scored("--map", "thing=disc+bar") == ["thing"]
    few = ("--sensitivity-instances", "1", "--click-maps", "0")
    for more, expected in (((), ["disc"]), (("--class", "*"), ["bar", "disc"])):
        reported = run("report", out, *few, *more, cache=cache)
        assert reported.returncode == 0, reported.stderr
        figures = json.loads((out / "report.json").read_text())
        assert list(figures["evaluation"]["rows"][-1]["per_class"]) == expected
        assert sorted(figures["data"]["splits"]["test"]["classes"]) == expected


def test_fit_describes_the_methods_in_its_help(run: Callable[..., Ran]) -> None:
    text = run("fit", "--help").stdout.partition("\nMethods:\n")[2]
    assert [line.split()[0] for line in text.splitlines() if line[:3].strip()] == list(METHODS)


def test_method_options_get_the_types_of_their_defaults() -> None:
    texts = ["pmm_weight=1", "pmm_points=32", "pmm_contour=jittered", "rank=2"]
    options = method_options("plm+pmm", texts)
    assert options == {"pmm_weight": 1.0, "pmm_points": 32, "pmm_contour": "jittered", "rank": "2"}
    assert [type(v) for v in options.values()] == [float, int, str, str]
    assert method_options("plm", ()) == {}


@pytest.fixture
def png(tmp_path: Path) -> Path:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_each_mistake_gets_a_clear_message_and_exit_code_2(
    run: Callable[..., Ran], shapes: Task, tiny_sam_folder: Path, png: Path, tmp_path: Path
) -> None:
    base, out = ("--base", str(tiny_sam_folder)), ("--out", str(tmp_path / "out"))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "empty").mkdir()
    mistakes = {
        ("inspect", tmp_path / "nowhere"): "nowhere",
        ("inspect", tmp_path / "empty"): "empty",
        ("fit", shapes.root, *out, *base, "--prompts", "text"): "click, box, mix or interactive",
        ("fit", shapes.root, *out, *base, "--method", "magic"): "no method 'magic'",
        ("fit", shapes.root, *out, *base, "--method", "magi"): f"Choose one of: {', '.join(METHODS)}",
        ("fit", shapes.root, *out, *base, "--method", "plm", "--method-option", "rank=2"): "Its options: heads, hidden",
        ("fit", shapes.root, *out, *base, "--method", "plm", "--method-option", "heads=two"): "whole number, such as 8",
        ("fit", shapes.root, *out, *base, "--method-option", "heads"): "NAME=VALUE",
        ("fit", shapes.root, *out, *base, "--method", "offset", "--method-option", "a=1"): "It has none",
        ("fit", shapes.root, *out, *base, "--method", "magic", "--method-option", "a=1"): "no method 'magic'",
        ("fit", shapes.root, *out, *base, "--class", "eye"): "has no class 'eye'; expected one of 'disc', 'bar'",
        ("fit", shapes.root, "--out", tmp_path / "file" / "run", *base, "--epochs", "1"): "cannot be written",
        ("fit", shapes.root, *out, *base, "--epochs", "1", "--cache", tmp_path / "file"): "file",
        ("fit", shapes.root, *out, *base, "--minutes", "inf"): "minutes",
        ("evaluate", shapes.root, *base, "--prompts", "points"): "'points'",
        ("evaluate", shapes.root, *base, "--split", "dev"): "'dev'",
        ("evaluate", shapes.root, *base, "--map", "eyes=eye"): "'eyes'",
        ("report", tmp_path / "nowhere"): "adapter.json",
        ("evaluate", shapes.root, *base, "--adapter", tmp_path): "adapter.json",
        ("predict", tmp_path / "broken.png", *base, *out, "--point", "1,1"): "broken.png",
        ("predict", tmp_path / "absent.png", *base, *out, "--point", "1,1"): "absent.png",
        ("predict", png, *base, *out, "--point", "100,1"): "outside the image",
        ("predict", png, *base, *out, "--point", "1"): "X,Y",
        ("predict", png, *base, *out): "No prompt",
        ("predict", png, "--base", "nobase", *out, "--point", "1,1"): "no base 'nobase'",
        ("predict", png, *base, *out, "--point", "1,1", "--device", "tpu"): "tpu",
        ("predict", png, *base, *out, "--point", "1,1", "--device", "cpu:x"): "is unknown",
        ("cache", "--prune"): "--max-gb",
    }
    for args, words in mistakes.items():
        result = run(*args, cache=tmp_path / "cache")
        assert result.returncode == 2, (args, result.stderr)
        assert words in result.stderr, (args, result.stderr)
        assert "Traceback" not in result.stderr, args


def test_version_and_short_help(run: Callable[..., Ran]) -> None:
    import samtailor

    assert run("--version").stdout == f"samtailor {samtailor.__version__}\n"
    assert run("-h").stdout == run("--help").stdout
    assert run("fit", "-h").stdout == run("fit", "--help").stdout
