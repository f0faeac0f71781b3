"""Files of JSON lines."""

from __future__ import annotations

from pathlib import Path

from experiments.records.lines import Lines, without_paths


def test_the_last_line_with_an_id_counts_and_an_incomplete_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    Lines(path).add({"kind": "run", "id": "a", "n": 1})
    with path.open("a") as file:
        file.write('{"kind": "run", "id": "b"')
    lines = Lines(path)
    assert lines.get("run", "b") is None
    lines.add({"kind": "run", "id": "a", "n": 2})
    assert [row["n"] for row in Lines(path).of("run")] == [2]


def test_reading_an_incomplete_line_does_not_change_the_file(tmp_path: Path) -> None:
    """A killed driver leaves such a line, and another driver may be writing it now."""
    path = tmp_path / "small.jsonl"
    path.write_text('{"kind": "run", "id": "a"}\n{"kind": "run", "id"')
    lines = Lines(path)
    assert path.read_text().endswith('"id"') and [row["id"] for row in lines.of("run")] == ["a"]
    lines.add({"kind": "run", "id": "b"})
    assert [row["id"] for row in Lines(path).of("run")] == ["a", "b"]


def test_paths_of_this_machine_are_replaced_by_words() -> None:
    places = {"home": Path("/home/me"), "data": Path("/home/me/data")}
    assert without_paths({"a": ["in /home/me/data/x and /home/me/y"]}, places) == {"a": ["in <data>/x and <home>/y"]}
