"""Run commands in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from samtailor.cli import main


@dataclass
class Ran:
    """Exit code of a command and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run a command as ``samtailor ARGS`` does, but in this process, because importing torch takes seconds."""

    def run(*args: str | Path, cache: Path | None = None) -> Ran:
        monkeypatch.setattr(sys, "argv", ["samtailor", *map(str, args)])
        if cache:
            monkeypatch.setenv("SAMTAILOR_CACHE", str(cache))
        with pytest.raises(SystemExit) as ended:
            main()
        return Ran(int(ended.value.code or 0), *capsys.readouterr())

    return run
