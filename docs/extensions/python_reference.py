"""Sphinx extension: the ``{python-reference}`` directive documents every public name of the package.

The names are those of ``samtailor.__all__``; their texts are the docstrings.
"""

from __future__ import annotations

import inspect
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def autodoc_directive(name: str, value: object) -> list[str]:
    """Return the lines of reStructuredText that document one public name."""
    if inspect.isclass(value) and issubclass(value, BaseException):
        return [f".. autoexception:: samtailor.{name}"]
    if inspect.isclass(value):
        return [f".. autoclass:: samtailor.{name}", "   :members:"]
    if callable(value):
        return [f".. autofunction:: samtailor.{name}"]
    return [f".. autodata:: samtailor.{name}"]


class PythonReference(SphinxDirective):
    """One entry for each public name: verbs first, then classes, in alphabetical order."""

    def run(self) -> list[nodes.Node]:
        import samtailor

        values = {name: getattr(samtailor, name) for name in samtailor.__all__}
        lines: list[str] = []
        for name in sorted(values, key=lambda name: (inspect.isclass(values[name]), name)):
            lines += [*autodoc_directive(name, values[name]), ""]
        return self.parse_text_to_nodes("\n".join(["````{eval-rst}", *lines, "````"]))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("python-reference", PythonReference)
    return {"parallel_read_safe": True}
