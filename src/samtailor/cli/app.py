"""The command line: one file per command. Heavy imports happen inside the commands, so that ``--help`` is instant."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from typing import Annotated

import typer

from samtailor.cli.cache import cache
from samtailor.cli.convert import convert
from samtailor.cli.demo import demo
from samtailor.cli.encode import encode
from samtailor.cli.evaluate import evaluate
from samtailor.cli.fit import fit
from samtailor.cli.help import Command
from samtailor.cli.inspect import inspect
from samtailor.cli.predict import predict
from samtailor.cli.report import report
from samtailor.errors import SamtailorError

__all__ = ["app", "main"]

app = typer.Typer(
    name="samtailor",
    help="Train a small adapter for Segment Anything on your data, measure what it gains, and use it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Train a small adapter for Segment Anything on your data, measure what it gains, and use it."""
    if version:
        print(f"samtailor {metadata.version('samtailor')}")
        raise typer.Exit


for command in (inspect, convert, encode, cache, fit, evaluate, report, predict, demo):
    summary = (command.__doc__ or "").partition("\n")[0]
    app.command(cls=Command, short_help=summary)(command)


def main() -> None:
    """Run the command line. An error that the user can fix is one message and exit code 2, without a traceback."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # bars of other libraries
    try:
        app()
    except SamtailorError as error:
        from rich.text import Text

        from samtailor.cli.output import make_console

        console = make_console(stderr=True)
        console.print(Text.assemble(("Error:", "bold red"), f" {error.what}"), soft_wrap=True)
        if error.hint:
            console.print(Text(f"       {error.hint}"), soft_wrap=True)
        sys.exit(2)
