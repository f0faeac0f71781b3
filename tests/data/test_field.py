"""Small inputs rebuilt from users' troubles are read right: images, instances, classes and areas to the pixel.

Each folder below ``field/`` has ``data/`` and ``expected.json``. If ``images`` is null there, the input is refused.
If ``must_not_pass_quietly`` is set, it must be refused or cause a finding, whichever that text allows.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samtailor.data import inspect_task, load_task
from samtailor.data.images import read_image
from samtailor.data.task import Task
from samtailor.errors import DataError

FIELD = Path(__file__).parent / "field"
CASES = sorted(path.parent.name for path in FIELD.glob("*/expected.json"))
# Findings that every small task has; they do not tell the user that something is odd.
OF_SMALL_TASKS = {"few-instances", "rare-class", "class-not-scored", "missing-split", "class-not-in-train"}


@pytest.mark.parametrize("case", CASES)
def test_a_case_from_the_field_is_read_as_its_user_expects(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMTAILOR_PICTURES", str(tmp_path))
    expected = json.loads((FIELD / case / "expected.json").read_text(encoding="utf-8"))
    quiet_is_wrong = str(expected.get("must_not_pass_quietly") or "")
    try:
        task = load_task(FIELD / case / "data" / _target(expected["run"]))
        findings = inspect_task(task).findings
    except DataError as error:
        assert expected.get("images") is None or "refusal" in quiet_is_wrong, str(error)
        assert error.hint
        return
    assert expected.get("images") is not None, f"expected a refusal, but it was read as {task.format}"
    assert _counts(task, "images") == _like(expected["images"], _counts(task, "images"))
    if "instances" in expected:
        assert _counts(task, "instances") == _like(expected["instances"], _counts(task, "instances"))
    if "classes" in expected:
        assert list(task.classes) == expected["classes"]
    _check_areas(task, expected)
    if "percentile" in quiet_is_wrong:
        assert np.ptp(np.percentile(read_image(task.images[0].path), [1, 99])) >= 20
    elif quiet_is_wrong:
        assert [finding for finding in findings if finding.code not in OF_SMALL_TASKS], quiet_is_wrong


def _target(command: str) -> str:
    words = [word.strip("()") for word in command.split()]
    return next((word for word in words if word == "." or word.endswith((".json", ".yaml"))), ".")


def _counts(task: Task, what: str) -> dict[str, int]:
    of_split = {
        split: len(records) if what == "images" else sum(len(record.instances) for record in records)
        for split, records in task.splits.items()
    }
    return {split: count for split, count in of_split.items() if count}


def _like(expected: Any, counts: dict[str, int]) -> dict[str, int]:
    """Return the expected counts by split; a single number is right if the splits add up to it."""
    if isinstance(expected, dict):
        return dict(expected)
    return counts if sum(counts.values()) == expected else {"in all": expected}


def _check_areas(task: Task, expected: dict[str, Any]) -> None:
    per_image = expected.get("per_image") or {}
    if not per_image:
        return
    groups = [per_image] if all(isinstance(rows, list) for rows in per_image.values()) else list(per_image.values())
    areas = {_name(path): sorted(rows) for group in groups for path, rows in group.items()}
    tolerance = expected.get("area_tolerance", 0)
    for record in task.images:
        instances = sorted([instance.label, instance.area] for instance in record.instances)
        rows = areas.get(_name(record.path), [])  # images without objects may be missing
        assert [label for label, _ in instances] == [label for label, _ in rows], record.path
        for (_, area), (_, right) in zip(instances, rows, strict=True):
            assert abs(area - right) <= tolerance * right, (record.path, instances, rows)


def _name(path: object) -> str:
    return unicodedata.normalize("NFC", str(path).replace("\\", "/").split("/")[-1])
