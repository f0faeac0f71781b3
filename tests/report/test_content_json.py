"""A report survives being written to report.json and read again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from samtailor.data.doctor.duplicates import Duplicate
from samtailor.errors import DataError
from samtailor.machine.files import write_json
from samtailor.report.content import Report
from samtailor.report.content_json import read_report, report_json, run_facts
from samtailor.report.page import render_page
from tests.report.page.page_data import card, pictures, report, results

KEPT = Path(__file__).parents[2] / "experiments" / "results" / "evaluations"


def written(report: Report, folder: Path) -> dict[str, Any]:
    write_json(folder / "report.json", report_json(report))
    return dict(json.loads((folder / "report.json").read_text()))


def test_a_report_comes_back_and_makes_the_same_page(tmp_path: Path) -> None:
    whole = report()
    assert whole.inspection is not None
    copy = Duplicate("test/b.webp", "test", "train/a.webp", "train", "bytes", 1.0)
    whole = replace(whole, inspection=replace(whole.inspection, duplicates=(copy,)))
    content = written(whole, tmp_path)
    again = read_report(content)
    assert written(again, tmp_path) == content
    assert (again.run, again.inspection) == (whole.run, whole.inspection)
    assert render_page(again, pictures()) == render_page(whole, pictures())


def test_the_keys_and_their_order(tmp_path: Path) -> None:
    content = report_json(report())
    keys = (
        "format title created command run sensitivity also evaluation data settings versions hardware commit click_maps"
    )
    assert list(content) == keys.split()
    assert content["run"] == {"folder": "runs/faces", "card": card()}
    assert "picture" not in content["click_maps"][0]
    least = report_json(Report(replace(results(), sensitivity=None, also=())))
    assert list(least) == ["format", "evaluation", "settings", "versions", "hardware", "click_maps"]


def test_a_kept_report_keeps_its_values() -> None:
    """This file is older than ``format`` and has neither data nor run."""
    content = json.loads((KEPT / "faces_report.json").read_text())
    again = report_json(read_report(content))
    assert {key: again[key] for key in content} == content


def test_a_card_with_little_in_it() -> None:
    facts = run_facts("x", {"method": "plm", "validation": {"base_by_mask_token": [0.1, 0.2]}})
    assert (facts.method, facts.steps, dict(facts.validation)) == ("plm", None, {})


def test_files_of_a_finding_may_be_pairs() -> None:
    finding = {"severity": "odd", "what": "Two pictures are alike.", "files": ["a", ["b", "c"]]}
    inspection = read_report({"evaluation": {"task": "x"}, "data": {"findings": [finding]}}).inspection
    assert inspection is not None
    (read,) = inspection.findings
    assert (read.severity, read.files, read.hint) == ("note", ("a", "b and c"), "")


@pytest.mark.parametrize("content", [{}, {"evaluation": None}, {"evaluation": {"task": "x"}, "data": {"leaks": [1]}}])
def test_other_json_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(DataError, match="not the JSON of a report"):
        read_report(content)
