"""Hostile and foreign names on every kind of terminal: no control sequence gets through, and every text is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CLASSES = (
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[31mred",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x9b31mC1",
    "a\rover",
    "\u202egnp.exe",
    "[bold red]markup[/bold red]",
    "[/]",
    "x\ny",
    "\x08back",
    "Zellkérn …",
    "細胞 🔬",
    "caf\udce9",
)
RAW = ("\x1b", "\x9b", "\x07", "\r", "\x08", "\u202e", "\x7f")
WINDOWS = sys.platform == "win32"
RUN = "run é 細" if WINDOWS else "run\x1b]0;t\x07é細\u202e"
NAME = "p\u0065\u0301 細" if WINDOWS else "p\x1b]0;t\x07é細\udce9\u202e"

PROGRAM = """
import json, os, sys
from samtailor.cli import main
codes = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["samtailor", *(os.fsdecode(bytes.fromhex(word)) for word in words)]  # as the system passes them
    try:
        main()
    except SystemExit as ended:
        codes.append(ended.code)
with open("codes.json", "w") as file:
    json.dump(codes, file)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with a dataset whose folder, files and classes have hostile and foreign names."""
    folder = tmp_path_factory.mktemp("names")
    root, rng, number = folder / NAME, np.random.default_rng(0), 0
    (root / "images").mkdir(parents=True)
    for split in ("train", "val", "test"):
        images, annotations = [], []
        for place in range(3):
            number += 1
            name = f"{NAME} {number}.png"
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(root / "images" / name)
            images.append({"id": number, "file_name": name, "width": 64, "height": 64})
            for k in range(5):
                x, y = 4 + 12 * k, 4 + 12 * place
                polygon = [[x, y, x + 10, y, x + 10, y + 7, x + 7, y + 10, x, y + 10]]
                label = (5 * place + k) % len(CLASSES) + 1
                annotation = {"id": 10 * number + k, "image_id": number, "category_id": label, "iscrowd": 0}
                annotations.append(annotation | {"segmentation": polygon})
        categories = [{"id": k, "name": name} for k, name in enumerate(CLASSES, 1)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / f"{split}.json").write_text(json.dumps(content))
    return folder


ENCODINGS = {
    "utf-8": {"PYTHONIOENCODING": "utf-8"},
    "a Windows pipe": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


def ran(place: Path, folder: Path, environment: dict[str, str], *commands: list[str]) -> tuple[list[int], str]:
    """Run commands in a process of its own; return exit codes, and all that was written."""
    cleared = ("PYTHONIOENCODING", "LC_ALL", "PYTHONUTF8", "PYTHONCOERCECLOCALE")
    env = {k: v for k, v in os.environ.items() if k not in cleared} | environment
    env |= {"SAMTAILOR_CACHE": str(folder / "cache"), "COLUMNS": "80"}
    words = json.dumps([[os.fsencode(word).hex() for word in command] for command in commands])
    done = subprocess.run([sys.executable, "-c", PROGRAM, words], cwd=folder, env=env, capture_output=True)
    written = (done.stdout + done.stderr).decode(environment.get("PYTHONIOENCODING", "utf-8"))
    assert done.returncode == 0, written
    return json.loads((folder / "codes.json").read_text()), written


def check(written: str) -> None:
    written = written.replace("\r\n", "\n") if WINDOWS else written
    assert "Traceback" not in written and "UnicodeEncodeError" not in written, written
    assert [raw for raw in RAW if raw in written] == []


@pytest.mark.parametrize("name", ENCODINGS)
def test_names_in_tables_findings_and_errors(name: str, place: Path, tmp_path: Path) -> None:
    root = place / NAME
    codes, written = ran(
        place,
        tmp_path,
        ENCODINGS[name],
        ["inspect", str(root)],
        ["inspect", str(root), "--json"],
        ["inspect", str(root), "--preview", "sheet.png", "--html", f"{NAME}.html"],
        ["inspect", str(root / "absent")],
        ["inspect", str(root), "--format", NAME],
        ["convert", str(root), "--out", f"{NAME} out"],
        ["evaluate", str(root), "--class", "\x1b]0;c\x07"],
        ["evaluate", str(root), "--split", NAME],
        ["evaluate", str(root), f"--{NAME}"],
        [NAME],
        ["show", NAME],
        ["cache", "--base", NAME, "--prune", "--all"],
        ["fit", str(root), "--out", "x", "--method", NAME],
        ["predict", str(root / "images" / f"{NAME}.png"), "--point", NAME, "--out", "masks"],
    )
    assert set(codes) <= {0, 2}, written
    check(written)
    if name == "C without UTF-8":
        return  # Python finds no file there whose name is not ASCII
    assert codes[:3] == [0, 0, 0] and codes[5] == 0
    if name == "utf-8":
        assert "Zellkérn …" in written and "細胞" in written and r"\x1b]0;title\x07" in written
        assert r"caf\xe9" in written and "[bold red]markup[/bold red]" in written
    if name == "ascii":
        assert r"Zellk\xe9rn ..." in written and r"\u7d30\u80de" in written
    if name == "a Windows pipe":
        assert "Zellkérn …" in written and r"\u7d30\u80de" in written
    (tmp_path / f"{NAME}.html").read_bytes().decode("utf-8")


def test_a_fit_its_scores_its_report_and_its_masks(place: Path, tiny_sam_folder: Path, tmp_path: Path) -> None:
    """As cron runs it: the language is C."""
    root, base = place / NAME, ["--base", str(tiny_sam_folder)]
    few = ["--steps", "2", "--batch", "2", "--val-prompts", "4", "--method", "offset"]
    codes, written = ran(
        place,
        tmp_path,
        {"LC_ALL": "C"},
        ["encode", str(root), *base],
        ["fit", str(root), "--out", RUN, *base, *few],
        ["show", RUN],
        ["evaluate", "--adapter", RUN, "--json", f"{RUN}.json"],
        ["evaluate", str(root), *base, "--json", "-"],
        ["report", RUN, "--sensitivity-instances", "2", "--click-maps", "1"],
        ["show", RUN, "--json", "-"],
        ["predict", str(root / "images" / f"{NAME} 1.png"), "--point", "9,9", "--out", "masks", "--adapter", RUN],
    )
    assert codes == [0] * 8, written
    check(written)
    page = (tmp_path / RUN / "report.html").read_bytes().decode("utf-8")
    assert [raw for raw in RAW if raw in page] == []
    assert r"\x1b]0;title\x07" in page
    json.loads((tmp_path / RUN / "report.json").read_text(encoding="utf-8"))
    json.loads((tmp_path / f"{RUN}.json").read_text(encoding="utf-8"))


def test_a_terminal_gets_only_our_own_sequences(place: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "200"}
    env.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "samtailor", "inspect", str(place / NAME)]
    process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert process.wait() == 0, written
    for raw in (b"\x1b]", b"\x1b[2J", b"\x1b[31mred", b"\x07", b"a\rover", "\x9b".encode(), "\u202e".encode()):
        assert raw not in written, raw
    assert rb"\x1b]0;title\x07" in written
