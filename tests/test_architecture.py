"""No room imports from a room above it; see docs/architecture.md."""

from __future__ import annotations

import ast
import re
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
    "opening": 7,
    "fitting": 8,
    "automatic": 8,
    "prediction": 8,
    "evaluation": 8,
    "doctor": 9,
    "encode": 9,
    "fit": 9,
    "evaluate": 9,
    "predict": 9,
    "segment": 9,
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


def _imports_at_import_time(path: Path) -> set[str]:
    """Modules imported when the file is loaded: not inside functions, not for type checkers."""
    names: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        nodes += ast.iter_child_nodes(node)
    return names


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


def test_rooms_of_experiments_import_downwards() -> None:
    """``running`` and ``pages`` share ``specs`` and ``records``, and never import each other."""
    below = {"specs": set(), "records": {"specs"}, "running": {"specs", "records"}, "pages": {"specs", "records"}}
    for room, allowed in below.items():
        paths = list((Path(__file__).parents[1] / "experiments" / room).glob("*.py"))
        assert paths
        for path in paths:
            imported = set(re.findall(r"^\s*(?:from|import) experiments\.(\w+)", path.read_text(), re.MULTILINE))
            assert imported <= {room, "log", *allowed}, f"experiments/{room}/{path.name}"


def test_files_stay_small() -> None:
    long = {str(p.relative_to(ROOT)): n for p in ROOT.rglob("*.py") if (n := len(p.read_text().splitlines())) > 400}
    assert not long


def test_no_files_import_each_other_in_a_circle() -> None:
    modules = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        modules[".".join(p for p in parts if p != "__init__")] = path
    imports = {name: _imports_at_import_time(path) & modules.keys() for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"imports in a circle: {' -> '.join([*trail[trail.index(name) :], name])}"
        if name not in done:
            for other in sorted(imports[name]):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(modules):
        visit(name, ())


def test_functions_take_few_parameters() -> None:
    """More than seven need a reason in a comment on the line of the definition."""
    faults = []
    for path in ROOT.rglob("*.py"):
        text = path.read_text()
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                count = len([name for name in names if name not in ("self", "cls")])
                if count > 7 and "# more than seven parameters:" not in lines[node.lineno - 1]:
                    faults.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} takes {count}")
    assert not faults
