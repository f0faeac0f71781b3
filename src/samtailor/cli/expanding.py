"""Give a command the options of a whole group in place of one parameter."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["expand"]


def expand(
    command: Callable[..., None],
    name: str,
    options: Sequence[inspect.Parameter],
    collect: Callable[[dict[str, Any]], Any],
) -> Callable[..., None]:
    """Replace a parameter of a command by the options of a group.

    Args:
        command: has a parameter ``name``.
        name: of the parameter.
        options: appear in its place, in this order.
        collect: option -> value of the group; makes the value that the command receives as ``name``.
    """
    signature = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def run(**values: Any) -> None:
        collected = collect({option.name: values.pop(option.name) for option in options})
        command(**values, **{name: collected})

    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name == name:
            parameters += options
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    del run.__wrapped__  # typer would read the signature from there
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
