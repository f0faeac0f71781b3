"""Measuring a run from Python: which task, which class, which images, and where results are kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from samtailor import list_bases, list_methods, measure_run, report_run
from samtailor.adapters.io import save_adapter
from samtailor.adapters.methods import METHODS, method_class
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.bases.registry import DEFAULT_BASE
from samtailor.data import Task, load_task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import AdapterError, DataError, FitError
from samtailor.evaluate import measure_base
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.subject import class_to_score, task_of_run
from samtailor.machine.progress import Event, Note
from samtailor.report.run import Scored
from samtailor.runs import Run


@pytest.fixture
def disc_run(tmp_path: Path, shapes: Task, tiny_sam: Base, moved_plm: PLM) -> Run:
    """A run that was fitted on the class ``disc`` of ``shapes``."""
    run = Run(tmp_path / "run")
    save_adapter(run.folder, moved_plm, tiny_sam, {"task": {"name": shapes.name, "only": "disc"}})
    run.write_source(shapes, "tiny", "samtailor fit TASK --resume")
    return run


def test_a_run_is_measured_on_its_own_task_and_class(disc_run: Run, tiny_sam: Base, cache: EmbeddingCache) -> None:
    events: list[Event] = []
    measured = measure_run(disc_run.folder, base=tiny_sam, cache=cache, progress=events.append)
    assert measured.task.classes == ("disc",)
    assert {score.label for score in measured.evaluation.instances} == {"disc"}
    (note,) = [event.text for event in events if isinstance(event, Note)]
    assert note.startswith("Only 'disc' is scored")
    assert list(disc_run.studies.glob("evaluation-*.jsonl")), "results are kept beside the adapter"


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        (Questions(), "disc"),
        (Questions(only="bar"), "bar"),
        (Questions(only="*"), None),
        (Questions(class_map=("thing=disc+bar",)), None),
        (Questions(only="bar", class_map=("thing=bar",)), "bar"),
    ],
)
def test_the_class_to_score(disc_run: Run, questions: Questions, expected: str | None) -> None:
    assert class_to_score(questions, disc_run) == expected
    alone = questions.only if questions.only != "*" else None
    assert class_to_score(questions) == alone, "a base alone has no class of its own"


def test_another_task_by_path_without_its_copies(disc_run: Run, shapes: Task, tmp_path: Path) -> None:
    other = Path(shutil.copytree(shapes.root, tmp_path / "other"))
    shutil.copy(other / "train" / "images" / "0.png", other / "test" / "images" / "0.png")
    part = task_of_run(disc_run, str(other), Questions(only="*", drop_duplicates=True))
    assert (part.name, part.classes, len(part.split("test"))) == ("other", shapes.classes, 3)
    assert task_of_run(disc_run, load_task(other), Questions(only="*")) == load_task(other)


def test_a_read_only_run_keeps_results_in_the_other_folder(
    disc_run: Run, tiny_sam: Base, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "writable", False)
    measure_run(disc_run.folder, base=tiny_sam, cache=cache, keep=tmp_path / "kept")
    assert list((tmp_path / "kept").glob("evaluation-*.jsonl")) and not disc_run.studies.exists()


def test_a_base_alone(shapes: Task, tiny_sam: Base, cache: EmbeddingCache) -> None:
    measured = measure_base(tiny_sam, shapes.root, cache=cache)
    assert set(measured.evaluation.instances[0].scores) == {"base-single", "base-best", "base-oracle"}
    with pytest.raises(DataError, match="no class 'eye'"):
        measure_base(tiny_sam, shapes, Questions(only="eye"), cache=cache)


def test_a_report_loads_the_base_of_the_run(disc_run: Run, tiny_sam_folder: Path, cache: EmbeddingCache) -> None:
    scored: list[Event] = []
    card = json.loads(disc_run.card_file.read_text())
    card["base"]["name"] = str(tiny_sam_folder)
    disc_run.card_file.write_text(json.dumps(card))
    page = report_run(disc_run.folder, questions=Questions(), click_maps=0, cache=cache, progress=scored.append)
    assert page == disc_run.report and page.is_file()
    assert sum(isinstance(event, Scored) for event in scored) == 1


def test_a_folder_without_a_run_is_refused(tmp_path: Path, shapes: Task) -> None:
    for verb in (measure_run, report_run):
        with pytest.raises(AdapterError, match=r"no adapter\.json"):
            verb(tmp_path, shapes)


def test_the_lists_of_methods_and_bases() -> None:
    methods = list_methods()
    assert list(methods) == list(METHODS)
    assert {name: info.description for name, info in methods.items()} == {
        name: method.description for name, method in METHODS.items()
    }
    assert all(info.options == method_class(name).options() and info.description for name, info in methods.items())
    assert next(iter(list_bases())) == DEFAULT_BASE and all(list_bases().values())
    assert set(list_bases()) == {"BASE@SIZE", DEFAULT_BASE, "FILE", "FOLDER", "OWNER/NAME"}


def test_a_log_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FitError, match=r"metrics\.jsonl cannot be read: No such file"):
        Run(tmp_path / "run").read_log()
