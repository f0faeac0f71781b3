"""Options that say how to read a dataset: every command has them, and a run remembers them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from samtailor.cli.reading import FORMATS, READ, ReadingOptions, option_words
from samtailor.data import load_task
from samtailor.data.load import FORMATS as LOADED
from samtailor.runs import Run
from tests.cli.conftest import Ran

OPTIONS = ("--skip-broken", "--crowds", "--split-masks", "--no-split-masks", "--mask-values", "--format", "--split-by")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO dataset of 6 images per split, each with one polygon and, as a third of all masks, one crowd region."""
    root = tmp_path_factory.mktemp("crowd")
    (root / "images").mkdir()
    rng, number = np.random.default_rng(0), 0
    region = np.zeros((48, 64), np.uint8, order="F")
    region[30:44, 5:60] = 1
    rle = coco_mask.encode(region)
    counts = {"size": rle["size"], "counts": rle["counts"].decode()}
    for split in ("train", "val", "test"):
        images, annotations = [], []
        for _ in range(6):
            number += 1
            name = f"{number}.png"
            Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(root / "images" / name)
            images.append({"id": number, "file_name": name, "width": 64, "height": 48})
            common = {"image_id": number, "category_id": 1}
            for k, left in enumerate((5, 35)):
                polygon = [[left, 5, left + 20, 5, left + 20, 25, left, 25]]
                annotations.append({"id": 10 * number + k, "segmentation": polygon, "iscrowd": 0, **common})
            annotations.append({"id": 10 * number + 5, "segmentation": counts, "iscrowd": 1, **common})
        content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cell"}]}
        (root / f"{split}.json").write_text(json.dumps(content))
    return root


def test_the_help_names_every_format() -> None:
    assert FORMATS.replace(" or ", ", ").split(", ") == list(LOADED)


def test_the_defaults_are_those_of_load_task() -> None:
    parameters = inspect.signature(load_task).parameters
    for name in ReadingOptions.__dataclass_fields__:
        assert getattr(READ, name) == parameters[name].default


@pytest.mark.parametrize("command", ["inspect", "convert", "encode", "fit", "evaluate", "report"])
def test_every_command_that_opens_a_dataset_has_the_options(command: str, run: Callable[..., Ran]) -> None:
    text = run(command, "--help").stdout
    assert [option for option in OPTIONS if option not in text] == []


def test_options_reach_the_reader(crowd: Path, run: Callable[..., Ran]) -> None:
    def counts(*options: str) -> tuple[int, int]:
        split = json.loads(run("inspect", crowd, "--json", *options).stdout)["splits"]["train"]
        return split["classes"]["cell"], split["crowd"]

    assert counts() == counts("--crowds", "keep") == (12, 6)
    assert counts("--crowds", "objects") == (18, 0)
    wrong = run("inspect", crowd, "--crowds", "object")
    assert (wrong.returncode, "Did you mean 'objects'?" in wrong.stderr) == (2, True)


def test_a_message_advises_options_that_the_command_has(run: Callable[..., Ran], tmp_path: Path, crowd: Path) -> None:
    content = json.loads((crowd / "train.json").read_text())
    for annotation in content["annotations"]:
        if annotation["id"] % 10 == 1:
            annotation["segmentation"] = [[1, 2]]
    (tmp_path / "images").symlink_to(crowd / "images")
    (tmp_path / "train.json").write_text(json.dumps(content))
    for split in ("val", "test"):
        (tmp_path / f"{split}.json").write_bytes((crowd / f"{split}.json").read_bytes())
    refused = run("convert", tmp_path, "--out", tmp_path / "out")
    assert refused.returncode == 2 and "--skip-broken" in refused.stderr
    written = run("convert", tmp_path, "--out", tmp_path / "out", "--skip-broken")
    assert written.returncode == 0, written.stderr
    assert "train: 6 images, 12 instances" in written.stdout


def test_options_as_words() -> None:
    source = {"path": "x", "seed": 0, "format": None, "crowds": "objects", "split_masks": False, "skip_broken": True}
    assert option_words(source) == "--skip-broken --crowds objects --no-split-masks"
    assert option_words({"split_by": "p(1) x"}) == "--split-by 'p(1) x'"
    assert option_words({}) == ""


def test_a_run_remembers_how_its_dataset_was_read(
    crowd: Path, run: Callable[..., Ran], tiny_sam_folder: Path, tmp_path: Path
) -> None:
    out, cache = tmp_path / "run", tmp_path / "cache"
    few = ("--steps", "2", "--batch", "2", "--val-prompts", "4", "--method", "offset", "--base", tiny_sam_folder)
    fitted = run("fit", crowd, "--out", out, "--crowds", "objects", *few, cache=cache)
    assert fitted.returncode == 0, fitted.stderr
    assert json.loads((out / "run.json").read_text())["task"]["crowds"] == "objects"

    def scored(*words: object) -> int:
        result = run("evaluate", *words, "--adapter", out, "--json", tmp_path / "e.json", cache=cache)
        assert result.returncode == 0, result.stderr
        assert ("Read as for the fit: --crowds objects." in result.stdout) == ("--crowds" not in words)
        return int(json.loads((tmp_path / "e.json").read_text())["rows"][0]["n"])

    assert scored() == 18
    assert scored(crowd) == 18
    assert scored(crowd / ".." / crowd.name) == 18
    assert scored(crowd, "--crowds", "keep") == 12


def test_other_data_is_read_by_its_own_options(crowd: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.write_source(load_task(crowd, crowds="objects"), "mobile-sam", "samtailor fit TASK --resume")
    assert sum(len(r.promptable) for r in run.task().split("test")) == 18
    assert sum(len(r.promptable) for r in run.task(path=crowd).split("test")) == 18
    assert sum(len(r.promptable) for r in run.task(path=crowd, crowds="keep").split("test")) == 12
    assert run.task(path="sample").name == "sample"
    assert "crowds" not in run.task(path="sample").source
