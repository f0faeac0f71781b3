"""Words on the command line: ``predict --word`` and ``evaluate --prompts word``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samtailor import Predictor
from samtailor.adapters.io import save_adapter
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from tests.cli.conftest import Ran
from tests.models import fitted_words

Command = Callable[..., Ran]


@pytest.fixture
def adapter(tiny_sam: Base, tmp_path: Path) -> Path:
    save_adapter(tmp_path / "run", fitted_words(tiny_sam, ("disc", "round_bar")), tiny_sam, {})
    return tmp_path / "run"


@pytest.fixture
def predict(run: Command, tiny_sam_folder: Path, adapter: Path, shapes: Task, tmp_path: Path) -> Command:
    def predict(*words: str | Path, adapter: Path | None = adapter) -> Ran:
        own = ("--adapter", adapter) if adapter else ()
        image = () if "--prompts" in words else (shapes.split("test")[0].path,)
        where = ("--base", tiny_sam_folder, "--out", tmp_path / "out")
        return run("predict", *image, *words, *own, *where, cache=tmp_path / "cache")

    return predict


def mask(folder: Path, number: int) -> np.ndarray:
    return np.asarray(Image.open(folder / "out" / f"0_mask_{number}.png")) > 0


def test_words_are_prompts_alone_and_beside_clicks_and_boxes(
    predict: Command, tiny_sam: Base, adapter: Path, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    predictor, image = Predictor(tiny_sam, adapter, cache), shapes.split("test")[0].path
    for words, prompt in (
        (("--word", "disc", "--word", "Round Bar"), {"words": ["disc", "round_bar"]}),
        (("--word", "disc", "--point", "20,20", "--point", "50,20,0"), {"points": [[20, 20], [50, 20]]}),
        (("--word", "disc", "--box", "5,5,30,30", "--box", "40,8,60,40"), {"boxes": [[5, 5, 30, 30], [40, 8, 60, 40]]}),
    ):
        done = predict(*words, "--format", "png", "--format", "coco")
        assert done.returncode == 0, done.stderr
        labels = {"labels": [1, 0]} if "points" in prompt else {}
        expected = predictor.predict(**{"words": "disc", **prompt, **labels}, image=image)
        for number in range(len(expected.masks)):
            assert np.array_equal(mask(tmp_path, number), expected.masks[number, 0])
        assert "not in the adapter's vocabulary" not in done.stdout
        content = json.loads((tmp_path / "out" / "coco.json").read_text())
        assert "disc" in {c["name"] for c in content["categories"]}
        (tmp_path / "out" / "coco.json").unlink()


def test_an_unknown_word_is_a_guess_with_a_warning(predict: Command) -> None:
    done = predict("--word", "square bar")
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert "'square bar' is not in the adapter's vocabulary" in text and "Did you mean 'round_bar'?" in text


def test_words_that_do_not_fit_are_refused(predict: Command, tiny_sam: Base, moved_plm: PLM, tmp_path: Path) -> None:
    save_adapter(tmp_path / "plm", moved_plm, tiny_sam, {})
    for words, adapter, message in (
        (("--word", "disc"), None, "the base alone reads none"),
        (("--word", "disc"), tmp_path / "plm", "the adapter, of the method 'plm', reads none"),
        (("--word", "disc", "--word", "bar", "--point", "9,9"), tmp_path / "run", "2 words were given beside"),
        (("--word", " "), tmp_path / "run", "A word is empty"),
        ((), tmp_path / "run", "Give --point, --box, --word or --prompts FILE"),
    ):
        done = predict(*words, adapter=adapter)
        assert done.returncode and message in " ".join(done.stderr.split())


def test_a_table_of_prompts_has_a_column_for_words(
    predict: Command, tiny_sam: Base, adapter: Path, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    image = shapes.split("test")[0].path
    table = tmp_path / "prompts.csv"
    table.write_text(f"image,x,y,word\n{image},,,disc\n{image},20,20,disc\n{image},20,20,\n")
    done = predict("--prompts", table)
    assert done.returncode == 0, done.stderr
    predictor = Predictor(tiny_sam, adapter, cache)
    click = {"points": [[20, 20]]}
    for number, prompt in enumerate(({"words": "disc"}, {"words": "disc", **click}, click)):
        (written,) = (tmp_path / "out").rglob(f"*_mask_{number}.png")
        expected = predictor.predict(**prompt, image=image)
        assert np.array_equal(np.asarray(Image.open(written)) > 0, expected.masks[0, 0])
    table.write_text(f"image,x,y,word\n{image},,,\n")
    assert "neither a click nor a box nor a word" in " ".join(predict("--prompts", table).stderr.split())
    table.write_text(f"image,x,y,prompt,word\n{image},2,2,a,disc\n{image},9,9,a,bar\n")
    assert "it has the words disc, bar" in " ".join(predict("--prompts", table).stderr.split())


def test_words_can_be_evaluated(
    run: Command, tiny_sam_folder: Path, adapter: Path, shapes: Task, tmp_path: Path
) -> None:
    out = tmp_path / "scores.json"
    for kind, rows in (("word", ["adapted", "adapted-best"]), ("word+click", ["base-single", "base-best"])):
        done = run(
            "evaluate", shapes.root, "--adapter", adapter, "--base", tiny_sam_folder, "--prompts", kind, "--json", out,
            cache=tmp_path / "cache",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"({kind})" in done.stdout and "not fitted with the words 'bar'" in " ".join(done.stdout.split())
        content = json.loads(out.read_text())
        assert [row["method"] for row in content["rows"]][:2] == rows
