"""Markdown tables out of evaluation files, so that no figure in docs/results.md is typed by hand."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def table(found: dict[str, Any], per_class: bool) -> str:
    """One row per method; with ``per_class`` a second table of one row per class."""
    p = found["prompts"]
    lines = [
        f"{found['task']}, {found['split']} split, {p['per_instance']} {p['kind']} per instance, seed {p['seed']}, "
        f"base {found['base']['name']} `{found['base']['fingerprint'][:16]}`",
        "",
        "| method | miou | iou_instances | n |",
        "|---|---|---|---|",
    ]
    lines += [f"| {r['method']} | {r['miou']:.3f} | {r['iou_instances']:.3f} | {r['n']} |" for r in found["rows"]]
    if per_class:
        methods = [r["method"] for r in found["rows"]]
        lines += ["", f"| class | n | {' | '.join(methods)} |", "|---|---|" + "---|" * len(methods)]
        for label, first in found["rows"][0]["per_class"].items():
            scores = " | ".join(f"{r['per_class'][label]['iou']:.3f}" for r in found["rows"])
            lines.append(f"| {label} | {first['n']} | {scores} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="what `samtailor evaluate --json` wrote")
    args = parser.parse_args()
    for path in args.files:
        found = json.loads(path.read_text())
        print(table(found, per_class=len(found["rows"][0]["per_class"]) > 1), end="\n\n")


if __name__ == "__main__":
    main()
