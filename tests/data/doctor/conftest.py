"""Fixtures of the tests of the doctor."""

from __future__ import annotations

from pathlib import Path

import pytest

from samtailor.data import Task
from tests.data.doctor.helpers import clean_task


@pytest.fixture
def clean(tmp_path: Path) -> Task:
    """A task without findings."""
    return clean_task(tmp_path)
