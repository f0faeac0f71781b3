"""Tables and texts for the terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from samtailor.cli.output import Row, Table, print_table, print_text, shorten


def printed(table: Table, width: int, terminal: bool = False) -> list[str]:
    file = io.StringIO()
    print_table(
        Console(file=file, width=width, force_terminal=terminal, color_system="standard" if terminal else None), table
    )
    return file.getvalue().splitlines()


def table_of(*names: str) -> Table:
    return Table("Title", ("class", "n", "IoU"), [Row((name, "12", "0.500")) for name in names], ("IoU: mean.",))


@given(st.text(alphabet=st.characters(categories=["L", "N", "Zs"]), max_size=60), st.integers(1, 40))
def test_a_shortened_text_fits_and_keeps_its_ends(text: str, width: int) -> None:
    short = shorten(text, width)
    assert cell_len(short) <= width or short == "…"
    if cell_len(text) <= width:
        assert short == text
    else:
        start, _, end = short.partition("…")
        assert text.startswith(start) and text.endswith(end)


def test_each_row_is_one_line_that_awk_can_split() -> None:
    lines = printed(table_of("cat", "dog"), 80)
    assert lines == ["", "Title", "class   n    IoU", "cat    12  0.500", "dog    12  0.500", "  IoU: mean."]


def test_a_long_name_is_shortened_in_the_middle_and_figures_stay_whole() -> None:
    long = "a very long name of a class, longer than the screen is wide, 歩行者"
    for width in (40, 60):
        *_, row, short_row, _legend = printed(table_of(long, "cat"), width)
        assert cell_len(row) <= width and row.startswith("a very") and "…" in row and "者  12  0.500" in row
        assert short_row.split() == ["cat", "12", "0.500"]


def test_line_breaks_in_a_name_do_not_break_the_row_and_an_empty_text_is_a_dash() -> None:
    assert printed(table_of("two\nlines", ""), 80)[3:5] == ["two lines  12  0.500", "-          12  0.500"]


def test_a_terminal_gets_bold_headings_and_a_rule() -> None:
    text = "\n".join(printed(table_of("cat"), 80, terminal=True))
    assert "\x1b[1m" in text and "───" in text


@pytest.mark.parametrize("width", [20, 80])
def test_a_paragraph_wraps_between_words_and_keeps_a_long_word_whole(width: int) -> None:
    file, path = io.StringIO(), "/a/path/that/is/longer/than/twenty/columns"
    print_text(Console(file=file, width=width), f"one two three four five six seven in {path} eight", indent="  ")
    lines = file.getvalue().splitlines()
    assert all(line.startswith("  ") and (len(line) <= width or line.strip() == path) for line in lines)
    assert sum(path in line for line in lines) == 1
