"""Progress on a console: bars in a terminal, rare plain lines elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from samtailor.cli.progress import ProgressDisplay
from samtailor.machine import display as progress
from samtailor.machine.progress import Count, Note


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that a test sets: its only item is the time in seconds."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_lines_come_at_most_every_half_a_minute(clock: list[float]) -> None:
    file = io.StringIO()
    with ProgressDisplay(Console(file=file, width=80)) as display:
        for done in range(101):
            display(Count("Encoding", done, 100, rate=1.0))
            clock[0] += 1
        for done in range(11):
            display(Count("A short stage", done, 10))
            clock[0] += 1
        display.line("step 1")
        display.line("step 2")
        clock[0] += 30
        display.line("step 3")
    lines = file.getvalue().splitlines()
    assert lines == [
        "Encoding: 30 of 100  1.00 images/s, 1:10 left",
        "Encoding: 60 of 100  1.00 images/s, 0:40 left",
        "Encoding: 90 of 100  1.00 images/s, 0:10 left",
        "step 3",
    ]


def test_notes_are_always_shown(clock: list[float]) -> None:
    file = io.StringIO()
    with ProgressDisplay(Console(file=file, width=80)) as display:
        for number in range(3):
            display(Note(f"Note {number}."))
    assert file.getvalue() == "Note 0.\nNote 1.\nNote 2.\n"


def test_in_a_terminal_there_is_a_bar_that_fits() -> None:
    file = io.StringIO()
    with ProgressDisplay(Console(file=file, width=80, force_terminal=True)) as display:
        display(Count("Turning the adapter down on a dataset with a long name", 1, 2))
    assert "…" in file.getvalue() and "1/2" in file.getvalue()
