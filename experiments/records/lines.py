"""Results as JSON lines: the files that are committed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.records.staleness import changes
from experiments.specs.run import Run
from samtailor.machine.files import append_json

__all__ = ["Lines", "lines_of", "without_paths"]


class Lines:
    """The lines of one config; of several with one ``kind`` and ``id`` the last counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: dict[tuple[str, str], dict[str, Any]] = {}
        for line in (path.read_text() if path.is_file() else "").splitlines():
            try:
                row = json.loads(line)
                self._found[row["kind"], row["id"]] = row
            except (ValueError, KeyError, TypeError):  # cut in two by a kill, or another driver is writing it
                continue

    def get(self, kind: str, id: str) -> dict[str, Any] | None:
        return self._found.get((kind, id))

    def of_run(self, run: Run) -> dict[str, Any] | None:
        """The run's line, unless its fit had settings that the same config would not give it now."""
        line = self.get("run", run.id)
        return None if line is None or changes(line.get("fit"), run) else line

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [row for (k, _), row in self._found.items() if k == kind]

    def add(self, row: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_file() and self.path.read_bytes()[-1:] not in (b"", b"\n"):
            with self.path.open("a") as file:  # behind a line that a kill cut in two
                file.write("\n")
        append_json(self.path, row)
        self._found[row["kind"], row["id"]] = json.loads(json.dumps(row))


def lines_of(configs: Iterable[str], results: Path) -> dict[str, Lines]:
    """By the config's name."""
    return {name: Lines(results / f"{name}.jsonl") for name in configs}


def without_paths(value: Any, places: Mapping[str, Path]) -> Any:
    """``value`` with the places of this machine named instead: messages go into a repository that others read."""
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
