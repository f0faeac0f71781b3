"""No room imports from a room above it; see docs/architecture.md."""

from __future__ import annotations

import ast
from pathlib import Path

import samtailor

ROOT = Path(samtailor.__file__).parent

# Lower number = lower floor; a file may import from its own floor or below. Longest match counts.
FLOORS = {
    "errors": 0,
    "machine": 1,
    "frames": 1,
    "data": 2,
    "prompts": 2,
    "metrics": 2,
    "losses": 3,
    "drawing": 3,
    "bases": 4,
    "embeddings": 5,
    "adapters": 6,
    "runs": 7,
    "fitting": 8,
    "evaluation": 8,
    "encode": 9,
    "fit": 9,
    "evaluate": 9,
    "predict": 9,
    "report": 10,
    "cli": 11,
    "__main__": 12,
}


def _floor(module: str) -> int:
    name = module.removeprefix("samtailor.")
    matches = [k for k in FLOORS if name == k or name.startswith(k + ".")]
    assert matches, f"{module} stands on no floor: add it to FLOORS and to docs/architecture.md"
    return FLOORS[max(matches, key=len)]


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("samtailor."):
            found.add(node.module)
        elif isinstance(node, ast.ImportFrom) and node.module == "samtailor":
            found |= {f"samtailor.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("samtailor.")}
    return found


def test_no_room_reaches_upwards() -> None:
    faults = []
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(p for p in parts if p != "__init__")
        if not module:
            continue  # the package's own front door
        for other in _imports(path):
            if _floor(other) > _floor(module):
                faults.append(f"{module} imports {other}")
    assert not faults


def test_files_stay_small() -> None:
    long = {str(p.relative_to(ROOT)): n for p in ROOT.rglob("*.py") if (n := len(p.read_text().splitlines())) > 400}
    assert not long
