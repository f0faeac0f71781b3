"""Values from files are cut in messages."""

from __future__ import annotations

from typing import Any

import pytest

from samtailor.data.words import cut, quoted


@pytest.mark.parametrize("value", ["x" * 10_000, list(range(10_000)), {n: n for n in range(10_000)}, b"x" * 10_000])
def test_long_values_are_cut(value: Any) -> None:
    assert len(quoted(value)) <= 100


def test_short_values_are_printed_as_python_does() -> None:
    assert [quoted(value) for value in ("a", 1.5, None, [1], {"a": 1})] == ["'a'", "1.5", "None", "[1]", "{'a': 1}"]
    assert quoted(10**400) == "a whole number of 1329 bits"
    assert cut("abcdef", 5) == "ab..."


def test_a_deeply_nested_list_is_named_by_its_type() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert quoted(value) == "a list"
