"""Run the README's commands and Python on a tiny dataset and a tiny base."""

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
CONTRIBUTING = README.with_name("CONTRIBUTING.md")


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
    environment = os.environ | {"SAMTAILOR_CACHE": str(place / "cache")}

    def run(*arguments: str) -> None:
        command = [sys.executable, *arguments]
        result = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, (arguments, result.stderr)

    for command in commands:
        run("-m", *shlex.split(command.replace("--minutes 30", f"--minutes 0.05 --base {tiny_sam_folder}")))
    assert (place / "runs/mine/evaluation.json").exists()
    assert (place / "runs/mine/report.html").exists()
    assert (place / "masks/photo_mask_0.png").exists()

    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    run("-c", code.replace('"mobile-sam"', repr(str(tiny_sam_folder))))


@pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=lambda page: page.name)
def test_make_targets_that_a_page_names_exist(page: Path) -> None:
    makefile = README.with_name("Makefile").read_text()
    targets = re.findall(r"^    make (\w+)", page.read_text(), re.MULTILINE)
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_links_lead_to_files() -> None:
    docs = README.parent / "docs"
    pages = [page for page in docs.glob("**/*.md") if not page.is_relative_to(docs / "_build")]
    for page in (README, CONTRIBUTING, README.with_name("CHANGELOG.md"), *pages):
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
