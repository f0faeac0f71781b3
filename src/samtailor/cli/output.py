"""Print text and tables that fit the terminal: with colours in a terminal, plain elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from samtailor.machine.text import encodable, visible

__all__ = [
    "Row", "Table", "be_quiet", "make_console", "print_facts", "print_failed", "print_line", "print_table",
    "print_text", "printable", "shorten",
]  # fmt: skip

GAP = "  "
SHORTEST = 12
"""Columns of the screen that a shortened name keeps at least."""


@dataclass(frozen=True)
class Row:
    """A line of a table: one text per column, and whether it stands out."""

    texts: Sequence[str]
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table for the terminal.

    Attributes:
        title: a line above.
        headings: one short word per column.
        rows: the lines.
        legend: paragraphs below, which say what the rows and columns mean, with units.
        names: number of leading columns that hold names: they are aligned to the left, and the widest of them is
            shortened in the middle if the table does not fit. Other columns are aligned to the right.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Row]
    legend: Sequence[str] = field(default=())
    names: int = 1


class _Console(Console):
    """A console that leaves a closed pipe to ``main``, which has an exit code for it."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


_quiet = False


def be_quiet(quiet: bool) -> None:
    """Make consoles that print nothing from now on, except those for errors."""
    global _quiet
    _quiet = quiet


def make_console(stderr: bool = False, *, errors: bool = False) -> Console:
    """Return the console of a command; it reads the width of the terminal when it is made.

    Args:
        stderr: print to the standard error stream.
        errors: print even after ``be_quiet``.
    """
    return _Console(stderr=stderr, highlight=False, markup=False, emoji=False, quiet=_quiet and not errors)


def printable(console: Console, text: str, *, lines: bool = False) -> str:
    """Return the text as it may be printed: without control characters, in the characters that the console can write.

    Everything printed passes through here. Names of files and classes may hold anything.

    Args:
        console: where the text is printed.
        text: any text.
        lines: keep line breaks.
    """
    return encodable(visible(text, lines=lines), console.encoding)


def shorten(text: str, width: int) -> str:
    """Replace the middle of a text by an ellipsis if it takes more than ``width`` columns of the screen."""
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 2
    end = text[::-1]
    return f"{_cut(text, width - 1 - tail)}…{_cut(end, tail)[::-1]}"


def _cut(text: str, width: int) -> str:
    return chop_cells(text, width)[0] if width > 0 else ""


def print_line(console: Console, text: str) -> None:
    """Print a line that is never broken, because it holds a path or is meant for other programs."""
    console.print(Text(printable(console, text)), soft_wrap=True)


def print_text(console: Console, text: str, *, indent: str = "", style: str = "", styled: str = "") -> None:
    """Print a paragraph, wrapped between words; a word that is too long stays whole.

    Args:
        console: where to print.
        text: its line breaks are kept.
        indent: before each line.
        style: of the beginning ``styled``, in a terminal.
        styled: the first characters of the text; empty for the whole text.
    """
    parts = printable(console, text, lines=True).split("\n")
    lines = "\n".join(indent + line for part in parts for line in _wrap(part, console.width - len(indent)))
    printed = Text(lines)
    if style:
        start = len(indent)
        printed.stylize(style, start, start + len(styled) if styled else len(lines))
    console.print(printed, soft_wrap=True)


def _wrap(text: str, width: int) -> list[str]:
    first, *words = text.split(" ")
    lines = [first]
    for word in words:
        longer = f"{lines[-1]} {word}"
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def print_facts(console: Console, facts: Sequence[tuple[str, str]]) -> None:
    """Print names and values, one below the other; long values go on in the next line, under their beginning."""
    width = max((cell_len(name) for name, _ in facts), default=0)
    for name, value in facts:
        room = console.width - width - len(GAP)
        first, *rest = _wrap(printable(console, _one_line(value)), room)
        console.print(Text(f"{name}{' ' * (width - cell_len(name))}{GAP}{first}"), soft_wrap=True)
        for line in rest:
            console.print(Text(f"{' ' * width}{GAP}{line}"), soft_wrap=True)


def print_failed(console: Console, failed: Sequence[tuple[Path, str]], images: int, most: int = 20) -> None:
    """List images that failed, with the reasons; nothing if none did."""
    if not failed:
        return
    print_text(console, f"{len(failed)} of {images} images failed:")
    for path, reason in failed[:most]:
        print_line(console, f"  {path}: {reason}")
    if len(failed) > most:
        print_text(console, f"  ... and {len(failed) - most} more")


def print_table(console: Console, table: Table) -> None:
    """Print a table: one line per row, aligned columns, two spaces apart; in a terminal, a rule below the headings."""
    cells = (table.headings, *(row.texts for row in table.rows))
    lines = [[printable(console, _one_line(text)) for text in texts] for texts in cells]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    _narrow(widths, table.names, console.width)
    head, *body = [printable(console, _line(texts, widths, table.names)) for texts in lines]
    console.print()
    if table.title:
        print_text(console, table.title, style="bold")
    console.print(Text(head, "bold"), soft_wrap=True)
    if console.is_terminal:
        rule = printable(console, "─" * (sum(widths) + len(GAP) * (len(widths) - 1)))
        console.print(Text(rule, "dim"), soft_wrap=True)
    for row, line in zip(table.rows, body, strict=True):
        console.print(Text(line, "bold" if row.strong else ""), soft_wrap=True)
    for paragraph in table.legend:
        print_text(console, paragraph, indent=GAP, style="dim")


def _one_line(text: str) -> str:
    return " ".join(text.split()) or "-"


def _narrow(widths: list[int], names: int, room: int) -> None:
    """Take columns of the screen from the widest name until the table fits ``room``."""
    while sum(widths) + len(GAP) * (len(widths) - 1) > room:
        widest = max(range(names), key=lambda k: widths[k])
        if widths[widest] <= SHORTEST:
            return
        widths[widest] -= 1


def _line(texts: Sequence[str], widths: Sequence[int], names: int) -> str:
    padded = []
    for place, (text, width) in enumerate(zip(texts, widths, strict=True)):
        text = shorten(text, width) if place < names else text
        space = " " * (width - cell_len(text))
        padded.append(text + space if place < names else space + text)
    return GAP.join(padded).rstrip()
