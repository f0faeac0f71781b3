"""Broken entries: a few are left out and counted, many are an error that lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from samtailor.data.reading import Reading, ReadOptions
from samtailor.errors import DataError

ROOT = Path("task")


def reading(broken: int, total: int, skip_broken: bool = False) -> Reading:
    collected = Reading(ReadOptions(skip_broken=skip_broken))
    collected.count(total)
    for number in range(broken):
        collected.broken(ROOT / "a.json", f"annotation {number}", "has 2 points", "Fix it.")
    return collected


@pytest.mark.parametrize(("broken", "total"), [(0, 5), (1, 12), (3, 8), (10, 1000)])
def test_a_few_broken_entries_are_left_out(broken: int, total: int) -> None:
    collected = reading(broken, total)
    findings = collected.finish(ROOT)
    assert collected.skipped == (f", {broken} of {total} entries left out" if broken else "")
    assert [(f.code, f.count, f.severity) for f in findings] == ([("broken-entries", broken, "warning")] * bool(broken))
    if broken:
        assert "annotation 0: has 2 points." in findings[0].what


@pytest.mark.parametrize(("broken", "total"), [(4, 100), (2, 3), (11, 1000), (3, 6)])
def test_many_broken_entries_are_listed_in_an_error(broken: int, total: int) -> None:
    with pytest.raises(DataError) as error:
        reading(broken, total).finish(ROOT)
    assert f"{broken} of {total} entries" in error.value.what
    assert error.value.what.count("has 2 points") == min(broken, 20)
    assert "skip_broken=True" in error.value.hint
    assert reading(broken, total, skip_broken=True).finish(ROOT)[0].count == broken


def test_notes_of_one_kind_become_one_finding() -> None:
    collected = Reading()
    for file in ("a.png", "b.png", "a.png"):
        collected.note("thin", "note", lambda n: f"{n} masks are odd.", "Look at them.", file)
    (finding,) = collected.finish(ROOT)
    assert (finding.what, finding.count, finding.files) == ("3 masks are odd.", 3, ("a.png", "b.png"))
