"""Tables at 80 columns: every line fits, no heading and no row name is broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len

from samtailor.adapters.io import save_adapter
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from tests.cli.conftest import Ran

LONG = "left ventricle of the heart, including the papillary muscles, end of diastole"
CLASSES = ("cell", "nucleus", LONG, "歩行者と自転車に乗っている人と信号待ちの人のための広い区域", "p(1)_x", "no space")
EVALUATE = ("--sensitivity", "--sensitivity-instances", "2", "--also", "other-dataset-with-a-long-name-of-its-own")
MASKS = ("base-single", "base-best", "base-oracle", "adapted", "adapted-best")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_sam_folder: Path, tiny_sam: Base) -> Path:
    """A working folder with two datasets of several classes, some with long names, and a run."""
    folder = tmp_path_factory.mktemp("wide")
    rng = np.random.default_rng(0)
    for name in ("data", EVALUATE[-1]):
        root = folder / name
        for split in ("train", "val", "test"):
            labels = np.zeros((48, 64), np.uint8)
            for value in range(1, len(CLASSES) + 1):
                labels[8 * value - 7 : 8 * value - 1, 5 + value : 40 + value] = value
            for kind, pixels in (("images", rng.integers(0, 256, (48, 64, 3))), ("masks", labels)):
                (root / split / kind).mkdir(parents=True)
                Image.fromarray(pixels.astype(np.uint8)).save(root / split / kind / "picture.png")
        (root / "classes.json").write_text(json.dumps({str(k): name for k, name in enumerate(CLASSES, 1)}))
    torch_adapter = PLM(width=tiny_sam.embed_dim)
    save_adapter(folder / "run", torch_adapter, tiny_sam, {})
    (folder / "base").symlink_to(tiny_sam_folder)
    return folder


COMMANDS = {
    "inspect": ("inspect", "data"),
    "evaluate": ("evaluate", "data", "--base", "base"),
    "evaluate --adapter": ("evaluate", "data", "--base", "base", "--adapter", "run", *EVALUATE),
    "cache": ("cache",),
}


def check_lines(text: str) -> None:
    """Check widths, and that only the names that are too long are shortened."""
    for line in text.splitlines():
        assert cell_len(line) <= 80, line
        if "…" in line:
            assert line.lstrip().startswith(("left ventricle", "歩行者")) or line.startswith("other-data"), line


def check_tables(name: str, text: str) -> None:
    """Check headings and row names."""
    lines = [line.split() for line in text.splitlines()]
    headings = {
        "inspect": ["split images bare instances crowd empty tiny border", "class train val test"],
        "evaluate": ["masks mIoU IoU 95% edge HD95 n", "class n base-single base-best base-oracle"],
        "evaluate --adapter": [
            "masks mIoU IoU 95% edge HD95 n",
            "class n base-single base-best base-oracle adapted",
            "prompts masks mean spread worst p10 unstable",
            "IoU masks clicks failed n",
            "task n base-single adapted off",
        ],
        "cache": ["base fingerprint type images MB"],
    }[name]
    for heading in headings:
        assert heading.split() in lines, heading
    first_words = {line[0] for line in lines if line}
    if name == "inspect":
        assert {"split", "train", "val", "test", "class", "cell", "nucleus", "p(1)_x"} <= first_words
    if name == "evaluate --adapter":
        assert {*MASKS, "0.80", "0.85", "0.90", "cell", "nucleus"} <= first_words
        for group in ("one click", "box", "several clicks", "all"):
            assert [*group.split(), "adapted"] in [line[: len(group.split()) + 1] for line in lines]


@pytest.mark.parametrize("name", COMMANDS)
def test_output_fits_80_columns(
    name: str, place: Path, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(place)
    if name == "cache":
        run("encode", "data", "--base", "base", cache=tmp_path)
        monkeypatch.setenv("SAMTAILOR_CACHE", str(tmp_path))
        (line,) = [line for line in run("cache").stdout.splitlines() if "float16" in line]
        assert cell_len(line) <= 80 and line.split()[2:4] == ["float16", "3"]
        return
    result = run(*COMMANDS[name], cache=tmp_path)
    assert result.returncode == 0, result.stderr
    check_lines(result.stdout)
    check_tables(name, result.stdout)
    assert "\x1b" not in result.stdout and not re.search("[\u2500-\u257f\u2580-\u259f]", result.stdout)


def in_terminal(*args: str, place: Path, cache: Path) -> str:
    """Run a command in a pseudo-terminal of 80 columns and return all that it writes there."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 80))
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR", "CI")}
    env |= {"TERM": "xterm-256color", "SAMTAILOR_CACHE": str(cache)}
    process = subprocess.Popen(
        [sys.executable, "-m", "samtailor", *args], cwd=place, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    text = written.decode()
    assert process.wait() == 0, text
    return text


@pytest.mark.parametrize("name", ["inspect", "evaluate --adapter"])
def test_a_terminal_of_80_columns_gets_colours_and_whole_names(name: str, place: Path, tmp_path: Path) -> None:
    text = in_terminal(*COMMANDS[name], place=place, cache=tmp_path)
    assert "\x1b[1m" in text and "─" in text
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n").replace("\r", "\n")
    check_lines("\n".join(line for line in plain.splitlines() if "━" not in line))
    assert all(cell_len(line) <= 80 for line in plain.splitlines())
    check_tables(name, plain)
