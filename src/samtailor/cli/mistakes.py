"""Print what a user got wrong, with the word that was probably meant."""

from __future__ import annotations

from typing import Any

import typer

from samtailor.machine.text import close_word

__all__ = ["UsageError", "explain_usage", "print_mistake"]

UsageError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
"""The class of all errors in the words of a command; some versions of typer bring their own copy of click."""


def print_mistake(what: str, hint: str = "") -> None:
    """Print an error on the standard error stream.

    Args:
        what: what came and what was expected; may have several lines.
        hint: what to do; may be empty.
    """
    from samtailor.cli.output import make_console, print_text

    console = make_console(stderr=True, errors=True)
    if not console.is_terminal:  # a log is searched by line
        console.width = 10**6
    print_text(console, f"Error: {what}", style="bold red", styled="Error:")
    if hint:
        print_text(console, hint, indent="       ")


def explain_usage(error: Any) -> None:
    """Print an error in the words of a command: unknown options and commands, missing and superfluous words."""
    context = error.ctx
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    what, hint = error.format_message(), ""
    if context is not None:
        hint = f"`{context.command_path} --help` lists the options."
        what = _with_close_word(error, context) or what
    print_mistake(what if what.endswith((".", "?")) else f"{what}.", hint)


def _with_close_word(error: Any, context: Any) -> str:
    """Return a message with the option or command that was probably meant; empty for other errors."""
    name = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption" and name:
        known = [
            word for option in context.command.get_params(context) for word in (*option.opts, *option.secondary_opts)
        ]
        close = close_word(name, [word for word in known if word.startswith("--")])
        what = f"{context.command_path} has no option {name}."
        return f"{what} Did you mean {close}?" if close else what
    commands = getattr(context.command, "commands", {})
    if commands and error.message.startswith("No such command"):
        word = error.message.partition("'")[2].partition("'")[0]
        close = close_word(word, commands)
        what = f"There is no command {word!r}; expected one of {', '.join(commands)}."
        return f"{what} Did you mean {close!r}?" if close else what
    return ""
