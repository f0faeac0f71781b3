"""Rows of tables, and the rows they are compared with."""

from __future__ import annotations

from pathlib import Path

from experiments.records.lines import Lines
from experiments.records.rows import Section, sections
from experiments.specs.config import read_config

from tests.experiments.helpers import WriteConfig


def references(section: Section) -> dict[str, str]:
    """Label of each row with a reference -> label of the reference."""
    return {row.label: reference.label for row in section.rows if (reference := section.reference(row))}


def test_the_reference_has_the_same_settings_if_its_method_has_them(write_config: WriteConfig, tmp_path: Path) -> None:
    search = {"method": "plm+pmm", "method_options": {"pmm_weight": [0.1, 5]}}
    runs = [{"task": "a", "losses": {"dice": [20, 1]}, **method} for method in ({"method": "plm"}, search)]
    (section,) = sections(read_config(write_config(runs, compare_with="plm")), Lines(tmp_path / "none.jsonl"))
    assert references(section) == {
        "plm, dice=1": "plm",
        "plm+pmm": "plm",
        "plm+pmm, pmm_weight=5": "plm",
        "plm+pmm, dice=1": "plm, dice=1",
        "plm+pmm, dice=1, pmm_weight=5": "plm, dice=1",
    }
    path = write_config(runs, "other", compare_with={"losses": {"dice": 1}})
    (section,) = sections(read_config(path), Lines(tmp_path / "none.jsonl"))
    assert references(section) == {
        "plm": "plm, dice=1",
        "plm+pmm": "plm+pmm, dice=1",
        "plm+pmm, pmm_weight=5": "plm+pmm, dice=1, pmm_weight=5",
    }
    assert section.reference_label == "the same with dice=1"


def test_a_row_without_a_matching_reference_is_not_compared(write_config: WriteConfig, tmp_path: Path) -> None:
    runs = [
        {"task": "a", "method": "plm", "losses": {"dice": [20, 1]}},
        {"task": "a", "method": "plm", "losses": {"dice": 1}, "clip": 2},
        {"task": "a", "method": "offset", "losses": {"dice": 5}},
    ]
    (section,) = sections(read_config(write_config(runs, compare_with="plm")), Lines(tmp_path / "none.jsonl"))
    assert references(section) == {"plm, dice=1": "plm"}
