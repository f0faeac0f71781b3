"""The three layouts of the guide to own data are read right, and the README's first command works on each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools import own_data_outputs, tutorial_outputs

from samtailor import EmbeddingCache, evaluate_task, fit_task, inspect_task, load_task
from samtailor.data.task import Task
from tests.api.conftest import SHORT
from tests.cli.conftest import Ran, run

__all__ = ["run"]

README = Path(__file__).parents[2] / "README.md"
LAYOUTS = {
    "roboflow": ("COCO json (Roboflow), splits train/valid/test", {"train": 12, "val": 4, "test": 4}),
    "published": ("splits train2017/val2017", {"train": 12, "val": 4}),
    "semantic": ("masks named NAME_mask), one class per value", {"train": 12, "val": 4, "test": 4}),
}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    own_data_outputs.write_examples(folder)
    return folder


def _areas(task: Task, split: str) -> list[int]:
    return [sum(i.area for i in record.instances) for record in task.split(split)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_read_with_its_splits_classes_and_areas(layout: str, examples: Path) -> None:
    words, images = LAYOUTS[layout]
    task, sample = load_task(examples / layout), load_task("sample")
    assert words in task.format
    assert task.classes == ("nucleus",)
    assert {name: len(records) for name, records in task.splits.items()} == images
    for split, count in images.items():
        records = sample.split(split)[:count]
        true = sorted(_areas(sample, split)[:count])
        assert sorted(_areas(task, split)) == pytest.approx(true, rel=0.02)
        number = count if layout == "semantic" else sum(len(r.instances) for r in records)
        assert sum(len(r.instances) for r in task.split(split)) == number
    assert not [f for f in inspect_task(task, decode_images=False).findings if f.severity == "error"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_first_command_of_the_readme_works_on_each(layout: str, examples: Path, run: object) -> None:
    first = re.findall(r"^    samtailor (\w+) DATA", README.read_text(), re.MULTILINE)[0]
    ran: Ran = run(first, examples / layout)  # type: ignore[operator]
    assert ran.returncode == 0
    page = own_data_outputs.PAGE.read_text()
    shown = re.search(rf"output: samtailor inspect {layout} -->\n\n```text\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    assert shown[1].splitlines()[0].split(", in ")[0] == ran.stdout.splitlines()[0].split(", in ")[0]
    table = [line.split() for line in ran.stdout.splitlines() if line.startswith(("train", "val", "test", "nucleus"))]
    assert table == [
        line.split() for line in shown[1].splitlines() if line.startswith(("train", "val", "test", "nucl"))
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_fit_and_an_evaluation_work_on_each(
    layout: str, examples: Path, tiny_sam_folder: Path, tmp_path: Path
) -> None:
    out, cache = tmp_path / "run", EmbeddingCache(tmp_path / "cache")
    fit_task(examples / layout, tiny_sam_folder, out, SHORT, cache=cache)
    evaluation = evaluate_task(examples / layout, adapter=out, split=list(LAYOUTS[layout][1])[-1], cache=cache)
    assert {"base-single", "adapted"} <= evaluation.instances[0].scores.keys()


def test_the_page_shows_every_output_and_no_folder_of_the_machine_that_made_it() -> None:
    page = own_data_outputs.PAGE.read_text()
    assert tutorial_outputs.output_commands(page) == [step.name for step in tutorial_outputs.steps(page)]
    assert "/tmp" not in page and "```text\n```" not in page
