"""``inspect``: JSON, the contact sheet and the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from samtailor.data.task import Task
from samtailor.drawing.preview import GAP, IMAGES, MOST_IMAGES, SIDE
from tests.cli.conftest import Ran


@pytest.mark.parametrize(
    "words", [("TASK", "--json"), ("--json", "TASK"), ("TASK", "--json", "-"), ("--json=-", "TASK")]
)
def test_json_on_the_standard_output_is_pure(words: tuple[str, ...], run: Callable[..., Ran], shapes: Task) -> None:
    result = run("inspect", *(str(shapes.root) if word == "TASK" else word for word in words))
    assert (result.returncode, json.loads(result.stdout)["splits"]["train"]["images"]) == (0, 8)


@pytest.mark.parametrize("words", [("TASK", "--json", "FILE"), ("--json", "FILE", "TASK"), ("TASK", "--json=FILE")])
def test_json_in_a_file(words: tuple[str, ...], run: Callable[..., Ran], shapes: Task, tmp_path: Path) -> None:
    file = tmp_path / "result"
    result = run("inspect", *(w.replace("FILE", str(file)).replace("TASK", str(shapes.root)) for w in words))
    assert (result.returncode, "disc" in result.stdout, f"Written to {file}" in result.stdout) == (0, True, True)
    assert json.loads(file.read_text())["name"] == shapes.name


def test_preview_and_page(run: Callable[..., Ran], shapes: Task, tmp_path: Path) -> None:
    sheet, page = tmp_path / "sheet.png", tmp_path / "page.html"
    result = run("inspect", shapes.root, "--preview", sheet, "--preview-images", "2", "--html", page)
    assert result.returncode == 0, result.stderr
    assert f"Written to {sheet}" in result.stdout and f"Written to {page}" in result.stdout
    with Image.open(sheet) as picture:
        assert picture.width == 2 * SIDE + 3 * GAP
    assert page.read_text(encoding="utf-8").count("<img ") == 2
    pure = run("inspect", shapes.root, "--json", "-", "--preview", sheet)
    assert json.loads(pure.stdout)["name"] == shapes.name and f"Written to {sheet}" in pure.stderr


def test_the_numbers_of_the_help_are_those_of_the_sheet() -> None:
    from samtailor.cli import inspect

    assert (inspect.IMAGES, inspect.MOST_IMAGES) == (IMAGES, MOST_IMAGES)


def test_an_output_that_cannot_be_written_is_named_before_any_work(
    run: Callable[..., Ran], shapes: Task, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    for option in ("--preview", "--html", "--json"):
        for target in (tmp_path, tmp_path / "file" / "x.png"):
            result = run("inspect", shapes.root, f"{option}={target}")
            assert (result.returncode, str(target) in result.stderr, result.stdout) == (2, True, "")
