"""Print a table of several run folders: steps, seconds, and the first, best and last validation score of each.

python tools/fit_curves.py runs/a runs/b [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

HEADING = ("run", "task", "method", "seed", "batch", "mask", "cells", "precision")
HEADING += ("steps", "seconds", "base", "best (step)", "last")


def curve(run: Path) -> dict[str, Any]:
    """Return the settings and validation scores of a run."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    card = json.loads((run / "adapter.json").read_text())
    keys = ("step", "seconds", "val_miou")
    validations = [{key: row[key] for key in keys} for row in rows if "val_miou" in row]
    settings = card["fit"]["settings"]
    return {
        "run": run.name,
        "task": card["task"]["name"],
        "method": card["method"],
        "seed": settings["seed"],
        "lr": settings.get("lr"),
        "batch": settings.get("batch"),
        "mask_token": card.get("mask_token", 0),
        "cells": settings.get("cells"),
        "precision": settings.get("precision"),
        "steps": card["fit"]["steps"],
        "seconds": card["seconds"],
        "commit": card.get("commit"),
        "validations": validations,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that `samtailor fit` wrote")
    parser.add_argument("--json", type=Path, help="also write all settings and scores to this file")
    args = parser.parse_args()
    curves = [curve(run) for run in args.runs]
    print(f"| {' | '.join(HEADING)} |")
    print("|---" * len(HEADING) + "|")
    for c in curves:
        scores = c["validations"]
        best = max(scores, key=lambda v: v["val_miou"])
        settings = (c["method"], c["seed"], c["batch"], c["mask_token"], c["cells"], c["precision"])
        entries = (c["run"], c["task"], *settings, c["steps"], f"{c['seconds']:.0f}")
        entries += (
            f"{scores[0]['val_miou']:.3f}",
            f"{best['val_miou']:.3f} ({best['step']})",
            f"{scores[-1]['val_miou']:.3f}",
        )
        print(f"| {' | '.join(map(str, entries))} |")
    if args.json:
        args.json.write_text(json.dumps(curves, indent=1) + "\n")


if __name__ == "__main__":
    main()
