"""Snapshots of the public API and of each help text. To accept a change:

REWRITE_SNAPSHOTS=1 pytest -q tests/cli/test_snapshots.py
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import samtailor
from tests.cli.conftest import Ran

SNAPSHOTS = Path(__file__).parent / "snapshots"
COMMANDS = (
    "inspect",
    "convert",
    "encode",
    "cache",
    "fit",
    "evaluate",
    "report",
    "show",
    "predict",
    "fit-automatic",
    "segment",
    "bases",
    "demo",
    "doctor",
)


def check(name: str, text: str) -> None:
    """Compare a text with its snapshot, or write the snapshot."""
    path = SNAPSHOTS / name
    if os.environ.get("REWRITE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path.name} changed; if you mean it: see {Path(__file__).name}"


def signature(name: str, function: Callable[..., Any], indent: str) -> Iterator[str]:
    """Lines of a signature: one per parameter."""
    described = inspect.signature(function)
    result = "" if described.return_annotation in (inspect.Signature.empty, "None") else described.return_annotation
    yield f"{indent}{name}{f' -> {result}' if result else ''}"
    for parameter in described.parameters.values():
        if parameter.name != "self":
            value = parameter.default
            default = "" if value is parameter.empty else f" = {getattr(value, '__name__', repr(value))}"
            star = "" if parameter.kind is not parameter.KEYWORD_ONLY else "(keyword) "
            yield f"{indent}    {star}{parameter.name}: {parameter.annotation}{default}"


def described(name: str) -> Iterator[str]:
    """Lines on one public name: its signature, and its methods and properties if it is a class."""
    public = getattr(samtailor, name)
    assert public.__name__ == name
    if inspect.isclass(public) and issubclass(public, Warning):
        yield name  # a warning has no signature of its own
        return
    yield from signature(name, public, "")
    for attribute, value in vars(public).items() if inspect.isclass(public) else ():
        if attribute.startswith("_"):
            continue
        if inspect.isfunction(value):
            yield from signature(f".{attribute}", value, "    ")
        elif isinstance(value, property):
            yield f"    .{attribute} (property)"


def test_the_public_api_is_the_snapshot() -> None:
    check("api.txt", "".join(f"{line}\n" for name in samtailor.__all__ for line in described(name)))


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_each_help_text_is_the_snapshot_at_80_columns(
    command: str | None, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run(*([command] if command else []), "--help").stdout.replace(
        "--help, -h", "-h, --help"
    )  # click keeps the two in a set
    assert max(map(len, text.splitlines())) <= 80
    assert "docs/" not in text, "a user who installed the package does not have this folder"
    check(f"help/{command or 'samtailor'}.txt", text)


def test_every_public_name_has_a_docstring() -> None:
    for name in samtailor.__all__:
        assert inspect.getdoc(getattr(samtailor, name)), name
