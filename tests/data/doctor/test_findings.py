"""Findings are ranked, and every code is explained in the guide."""

from __future__ import annotations

import re
from pathlib import Path

from samtailor.data.findings import CODES, Finding, listed, rank, times


def test_errors_come_first_then_the_more_harmful_code_then_the_larger_count() -> None:
    findings = [
        Finding(severity, code, "", (), count, "")
        for severity, code, count in (
            ("note", "no-instances", 99),
            ("warning", "small", 3),
            ("error", "same-picture", 1),
            ("error", "unreadable", 1),
            ("note", "small", 50),
            ("warning", "class-not-in-train", 1),
            ("warning", "small", 8),
        )
    ]
    assert [(f.severity, f.code, f.count) for f in rank(reversed(findings))] == [
        ("error", "unreadable", 1),
        ("error", "same-picture", 1),
        ("warning", "class-not-in-train", 1),
        ("warning", "small", 8),
        ("warning", "small", 3),
        ("note", "small", 50),
        ("note", "no-instances", 99),
    ]


def test_the_guide_explains_every_code_in_the_same_order() -> None:
    text = (Path(__file__).parents[3] / "docs" / "guides" / "data.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \| (?:error|warning|note)", text, flags=re.M) == list(CODES)


def test_counts_agree_with_their_nouns_and_long_lists_are_cut() -> None:
    assert (times(1, "image"), times(2, "class", "classes")) == ("1 image", "2 classes")
    assert (listed(["a", "b"], 2), listed(["a", "b", "c"], 2)) == ("a, b", "a, b, ...")
