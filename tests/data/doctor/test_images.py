"""Checks of image files: damaged ones and duplicates are found, with all their files."""

from __future__ import annotations

import pytest
from PIL import Image

from samtailor.data import Task, find_duplicates, inspect_task
from samtailor.data.doctor.duplicates import Duplicate
from samtailor.data.doctor.images import duplicate_findings
from tests.data.doctor.helpers import codes


def test_images_that_cannot_be_read_are_found(clean: Task) -> None:
    for name in ("val3.png", "test4.png"):
        (clean.root / name).write_bytes(b"no picture")
    inspection = inspect_task(clean)
    (finding,) = inspection.findings
    assert (finding.code, finding.severity, finding.count) == ("unreadable", "error", 2)
    assert finding.files == (str(clean.root / "val3.png"), str(clean.root / "test4.png"))
    assert "val3.png" in finding.what
    assert inspection.bad_images == 2 and inspection.first_bad is not None
    assert inspection.first_bad.path == finding.files[0] and "val3.png" in inspection.first_bad.reason
    assert find_duplicates(clean) == []
    undecoded = inspect_task(clean, decode_images=False)
    assert (undecoded.findings, undecoded.decoded, undecoded.bad_images) == ((), False, 0)


def test_images_of_another_size_cannot_be_used(clean: Task) -> None:
    Image.new("L", (3, 3)).save(clean.root / "val0.png")
    first_bad = inspect_task(clean).first_bad
    assert first_bad is not None and "3 x 3" in first_bad.reason and "128 x 128" in first_bad.reason
    assert codes(clean) == ["unreadable"]


CASES = [
    ("bytes", "train", "same-picture", "error", "2 images have the same bytes as another of an earlier split"),
    ("alike", "train", "alike-picture", "warning", "2 images look like another of an earlier split"),
    ("bytes", "test", "same-picture-within", "note", "2 images have the same bytes as another of the same split"),
    ("alike", "test", "alike-picture-within", "note", "2 images look like another of the same split"),
]


@pytest.mark.parametrize(("kind", "of_split", "code", "severity", "text"), CASES)
def test_duplicates_make_one_finding_for_each_kind(
    kind: str, of_split: str, code: str, severity: str, text: str
) -> None:
    duplicates = [Duplicate(f"x/{n}.png", "test", "x/a.png", of_split, kind, 1.0) for n in (1, 2)]  # type: ignore[arg-type]
    (finding,) = duplicate_findings(duplicates)
    assert (finding.code, finding.severity, finding.count) == (code, severity, 2)
    assert finding.what.startswith(text) and f"the first: 1.png (test) and a.png ({of_split})" in finding.what
    assert finding.files == ("x/1.png", "x/2.png")
    assert ("--split-by REGEX" in finding.hint) == (of_split != "test")
