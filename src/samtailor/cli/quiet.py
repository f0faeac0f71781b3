"""``--quiet``, which every command has."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

__all__ = ["with_quiet"]

QuietOption = Annotated[
    bool, typer.Option("-q", "--quiet", help="Print nothing but errors, and what `--json -` asks for.")
]


def with_quiet(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command: it gets the option ``--quiet``."""
    signature = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def run(*, quiet: bool, **values: Any) -> None:
        from samtailor.cli.output import be_quiet

        be_quiet(quiet)
        command(**values)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [parameter.replace(kind=keyword) for parameter in signature.parameters.values()]
    parameters.append(inspect.Parameter("quiet", keyword, default=False, annotation=QuietOption))
    del run.__wrapped__  # typer would read the signature from there
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
