"""The README's commands and its Python, run as they stand, on a tiny task and a tiny base."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from samtailor.data.task import Task

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def place(shapes: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the files that the README names."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "DATA").symlink_to(shapes.root)
    Image.open(shapes.split("test")[0].path).resize((640, 480)).save(folder / "photo.jpg")
    return folder


def test_commands_then_python(place: Path, tiny_sam_folder: Path) -> None:
    text = README.read_text()
    commands = re.findall(r"^    (samtailor .*?)(?:\s+#.*)?$", text, re.MULTILINE)
    assert [c.split()[1] for c in commands] == ["inspect", "fit", "evaluate", "report", "predict"]
    env = os.environ | {"SAMTAILOR_CACHE": str(place / "cache")}
    for command in commands:
        words = shlex.split(command.replace("--minutes 30", f"--minutes 0.05 --base {tiny_sam_folder}"))
        done = subprocess.run([sys.executable, "-m", *words], cwd=place, env=env, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
    assert (place / "runs/mine/evaluation.json").exists()
    assert (place / "runs/mine/report.html").exists()
    assert (place / "masks/photo_mask_0.png").exists()

    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    code = code.replace('"mobile-sam"', repr(str(tiny_sam_folder)))
    done = subprocess.run([sys.executable, "-c", code], cwd=place, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_make_targets_that_the_readme_names_exist() -> None:
    makefile = README.with_name("Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README.read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_links_lead_somewhere() -> None:
    for page in (README, *README.parent.glob("docs/**/*.md"), README.with_name("CONTRIBUTING.md")):
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
