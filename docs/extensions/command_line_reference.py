"""Sphinx extension: the ``{command-line-reference}`` directive shows the help of every command.

The text is what ``samtailor COMMAND --help`` prints in a terminal of 80 columns.
"""

from __future__ import annotations

from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.testing import CliRunner

_TERMINAL = {"COLUMNS": "80", "TERMINAL_WIDTH": "80", "NO_COLOR": "1"}


def help_text(app: typer.Typer, *command: str) -> str:
    """Return the help of a command; without one, the help of the program."""
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="samtailor", env=_TERMINAL)
    if result.exit_code:
        raise RuntimeError(f"samtailor {' '.join(command)} --help failed: {result.output}")
    return result.output.strip("\n")


def command_names(app: typer.Typer) -> list[str]:
    """Return the names of the commands, in the order in which the help lists them."""
    return [
        command.name or command.callback.__name__.replace("_", "-")
        for command in app.registered_commands
        if command.callback and not command.hidden
    ]


class CommandLineReference(SphinxDirective):
    """A section for each command, with its help."""

    def run(self) -> list[nodes.Node]:
        from samtailor.cli import app

        sections: list[nodes.Node] = [_literal(help_text(app))]
        for name in command_names(app):
            section = nodes.section(ids=[nodes.make_id(f"samtailor-{name}")])
            section += nodes.title(text=f"samtailor {name}")
            section += _literal(help_text(app, name))
            sections.append(section)
        return sections


def _literal(text: str) -> nodes.literal_block:
    return nodes.literal_block(text, text, language="text")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("command-line-reference", CommandLineReference)
    return {"parallel_read_safe": True}
