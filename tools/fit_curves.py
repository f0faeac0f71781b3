"""One table out of several run folders: steps, seconds, the best and the last validation score of each.

python tools/fit_curves.py runs/a runs/b [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

HEADS = ("run", "task", "method", "seed", "batch", "mask", "cells", "precision")
HEADS += ("steps", "seconds", "base", "best (step)", "last")


def curve(run: Path) -> dict[str, Any]:
    """Settings and validation scores of a run."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    card = json.loads((run / "adapter.json").read_text())
    found = [{"step": r["step"], "seconds": r["seconds"], "val_miou": r["val_miou"]} for r in rows if "val_miou" in r]
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
        "validations": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    curves = [curve(run) for run in args.runs]
    print(f"| {' | '.join(HEADS)} |")
    print("|---" * len(HEADS) + "|")
    for c in curves:
        scores = c["validations"]
        best = max(scores, key=lambda v: v["val_miou"])
        how = (c["method"], c["seed"], c["batch"], c["mask_token"], c["cells"], c["precision"])
        cells = (c["run"], c["task"], *how, c["steps"], f"{c['seconds']:.0f}")
        ends = (
            f"{scores[0]['val_miou']:.3f}",
            f"{best['val_miou']:.3f} ({best['step']})",
            f"{scores[-1]['val_miou']:.3f}",
        )
        print(f"| {' | '.join(map(str, cells + ends))} |")
    if args.json:
        args.json.write_text(json.dumps(curves, indent=1) + "\n")


if __name__ == "__main__":
    main()
