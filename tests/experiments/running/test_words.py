"""Experiments whose measures have words as prompts."""

from __future__ import annotations

from pathlib import Path

from experiments.__main__ import main

from samtailor.data.task import Task
from tests.experiments.helpers import Command, WriteConfig, lines_of


def test_words_are_measured_and_have_a_table(
    write_config: WriteConfig, command: Command, shapes: Task, tmp_path: Path
) -> None:
    prompts = ["word", "word+click", "click", "wrong word+click"]
    runs: list[dict[str, object]] = [
        {"method": "base"},
        {"method": "plm"},
        {"method": "words", "method_options": {"over": "plm"}, "measures": [{"prompt": prompts}]},
        {
            "method": "words",
            "method_options": {"over": "plm", "leave_out": "bar", "shuffle": 1},
            "measures": [{"prompt": prompts[:3]}],  # with one word left, none is wrong
        },
    ]
    task = shapes.root.name
    path = write_config([{"task": task, **run} for run in runs], compare_with="plm", show=["miou"])
    assert main(command("run", path)) == 0
    lines = [line for line in lines_of(tmp_path) if line["kind"] == "run"]
    assert [line["status"] for line in lines] == ["done"] * 4
    for line, kinds in zip(lines[2:], (prompts, prompts[:3]), strict=True):
        rows = {m["title"]: [row["method"] for row in m["rows"]] for m in line["measures"]}
        assert rows == {f"test, {kind}": ["adapted", "adapted-best"] for kind in kinds}
    assert main(command("table", path)) == 0
    text = (tmp_path / "results" / "small.md").read_text()
    assert all(f"test, {kind}" in text for kind in prompts) and "leave_out" in text
