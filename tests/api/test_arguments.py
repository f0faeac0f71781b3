"""Every public function takes names, paths and objects, and names what came if it is of a wrong type."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import samtailor
from samtailor import (
    EmbeddingCache,
    FitConfig,
    Predictor,
    Questions,
    encode_images,
    evaluate_task,
    fit_task,
    inspect_task,
    load_adapter,
    load_base,
    load_task,
    measure_run,
    report_run,
    write_dataset_page,
    write_preview,
)
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.cli.fit import fit as fit_command
from samtailor.data.task import Task
from samtailor.errors import AdapterError, ArgumentError, BaseModelError, DataError, FitError
from samtailor.evaluate import measure_base
from samtailor.runs import Run
from tests.api.conftest import SHORT
from tests.cli.conftest import Ran
from tests.cli.conftest import run as command


def _run_forms(run: Path) -> dict[str, Any]:
    return {
        "text": str(run),
        "path": run,
        "run": Run(run),
        "weights": run / "adapter.safetensors",
        "card": str(run / "adapter.json"),
    }


@pytest.mark.parametrize("form", ["text", "path", "run", "weights", "card"])
def test_an_adapter_may_be_a_folder_a_run_or_its_own_file(
    form: str, run: Path, shapes: Task, store: EmbeddingCache, tiny_sam: Base
) -> None:
    given = _run_forms(run)[form]
    expected = list(Predictor(tiny_sam, run, store).model.require_adapter().parameters())
    loaded = load_adapter(given)
    assert loaded.base_fingerprint == tiny_sam.fingerprint
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), expected, strict=True))
    assert load_adapter(given, tiny_sam).base_name == tiny_sam.name
    predictor = Predictor(adapter=given, cache=store)
    assert predictor.model.base.fingerprint == tiny_sam.fingerprint
    whole = evaluate_task(shapes, tiny_sam, load_adapter(run, tiny_sam), cache=store)
    assert evaluate_task(shapes, adapter=given, cache=store).instances == whole.instances
    assert measure_run(given, cache=store).evaluation.instances == whole.instances


def test_a_task_a_base_and_a_cache_may_be_paths(
    run: Path, shapes: Task, store: EmbeddingCache, tiny_sam: Base, tiny_sam_folder: Path
) -> None:
    expected = evaluate_task(shapes, tiny_sam, load_adapter(run, tiny_sam), cache=store).instances
    for task in (str(shapes.root), shapes.root):
        for base in (str(tiny_sam_folder), tiny_sam_folder):
            found = evaluate_task(task, base, str(run), cache=str(store.root), keep=None)
            assert found.instances == expected
    assert inspect_task(str(shapes.root)) == inspect_task(shapes)
    assert load_task(shapes) is shapes and load_base(tiny_sam) is tiny_sam
    measured = measure_base(tiny_sam_folder, shapes.root, cache=store.root)
    assert {name for i in measured.evaluation.instances for name in i.scores}.isdisjoint({"adapted"})
    with_other = measure_run(run, questions=Questions(also=(str(shapes.root),)), cache=store)  # type: ignore[arg-type]
    assert with_other.results.also[0].evaluation.task == shapes.name


def test_a_home_folder_is_expanded_everywhere(
    run: Path, shapes: Task, store: EmbeddingCache, tiny_sam_folder: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name, target in (("data", shapes.root), ("base", tiny_sam_folder), ("run", run), ("store", store.root)):
        (tmp_path / name).symlink_to(target, target_is_directory=True)
    image = tmp_path / "photo.png"
    Image.open(shapes.split("test")[0].path).save(image)
    evaluation = evaluate_task("~/data", "~/base", "~/run", cache="~/store")
    assert evaluation.instances and "adapted" in evaluation.instances[0].scores
    assert inspect_task("~/data").splits["train"].images == 8
    assert write_preview("~/data", "~/sheet.png", images=3) == tmp_path / "sheet.png"
    assert "</html>" in write_dataset_page("~/data", "~/page.html", images=3).read_text(encoding="utf-8")
    predictor = Predictor("~/base", "~/run", "~/store")
    predictor.set_image("~/photo.png")
    assert predictor.predict(points=[[20, 20]]).masks.shape == (1, 1, 48, 64)
    fit_task("~/data", "~/base", "~/new", SHORT, cache="~/store")
    assert (tmp_path / "new/adapter.safetensors").is_file()
    assert report_run("~/new", cache="~/store", click_maps=0) == tmp_path / "new/report.html"
    assert encode_images("~/base", "~/data", "~/store").already == 16
    assert not (Path.cwd() / "~").exists()


def test_images_to_encode_may_be_a_task_records_or_paths(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    records = shapes.split("val")
    assert encode_images(tiny_sam, records, cache).encoded == 4
    assert encode_images(tiny_sam, [str(r.path) for r in records], cache).already == 4
    assert encode_images(tiny_sam, records[0].path, cache).total == 1
    assert encode_images(tiny_sam, shapes, cache).encoded == 12


def test_a_caller_who_wants_nothing_stored_gets_the_same_masks(
    run: Path, shapes: Task, store: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_sam: Base
) -> None:
    monkeypatch.setenv("SAMTAILOR_CACHE", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    fit_task(shapes, tiny_sam, tmp_path / "again", SHORT, cache=False)
    assert (tmp_path / "again/adapter.safetensors").read_bytes() == (run / "adapter.safetensors").read_bytes()
    kept = evaluate_task(shapes, tiny_sam, run, cache=store).instances
    assert evaluate_task(shapes, tiny_sam, run, cache=False).instances == kept
    predictor = Predictor(tiny_sam, run, cache=False)
    predictor.set_image(np.zeros((48, 64, 3), np.uint8))
    predictor.predict(boxes=[[1, 1, 20, 20]])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again"]
    Predictor(tiny_sam, run, cache=True).set_image(shapes.split("val")[0].path)
    assert (tmp_path / "user").is_dir()


def test_defaults_are_those_of_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import inspect

    assert FitConfig() == FitConfig(minutes=15)
    assert FitConfig(steps=5).minutes is None
    command = inspect.signature(fit_command).parameters
    assert inspect.signature(fit_task).parameters["base"].default == command["base"].default == "mobile-sam"
    for verb in (fit_task, evaluate_task, measure_run, report_run, encode_images, load_base, load_adapter, Predictor):
        assert inspect.signature(verb).parameters["device"].default == "auto", verb
    assert samtailor.__version__


__all__ = ["command"]

WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "task number": (lambda _: fit_task(3, "mobile-sam", "o"), r"task is 3 \(int\)"),  # type: ignore[arg-type]
    "no task": (lambda _: evaluate_task(None), "task is None"),  # type: ignore[arg-type]
    "task list": (lambda _: inspect_task(["a", "b"]), "task is a list of 2"),  # type: ignore[arg-type]
    "empty task": (lambda _: load_task(" "), "path is ' '"),
    "task address": (lambda _: load_task("https://example.org/data.zip"), "address"),
    "base number": (lambda _: load_base(5), r"base is 5 \(int\)"),  # type: ignore[arg-type]
    "base bytes": (lambda _: Predictor(b"mobile-sam"), "bytes"),  # type: ignore[arg-type]
    "adapter number": (lambda _: load_adapter(7), r"adapter is 7"),  # type: ignore[arg-type]
    "adapter class": (lambda _: load_adapter(PLM), "the class PLM"),  # type: ignore[arg-type]
    "run list": (lambda _: measure_run([]), "run is a list of 0"),  # type: ignore[arg-type]
    "no run": (lambda _: report_run(None), "run is None"),  # type: ignore[arg-type]
    "cache number": (lambda _: Predictor(cache=3.5), r"cache is 3\.5"),  # type: ignore[arg-type]
    "cache root": (lambda _: EmbeddingCache(5), "root is 5"),  # type: ignore[arg-type]
    "device list": (lambda _: Predictor(device=[0]), "device is a list"),  # type: ignore[arg-type]
    "config dict": (lambda _: fit_task("sample", "mobile-sam", "o", {}), "config is a dict"),  # type: ignore[arg-type]
    "no out": (lambda _: fit_task("sample"), "out is missing"),
    "images": (lambda _: encode_images("mobile-sam", 5), "images is 5"),  # type: ignore[arg-type]
    "questions": (lambda run: measure_run(run, questions="all"), "questions is 'all'"),  # type: ignore[arg-type]
    "progress": (lambda _: inspect_task("sample", progress="bar"), "progress is 'bar'"),  # type: ignore[arg-type]
    "sheet of a list": (lambda _: write_preview([1], "a.png"), "task is a list of 1"),  # type: ignore[arg-type]
    "sheet to nothing": (lambda _: write_preview("sample", None), "file is None"),  # type: ignore[arg-type]
    "page of a number": (lambda _: write_dataset_page(4, "a.html"), "task is 4"),  # type: ignore[arg-type]
    "page of findings": (
        lambda _: write_dataset_page("sample", "a.html", inspection=()),  # type: ignore[arg-type]
        "inspection is a tuple",
    ),
    "keep": (lambda _: evaluate_task("sample", keep=3), "keep is 3"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_type_is_named(case: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    call, words = WRONG[case]
    with pytest.raises(ArgumentError, match=words) as caught:
        call(run)
    assert isinstance(caught.value, TypeError) and caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_what_is_given_in_the_wrong_place_is_named(run: Path, shapes: Task, tiny_sam: Base, moved_plm: PLM) -> None:
    with pytest.raises(BaseModelError, match="folder of an adapter"):
        Predictor(run)
    with pytest.raises(DataError, match="folder of an adapter"):
        evaluate_task(run, tiny_sam)
    with pytest.raises(AdapterError, match="no adapter"):
        load_adapter(shapes.root)
    moved_plm.base_name, moved_plm.base_fingerprint = "another", "0" * 64
    with pytest.raises(AdapterError, match="'another'"):
        Predictor(tiny_sam, moved_plm)


@pytest.mark.parametrize(("setting", "value"), [("steps", "60"), ("batch", None), ("lr", "fast"), ("seed", True)])
def test_a_setting_of_a_wrong_type_is_named(setting: str, value: Any) -> None:
    with pytest.raises(FitError, match=setting):
        FitConfig(**{setting: value})


def test_settings_may_be_numbers_of_numpy() -> None:
    config = FitConfig(steps=np.int64(5), lr=np.float32(0.5))  # type: ignore[arg-type]
    assert type(config.steps) is int and config.lr == 0.5 and type(config.lr) is float


def test_printed_objects_are_short(run: Path, shapes: Task, tiny_sam: Base, store: EmbeddingCache) -> None:
    adapter = load_adapter(run, tiny_sam)
    predictor = Predictor(tiny_sam, adapter, store)
    predictor.set_image(shapes.split("test")[0].path)
    measured = measure_run(run, shapes, base=tiny_sam, cache=store)
    result = fit_task(shapes, tiny_sam, run, SHORT, cache=store, resume=True)
    printed: list[tuple[object, str]] = [
        (shapes, "8, val 4, test 4"),
        (tiny_sam, "64 pixels"),
        (adapter, "decoder-lite"),
        (store, str(store.root)),
        (predictor, "decoder-lite"),
        (predictor.predict(points=[[9, 9]]), "1 prompt, 1 mask each, 64 x 48 pixels"),
        (measured, "base-single 0."),
        (measured.evaluation, "adapted 0."),
        (inspect_task(shapes, decode_images=False), "findings"),
        (result, "best_step"),
        (Run(run), "tiny"),
        (shapes.images[0], "2 instances"),
        (shapes.images[0].instances[0], "disc"),
    ]
    for value, words in printed:
        assert words in repr(value) and len(repr(value)) < 600, repr(value)


def test_commands_take_an_adapter_by_its_own_file_too(
    command: Callable[..., Ran], run: Path, shapes: Task, store: EmbeddingCache
) -> None:
    shown = command("show", run / "adapter.json")
    assert shown.returncode == 0 and "decoder-lite" in shown.stdout, shown.stderr
    scored = command("evaluate", shapes.root, "--adapter", run / "adapter.safetensors", cache=store.root)
    assert scored.returncode == 0 and "adapted" in scored.stdout, scored.stderr


def test_a_path_object_of_another_kind_is_a_path(run: Path, tiny_sam: Base) -> None:
    class Elsewhere(os.PathLike[str]):
        def __fspath__(self) -> str:
            return str(run)

    assert load_adapter(Elsewhere(), tiny_sam).method == "decoder-lite"
