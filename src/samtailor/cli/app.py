"""The command line: one file per command. Heavy imports happen inside the commands, so that ``--help`` is instant."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from samtailor.cli.bases import bases
from samtailor.cli.cache import cache
from samtailor.cli.convert import convert
from samtailor.cli.demo import demo
from samtailor.cli.doctor import doctor
from samtailor.cli.encode import encode
from samtailor.cli.evaluate import evaluate
from samtailor.cli.exit_codes import ExitCode
from samtailor.cli.fit import fit
from samtailor.cli.help import Command
from samtailor.cli.inspect import inspect
from samtailor.cli.mistakes import UsageError, explain_usage, print_mistake
from samtailor.cli.predict import predict
from samtailor.cli.quiet import with_quiet
from samtailor.cli.report import report
from samtailor.cli.segment import fit_automatic, segment
from samtailor.cli.show import show
from samtailor.errors import SamtailorError
from samtailor.machine.text import register_replacements

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


for command in (
    inspect,
    convert,
    encode,
    cache,
    fit,
    evaluate,
    report,
    show,
    predict,
    fit_automatic,
    segment,
    bases,
    demo,
    doctor,
):
    summary = (command.__doc__ or "").partition("\n")[0]
    app.command(command.__name__.replace("_", "-"), cls=Command, short_help=summary)(with_quiet(command))


def main() -> None:
    """Run the command line. An error that the user can fix is one message and exit code 2, without a traceback.

    ``ExitCode`` lists all exit codes.
    """
    os.environ.setdefault("TQDM_DISABLE", "1")  # bars of other libraries
    _write_any_text()
    code: int = ExitCode.DONE
    try:
        group: Any = typer.main.get_command(app)
        with group.make_context("samtailor", sys.argv[1:]) as context:  # its main() has other exit codes than we have
            group.invoke(context)
        sys.stdout.flush()
    except typer.Exit as ended:
        code = ended.exit_code
    except SamtailorError as error:
        print_mistake(error.what, error.hint)
        code = ExitCode.MISTAKE
    except UsageError as error:
        explain_usage(error)
        code = ExitCode.MISTAKE
    except (KeyboardInterrupt, typer.Abort):
        print_mistake("Interrupted.", "What was computed is kept.")
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 (for the last flush of Python)
        code = ExitCode.PIPE_CLOSED
    sys.exit(int(code))


def _write_any_text() -> None:
    """Make the output streams replace what they cannot encode, also for texts that other libraries print."""
    handler = register_replacements()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=handler)
