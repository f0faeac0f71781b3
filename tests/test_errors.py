"""Errors that users see."""

from __future__ import annotations

from samtailor.errors import LONGEST, DataError


def test_messages_are_bounded_and_keep_their_beginning_their_end_and_the_hint() -> None:
    error = DataError(f"a.json has the name {'x' * 10**6}; expected text.", "Rename it.")
    assert len(str(error)) < LONGEST + 100
    assert str(error).startswith("a.json has the name xxx") and str(error).endswith("xxx; expected text. Rename it.")
    assert str(DataError("short.", "Fix it.")) == "short. Fix it."
