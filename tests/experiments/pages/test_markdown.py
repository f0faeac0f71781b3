"""Markdown that pages are written in."""

from __future__ import annotations

from experiments.pages.markdown import paragraph, rewrap, table


def test_only_paragraphs_are_wrapped_again() -> None:
    unchanged = ["## A title", "| a |\n|---|\n| " + "b " * 80 + "|", "* one\n* two"]
    text = "\n\n".join(["some\nshort\nlines", *unchanged])
    assert rewrap(text).split("\n\n") == ["some short lines", *unchanged]


def test_a_paragraph_has_at_most_100_columns() -> None:
    lines = paragraph("* " + "word " * 50, indent="  ").splitlines()
    assert len(lines) == 3
    assert max(len(line) for line in lines) <= 100
    assert all(line.startswith("  ") for line in lines[1:])


def test_a_table_has_a_heading_and_a_line_for_each_row() -> None:
    assert list(table(["a", "b"], [["1", "2"]])) == ["| a | b |", "|---|---|", "| 1 | 2 |"]
