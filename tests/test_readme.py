"""Run the README's commands and Python on a tiny dataset and a tiny base."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from samtailor import Predictor
from samtailor.adapters.io import save_adapter
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
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

    code = _python().replace("out=", f"base={str(tiny_sam_folder)!r}, out=").replace("minutes=30", "steps=3")
    assert "fit_task" in code and "evaluate_task" in code
    run("-c", code)
    assert (place / "runs/python/adapter.safetensors").exists()


def _python() -> str:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    return code


PHOTOS = [(640, 480, "RGB"), (30, 20, "RGB"), (5, 9, "L"), (1, 1, "RGB"), (333, 2000, "RGB"), (64, 48, "CMYK")]


@pytest.mark.parametrize(("width", "height", "mode"), PHOTOS, ids=str)
def test_the_python_block_runs_on_any_photo(
    place: Path,
    width: int,
    height: int,
    mode: str,
    moved_plm: PLM,
    tiny_sam: Base,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_adapter(tmp_path / "runs/python", moved_plm, tiny_sam, {})
    Image.open(place / "photo.jpg").resize((width, height)).convert(mode).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAMTAILOR_CACHE", str(tmp_path / "cache"))
    names: dict[str, Any] = {"Predictor": Predictor}
    exec(_python()[_python().index("predictor =") :], names)
    assert names["prediction"].masks.shape == (1, 1, height, width)


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
