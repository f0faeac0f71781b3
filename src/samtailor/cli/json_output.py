"""Write JSON where ``--json`` says: to a file, or with ``-`` to the standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["STDOUT", "JsonOption", "console_beside", "write_output"]

STDOUT = Path("-")

JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Also write all figures to this JSON file; - writes them to the standard output, and all else to the "
        "standard error stream.",
    ),
]


def console_beside(target: Path | None) -> Console:
    """Return the console for texts and tables: of the standard error stream if JSON goes to the standard output."""
    from samtailor.cli.output import make_console

    return make_console(stderr=target == STDOUT)


def write_output(target: Path | None, content: Any, console: Console) -> None:
    """Write JSON.

    Args:
        target: a file, ``-`` for the standard output, or None to write nothing.
        content: JSON types; NaN and infinity become null.
        console: where to name the file.
    """
    from samtailor.cli.output import print_line
    from samtailor.machine.files import as_json, write_json

    if target is None:
        return
    if target == STDOUT:
        print(as_json(content), file=sys.stdout, flush=True)
        return
    write_json(target, content)
    print_line(console, f"Written to {target}")
