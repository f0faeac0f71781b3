"""Print the rooms of the package, their floors, and how many arrows (imports between rooms) there are.

python tools/rooms.py [SRC]     SRC defaults to src/samtailor

A room is a file or a folder directly in SRC. A room's floor is one more than the highest floor that it imports.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "samtailor"


def imported_modules(path: Path) -> Iterator[str]:
    """Modules of the package that a file imports, wherever the import is written."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
            yield node.module.removeprefix(f"{PACKAGE}.")
        elif isinstance(node, ast.Import):
            yield from (a.name.removeprefix(f"{PACKAGE}.") for a in node.names if a.name.startswith(f"{PACKAGE}."))


def arrows(source: Path) -> dict[str, set[str]]:
    """Room -> the rooms that it imports."""
    rooms: dict[str, set[str]] = {}
    for path in source.rglob("*.py"):
        room = path.relative_to(source).parts[0].removesuffix(".py")
        targets = {name.partition(".")[0] for name in imported_modules(path)}
        rooms.setdefault(room, set()).update(targets - {room})
    return {room: targets & rooms.keys() for room, targets in rooms.items()}


def floors(rooms: dict[str, set[str]]) -> dict[str, int]:
    """Room -> floor; the ground floor is 0.

    Raises:
        RecursionError: rooms import each other in a circle.
    """

    def floor(room: str) -> int:
        return max((floor(target) + 1 for target in rooms[room]), default=0)

    return {room: floor(room) for room in rooms}


def main() -> None:
    rooms = arrows(Path(sys.argv[1] if len(sys.argv) > 1 else "src/samtailor"))
    levels = floors(rooms)
    for level in range(max(levels.values()), -1, -1):
        print(f"floor {level}: {', '.join(sorted(room for room, own in levels.items() if own == level))}")
    print(f"{len(rooms)} rooms, {max(levels.values()) + 1} floors, {sum(map(len, rooms.values()))} arrows")


if __name__ == "__main__":
    main()
