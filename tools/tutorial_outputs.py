"""Run the commands of a tutorial and replace the outputs that the page shows by the real ones.

    python tools/tutorial_outputs.py [PAGE ...]      # default: docs/tutorials/first-adapter.md

A page contains steps and outputs. A step is a code block in the language ``bash`` (one ``samtailor`` command per line)
or ``python``. An output is a code block in the language ``text`` under the comment ``<!-- output: COMMAND -->``, where
COMMAND is a command of an earlier step, or ``python`` for the Python step before it.

The steps run in order, in an empty folder with an empty cache and a terminal of 80 columns.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "tutorials" / "first-adapter.md"
PYTHON_STEP = "python"

_STEP = re.compile(r"^```(?P<language>bash|python)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_OUTPUT = re.compile(
    r"(?P<head>^<!-- output: (?P<command>[^\n]+?) -->\n+```text\n)(?P<shown>.*?)(?P<end>^```$)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Step:
    """One thing that a reader of the page runs.

    Attributes:
        name: the command as the page shows it, or ``python``.
        code: the command, or the Python code.
        end: where its code block ends on the page, in characters.
    """

    name: str
    code: str
    end: int


def steps(page: str) -> list[Step]:
    """Return the steps of a page, in order."""
    found: list[Step] = []
    for block in _STEP.finditer(page):
        if block["language"] == "python":
            found.append(Step(PYTHON_STEP, block["code"], block.end()))
            continue
        lines = (line.partition(" #")[0].strip() for line in block["code"].splitlines())
        found += [Step(line, line, block.end()) for line in lines if line]
    return found


def output_commands(page: str) -> list[str]:
    """Return the commands whose outputs the page shows, in order."""
    return [block["command"] for block in _OUTPUT.finditer(page)]


def run(step: Step, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a step in ``folder`` and return what it prints.

    Raises:
        RuntimeError: the step exits with an error.
    """
    words = ["-c", step.code] if step.name == PYTHON_STEP else ["-m", *shlex.split(step.code)]
    result = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{step.code}\nexits with {result.returncode}:\n{result.stdout}{result.stderr}")
    return "\n".join(line.rstrip() for line in result.stdout.strip("\n").splitlines()) + "\n"


def replace_outputs(page: str, outputs: list[tuple[Step, str]]) -> str:
    """Return the page with the outputs of its steps.

    Raises:
        ValueError: the page shows the output of a command that no step before it runs.
    """

    def replaced(block: re.Match[str]) -> str:
        texts = [text for step, text in outputs if step.name == block["command"] and step.end <= block.start()]
        if not texts:
            raise ValueError(f"No step before its output runs: {block['command']}")
        return f"{block['head']}{texts[-1]}{block['end']}"

    return _OUTPUT.sub(replaced, page)


def main() -> None:
    parser = argparse.ArgumentParser(description="Replace the outputs on tutorial pages by the real ones.")
    parser.add_argument("pages", nargs="*", type=Path, default=[PAGE])
    for path in parser.parse_args().pages:
        page = path.read_text()
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"COLUMNS": "80", "SAMTAILOR_CACHE": str(Path(folder) / "cache")}
            outputs = []
            for step in steps(page):
                print(f"$ {step.code}", flush=True)
                outputs.append((step, run(step, Path(folder), environment)))
                print(outputs[-1][1], flush=True)
        path.write_text(replace_outputs(page, outputs))


if __name__ == "__main__":
    main()
