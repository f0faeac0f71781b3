"""Progress of the public functions: bars in a terminal or a notebook, nothing in a pipe, events for a function."""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from samtailor import EmbeddingCache, encode_images, evaluate_task, fit_task, inspect_task, measure_run
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.fitting.progress import Validated
from samtailor.machine import display
from samtailor.machine.display import ProgressDisplay, showing
from samtailor.machine.progress import Count, Event, Note, silent
from tests.api.conftest import SHORT


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def _open_terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """Put a terminal of 100 columns in the place of stderr; a fixture would come before pytest's own stream."""
    file = _Terminal()
    monkeypatch.setattr(sys, "stderr", file)
    for name, value in (("TERM", "xterm-256color"), ("COLUMNS", "100")):
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE", "CI"):
        monkeypatch.delenv(name, raising=False)
    return file


VERBS: dict[str, tuple[Callable[..., object], str]] = {
    "fit": (lambda t, b, r, c, out, **o: fit_task(t, b, out, SHORT, cache=c, **o), "val mIoU"),
    "evaluate": (lambda t, b, r, c, out, **o: evaluate_task(t, b, r, cache=c, **o), "Evaluating on"),
    "measure": (lambda t, b, r, c, out, **o: measure_run(r, t, base=b, cache=c, **o), "Evaluating on"),
    "inspect": (lambda t, b, r, c, out, **o: inspect_task(t, **o), "Reading"),
    "encode": (lambda t, b, r, c, out, **o: encode_images(b, t, c, **o), "Encoding"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_shows_progress_in_a_terminal_alone(
    verb: str,
    shapes: Task,
    tiny_sam: Base,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call, words = VERBS[verb]
    terminal = _open_terminal(monkeypatch)

    def shown(**options: Any) -> str:
        terminal.seek(0)
        terminal.truncate()
        number = len(list(tmp_path.iterdir()))
        cache = EmbeddingCache(tmp_path / f"cache{number}")
        call(shapes, tiny_sam, run, cache, tmp_path / f"run{number}", **options)
        return terminal.getvalue()

    assert words in shown()
    assert words in shown(progress=True)
    assert shown(progress=False) == ""
    events: list[Event] = []
    assert shown(progress=events.append) == "" and events
    assert any(isinstance(e, Validated if verb == "fit" else Count) for e in events)
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert shown() == shown(progress=True) == ""
    assert capsys.readouterr().out == ""


def test_a_notebook_shows_bars_or_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _open_terminal(monkeypatch)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ipywidgets" else found(name))
    now = [100.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    with showing(True) as progress:
        for done in range(13):
            progress(Count("Encoding", done, 100))
            now[0] += 1
    assert terminal.getvalue().splitlines() == ["Encoding: 5 of 100", "Encoding: 10 of 100"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: sys if name == "ipywidgets" else found(name))
    console = display._console()
    assert console is not None and console.is_jupyter


def test_without_a_stream_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with showing(True) as progress:
        assert progress is silent


def test_texts_cannot_steer_the_terminal_and_fit_its_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _open_terminal(monkeypatch)
    with showing(True) as progress:
        progress(Note("class \x1b]0;title\x07 \x9b2J done"))
        progress(Count("Evaluating on \x1b[2J", 1, 2))
    assert "\x1b]0" not in terminal.getvalue() and "\x1b[2J" not in terminal.getvalue()
    raw = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with ProgressDisplay(Console(file=raw, force_terminal=True)) as shown:
        shown(Note("Zellkérn 細胞"))
        shown(Count("Evaluating on a dataset of Zellkérne with a long name", 1, 2))
    raw.flush()
    written = raw.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "Zellk" in written and "1/2" in written


def test_a_progress_function_that_fails_stops_the_work(shapes: Task) -> None:
    def fail(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inspect_task(shapes, progress=fail)
