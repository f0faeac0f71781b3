"""Options of ``fit`` that come from ``FitConfig``: names, defaults, help texts and ranges are written there alone."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from samtailor.cli.expanding import expand
from samtailor.fitting.config import DEFAULT_MINUTES, RANGES, FitConfig

__all__ = ["attribute_texts", "with_settings"]

LEFT_OUT = ("losses", "method_options")
"""Fields that are not one value; ``--method-option`` sets the latter."""

FIRST = ("method", "prompts", "minutes", "epochs", "steps", "seed", "lr")
"""The options that most users need, in the order of the help; all others come under a heading."""

HEADING = "Details of training"

METAVARS = {"method": "NAME", int: "N", float: "X"}
DEFAULT_TEXTS = {"minutes": f"{DEFAULT_MINUTES}, or no limit with --epochs or --steps"}


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command: it gets an option for each simple field of ``FitConfig``, whose values it receives as a dict.

    Args:
        command: a function with a parameter ``settings``, in whose place the options appear.
    """
    fields = {name: kind for name, kind in get_type_hints(FitConfig).items() if name not in LEFT_OUT}
    order = [*FIRST, *(name for name in fields if name not in FIRST)]
    return expand(command, "settings", [_option(name, fields[name]) for name in order], dict)


def attribute_texts(documented: type) -> dict[str, str]:
    """Return name -> text of the ``Attributes`` section of a class's docstring; empty if Python strips docstrings."""
    section = inspect.cleandoc(documented.__doc__ or "").partition("\nAttributes:\n")[2]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _option(name: str, kind: Any) -> inspect.Parameter:
    text, _, none = attribute_texts(FitConfig).get(name, "").partition("None: ")
    default, accepted = getattr(FitConfig, name), RANGES.get(name)
    number = next((k for k in (float, int) if k in (kind, *get_args(kind))), None)
    words = get_args(kind) if get_origin(kind) is Literal else ()
    shown = str(default) if default is not None else DEFAULT_TEXTS.get(name) or none.strip().removesuffix(".")
    closed = accepted is not None and not accepted.above  # typer knows no open ranges; FitConfig checks them
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=text.strip(),
        show_default=f"{shown}; {accepted}" if accepted else shown,
        min=accepted.low if accepted and closed else None,
        max=accepted.high if accepted and closed and math.isfinite(accepted.high) else None,
        metavar="|".join(words) or METAVARS.get(name) or METAVARS.get(number, "TEXT"),
        rich_help_panel=None if name in FIRST else HEADING,
    )
    typed = number or str  # words too: FitConfig's message says more than typer's
    optional = typed if default is not None else typed | None
    annotation: Any = Annotated[optional, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
