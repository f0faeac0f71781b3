"""Read and write the committed results, which are files of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.records.staleness import changed_settings
from experiments.specs.run import Run
from samtailor.machine.files import append_json

__all__ = ["Lines", "lines_of", "without_paths"]


class Lines:
    """The lines of one config; if several lines have the same ``kind`` and ``id``, the last one counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        for line in (path.read_text() if path.is_file() else "").splitlines():
            try:
                row = json.loads(line)
                self._rows[row["kind"], row["id"]] = row
            except (ValueError, KeyError, TypeError):  # an incomplete line: a driver was killed, or is writing it now
                continue

    def get(self, kind: str, id: str) -> dict[str, Any] | None:
        """The line with this kind and id, or None."""
        return self._rows.get((kind, id))

    def of_run(self, run: Run) -> dict[str, Any] | None:
        """The run's line; None if there is none, or if its fit had settings that differ from the run's today."""
        line = self.get("run", run.id)
        return None if line is None or changed_settings(line.get("fit"), run) else line

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All lines of this kind."""
        return [row for (k, _), row in self._rows.items() if k == kind]

    def add(self, row: dict[str, Any]) -> None:
        """Append a line to the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_file() and self.path.read_bytes()[-1:] not in (b"", b"\n"):
            with self.path.open("a") as file:  # the last line is incomplete: start a new one
                file.write("\n")
        append_json(self.path, row)
        self._rows[row["kind"], row["id"]] = json.loads(json.dumps(row))


def lines_of(configs: Iterable[str], results: Path) -> dict[str, Lines]:
    """Read the lines of several configs; keys are the configs' names."""
    return {name: Lines(results / f"{name}.jsonl") for name in configs}


def without_paths(value: Any, places: Mapping[str, Path]) -> Any:
    """Replace the paths of this machine in all texts of ``value``, because lines are published.

    Args:
        value: a value of JSON types.
        places: a word for each path; ``{"out": Path("/x")}`` turns ``/x/a`` into ``<out>/a``.
    """
    words = {str(p): f"<{name}>" for name, path in places.items() for p in (path, path.absolute(), path.resolve())}
    return _replaced(value, sorted(((p, w) for p, w in words.items() if len(p) > 1), key=lambda pair: -len(pair[0])))


def _replaced(value: Any, words: Iterable[tuple[str, str]]) -> Any:
    if isinstance(value, dict):
        return {k: _replaced(v, words) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(v, words) for v in value]
    if isinstance(value, str):
        for path, word in words:
            value = value.replace(path, word)
    return value
