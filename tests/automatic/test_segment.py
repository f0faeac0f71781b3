"""From a run to the instances of images: fit, files, continuation, commands."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from samtailor.automatic.storage import load_finder
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import AdapterError, FitError
from samtailor.fit import fit_task
from samtailor.fitting.config import FitConfig
from samtailor.fitting.progress import Stepped
from samtailor.machine.progress import Event
from samtailor.prediction.sources import find_sources
from samtailor.report.segments import COLUMNS, write_segments
from samtailor.runs import Run
from samtailor.segment import DEFAULT, AutomaticFit, Segmenter, fit_automatic

SHORT = replace(DEFAULT, minutes=None, steps=30, validations=2)


@pytest.fixture(scope="module")
def run(tiny_sam: Base, shapes: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose base is kept in a folder."""
    folder = tmp_path_factory.mktemp("automatic") / "run"
    config = FitConfig(method="plm", steps=3, batch=2, val_prompts=4, validations=1, min_area=1)
    fit_task(shapes, tiny_sam, folder, config, cache=False, progress=False)
    return folder


@pytest.fixture(scope="module")
def fitted(run: Path) -> AutomaticFit:
    return fit_automatic(run, config=SHORT, cache=False, device="cpu", progress=False)


def test_a_fit_finds_rules_and_is_done_once(run: Path, fitted: AutomaticFit, cache: EmbeddingCache) -> None:
    assert fitted.steps == 30 and 0 < fitted.seed_f1 <= 1
    assert fitted.accuracy >= fitted.accuracy_by_estimate
    with pytest.raises(FitError, match="finds instances already"):
        fit_automatic(run, config=SHORT, cache=cache, progress=False)


def test_a_stopped_fit_continues_to_the_same_head(
    run: Path, fitted: AutomaticFit, cache: EmbeddingCache, tmp_path: Path
) -> None:
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "automatic")

    def stop(event: Event) -> None:
        if isinstance(event, Stepped) and event.state.step == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_automatic(copy, config=SHORT, cache=cache, progress=stop)
    assert fit_automatic(copy, config=SHORT, cache=cache, progress=False) == fitted
    whole, continued = (Segmenter(folder, cache, "cpu").finder.head.state_dict() for folder in (run, copy))
    assert all(torch.equal(whole[name], continued[name]) for name in whole)


def test_found_instances_are_within_the_image_and_sorted(run: Path, fitted: AutomaticFit, shapes: Task) -> None:
    segmenter = Segmenter(run, False, "cpu")
    loose = replace(segmenter.finder, merging=replace(segmenter.finder.merging, score=-1.0))
    image = segmenter.model.open(shapes.split("test")[0])
    found = loose.find(image)
    assert found and {f.label for f in found} <= set(shapes.classes)
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    for one in found:
        mask = one.patch.whole()
        assert mask.shape == (image.frame.height, image.frame.width) and mask.any()
        assert 0 <= one.seed[0] <= image.frame.width and 0 <= one.seed[1] <= image.frame.height


def test_files_agree_with_each_other_and_a_bad_image_is_listed(
    run: Path, fitted: AutomaticFit, shapes: Task, tmp_path: Path
) -> None:
    segmenter = Segmenter(run, False, "cpu")
    segmenter.finder = replace(segmenter.finder, merging=replace(segmenter.finder.merging, score=-1.0))
    bad = tmp_path / "bad.png"
    bad.write_text("not a picture")
    paths = [r.path for r in shapes.split("test")[:2]]
    out = tmp_path / "out"
    done = write_segments(segmenter, find_sources([*paths, bad]).images, out)
    assert (done.images, done.skipped, [path for path, _ in done.failed]) == (2, 0, [bad])
    rows = list(csv.DictReader((out / "instances.csv").open()))
    assert tuple(rows[0]) == COLUMNS and len(rows) == done.instances > 0
    coco = json.loads((out / "coco.json").read_text())
    assert len(coco["annotations"]) == len(rows)
    assert {c["name"] for c in coco["categories"]} == set(shapes.classes)
    counts = list(csv.DictReader((out / "counts.csv").open()))
    assert sum(int(row[label]) for row in counts for label in shapes.classes) == len(rows)
    first = rows[0]
    stem = Path(first["image"]).stem
    ends = [f"{stem}_labels.png", f"{stem}_labels_{first['class']}.png"]
    labels = np.asarray(Image.open(next(out / end for end in ends if (out / end).is_file())))
    areas = {row["number"]: int(row["area"]) for row in rows if row["image"] == first["image"]}
    assert 0 < (labels == int(first["number"])).sum() <= int(first["area"]) and areas
    assert all(float(row["x0"]) < float(row["centroid_x"]) < float(row["x1"]) for row in rows)

    before = (out / "instances.csv").read_bytes()
    again = write_segments(segmenter, find_sources(paths).images, out, skip_existing=True)
    assert (again.images, again.skipped) == (0, 2) and (out / "instances.csv").read_bytes() == before


def test_a_head_belongs_to_its_adapter(
    run: Path, fitted: AutomaticFit, tiny_sam: Base, cache: EmbeddingCache, tmp_path: Path
) -> None:
    segmenter = Segmenter(run, cache, "cpu")
    with pytest.raises(AdapterError, match="another adapter"):
        load_finder(run / "automatic", segmenter.model, "0" * 32)
    with pytest.raises(AdapterError, match="fit-automatic"):
        load_finder(tmp_path / "automatic", segmenter.model, str(Run(run).card()["weights_digest"]))
