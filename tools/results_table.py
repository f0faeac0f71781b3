"""Markdown tables out of evaluation files, so that no figure in docs/measurements.md is typed by hand.

python tools/results_table.py experiments/results/evaluations/*.json
python tools/results_table.py --least-area 64 RUN/studies/evaluation-*.jsonl   # only instances of so many pixels
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from samtailor.evaluation.results_json import to_json
from samtailor.evaluation.scoring import InstanceScore
from samtailor.evaluation.summary import score_rows

Rows = list[dict[str, Any]]
MOST_CLASSES = 30  # a longer table of classes is left to the file


def scores(rows: Rows) -> Iterator[str]:
    """One row per method; columns that an older file lacks are left out."""
    columns = {
        "miou": lambda r: f"{r['miou']:.3f}",
        "iou_instances": lambda r: f"{r['iou_instances']:.3f}",
        "95 %": lambda r: span(r["iou_instances_interval"]),
        "boundary IoU": lambda r: f"{r['boundary_iou']:.3f}",
        "F1 1 px": lambda r: f"{r['boundary_f1']['1']:.3f}",
        "F1 3 px": lambda r: f"{r['boundary_f1']['3']:.3f}",
        "HD95 px": lambda r: f"{r['hd95']:.1f}",
        "n": lambda r: str(r["n"]),
    }
    if "boundary_iou" not in rows[0]:
        columns = {name: columns[name] for name in ("miou", "iou_instances", "n")}
    yield from grid(["method", *columns], [[r["method"], *(f(r) for f in columns.values())] for r in rows])


def classes(rows: Rows) -> Iterator[str]:
    """One row per class."""
    cells = [
        [label, str(first["n"]), *(f"{r['per_class'][label]['iou']:.3f}" for r in rows)]
        for label, first in rows[0]["per_class"].items()
    ]
    yield from grid(["class", "n", *(r["method"] for r in rows)], cells)


def gains(found: Rows) -> Iterator[str]:
    """What the adapted model gained, paired."""
    cells = [
        [
            g["over"],
            *(f"{g[k]:+.3f} ({span(g[f'{k}_interval'], '+')})" for k in ("iou_instances", "miou", "boundary_iou")),
            f"{g['better']:.0%} / {g['worse']:.0%}",
        ]
        for g in found
    ]
    yield from grid(["adapted over", "iou_instances", "miou", "boundary IoU", "better / worse"], cells)


def sensitivity(found: dict[str, Any]) -> Iterator[str]:
    """Prompts varied: by prompt, then by group, then paired differences, then clicks."""
    methods = found["methods"]
    yield f"{found['instances']} instances of {found['images']} images, seed {found['seed']}."
    yield ""
    names = next(iter(methods.values()))["by_prompt"]
    cells = [[name, *(estimate(m["by_prompt"][name]) for m in methods.values())] for name in names]
    yield from grid(["mean IoU by prompt", *methods], cells)
    keys = ("mean", "spread", "worst", "p10", "unstable")
    for group in next(iter(methods.values()))["groups"]:
        yield ""
        cells = [[name, *(estimate(m["groups"][group][k]) for k in keys)] for name, m in methods.items()]
        cells += [[name, *(estimate(p[group][k], "+") for k in keys)] for name, p in found["paired"].items()]
        yield from grid([group, *keys], cells)
    clicks = found["clicks_to_quality"]
    yield ""
    cells = [
        [target, *(f"{row[m]['mean']:.1f} ({row[m]['failures']} failures)" for m in row)]
        for target, row in clicks["targets"].items()
    ]
    yield from grid([f"clicks to IoU, at most {clicks['limit']}", *next(iter(clicks["targets"].values()))], cells)


def strengths(found: Rows) -> Iterator[str]:
    """The adapter turned down."""
    cells = [[f"{s['strength']:g}", f"{s['iou_instances']:.3f}", f"{s['here']:.3f}"] for s in found]
    yield from grid(["strength", "other task", "own task"], cells)


def estimate(value: dict[str, Any], sign: str = "") -> str:
    return f"{value['value']:{sign}.3f} ({span(value['interval'], sign)})"


def span(pair: Sequence[float], sign: str = "") -> str:
    return f"{pair[0]:{sign}.3f} to {pair[1]:{sign}.3f}"


def grid(head: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(row)} |" for row in cells)


def tables(found: dict[str, Any]) -> Iterator[str]:
    """All that an evaluation or a report's ``evaluation`` holds."""
    p = found["prompts"]
    yield (
        f"{found['task']}, {found['split']} split, {p['per_instance']} {p['kind']} per instance, seed {p['seed']}, "
        f"base {found['base']['name']} `{found['base']['fingerprint'][:16]}`"
    )
    yield ""
    yield from scores(found["rows"])
    if found.get("gains"):
        yield ""
        yield from gains(found["gains"])
    if 1 < len(found["rows"][0]["per_class"]) <= MOST_CLASSES:
        yield ""
        yield from classes(found["rows"])
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="of `evaluate --json`, report.json, or studies/*.jsonl")
    parser.add_argument("--least-area", type=int, default=0, help="with studies: leave smaller instances out")
    args = parser.parse_args()
    for path in args.files:
        if path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
            kept = [InstanceScore.from_dict(r) for line in lines for r in line["rows"] if r["area"] >= args.least_area]
            print(*scores([to_json(row) for row in score_rows(kept)]), "", sep="\n")
            continue
        found = json.loads(path.read_text())
        whole = found.get("evaluation", found)
        print(*tables(whole), sep="\n")
        if study := found.get("sensitivity"):
            print(*sensitivity(study), "", sep="\n")
        for other in found.get("also", []):
            print(*tables(other), sep="\n")
            if other.get("strengths"):
                print(*strengths(other["strengths"]), "", sep="\n")


if __name__ == "__main__":
    main()
