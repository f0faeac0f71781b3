"""Print markdown tables from evaluation files, for docs/measurements.md.

python tools/results_table.py experiments/results/evaluations/*.json
python tools/results_table.py --least-area 64 RUN/studies/evaluation-*.jsonl   # only instances of at least 64 pixels
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
MOST_CLASSES = 30  # a longer table of classes is not printed


def scores(rows: Rows) -> Iterator[str]:
    """A row for each method; columns that are missing in an older file are left out."""
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
    yield from table(["method", *columns], [[r["method"], *(f(r) for f in columns.values())] for r in rows])


def classes(rows: Rows) -> Iterator[str]:
    """A row for each class."""
    entries = [
        [label, str(first["n"]), *(f"{r['per_class'][label]['iou']:.3f}" for r in rows)]
        for label, first in rows[0]["per_class"].items()
    ]
    yield from table(["class", "n", *(r["method"] for r in rows)], entries)


def gains(differences: Rows) -> Iterator[str]:
    """The paired differences between the adapted model and the base."""
    entries = [
        [
            g["over"],
            *(f"{g[k]:+.3f} ({span(g[f'{k}_interval'], '+')})" for k in ("iou_instances", "miou", "boundary_iou")),
            f"{g['better']:.0%} / {g['worse']:.0%}",
        ]
        for g in differences
    ]
    yield from table(["adapted minus", "iou_instances", "miou", "boundary IoU", "better / worse"], entries)


def sensitivity(study: dict[str, Any]) -> Iterator[str]:
    """Tables of prompt sensitivity: a table by prompt, one for each group, and one of corrective clicks."""
    methods = study["methods"]
    yield f"{study['instances']} instances of {study['images']} images, seed {study['seed']}."
    yield ""
    names = next(iter(methods.values()))["by_prompt"]
    entries = [[name, *(estimate(m["by_prompt"][name]) for m in methods.values())] for name in names]
    yield from table(["mean IoU by prompt", *methods], entries)
    keys = ("mean", "spread", "worst", "p10", "unstable")
    for group in next(iter(methods.values()))["groups"]:
        yield ""
        entries = [[name, *(estimate(m["groups"][group][k]) for k in keys)] for name, m in methods.items()]
        entries += [[name, *(estimate(p[group][k], "+") for k in keys)] for name, p in study["paired"].items()]
        yield from table([group, *keys], entries)
    clicks = study["clicks_to_quality"]
    yield ""
    entries = [
        [target, *(f"{row[m]['mean']:.1f} ({row[m]['failures']} failures)" for m in row)]
        for target, row in clicks["targets"].items()
    ]
    yield from table([f"clicks to IoU, at most {clicks['limit']}", *next(iter(clicks["targets"].values()))], entries)


def strengths(rows: Rows) -> Iterator[str]:
    """A row for each strength of the adapter."""
    entries = [[f"{r['strength']:g}", f"{r['iou_instances']:.3f}", f"{r['here']:.3f}"] for r in rows]
    yield from table(["strength", "other task", "own task"], entries)


def estimate(value: dict[str, Any], sign: str = "") -> str:
    """Format a value with its interval."""
    return f"{value['value']:{sign}.3f} ({span(value['interval'], sign)})"


def span(pair: Sequence[float] | None, sign: str = "") -> str:
    """Format an interval; with one image there is none."""
    if pair is None:
        return "no interval"
    return f"{pair[0]:{sign}.3f} to {pair[1]:{sign}.3f}"


def table(heading: Sequence[str], entries: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a markdown table."""
    yield f"| {' | '.join(heading)} |"
    yield "|" + "---|" * len(heading)
    yield from (f"| {' | '.join(row)} |" for row in entries)


def evaluation_tables(evaluation: dict[str, Any]) -> Iterator[str]:
    """All tables of an evaluation."""
    prompts, base = evaluation["prompts"], evaluation["base"]
    yield (
        f"{evaluation['task']}, {evaluation['split']} split, {prompts['per_instance']} {prompts['kind']} per instance, "
        f"seed {prompts['seed']}, base {base['name']} `{base['fingerprint'][:16]}`"
    )
    yield ""
    yield from scores(evaluation["rows"])
    if evaluation.get("gains"):
        yield ""
        yield from gains(evaluation["gains"])
    if 1 < len(evaluation["rows"][0]["per_class"]) <= MOST_CLASSES:
        yield ""
        yield from classes(evaluation["rows"])
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "files", nargs="+", type=Path, help="files of `evaluate --json`, report.json or studies/*.jsonl"
    )
    parser.add_argument("--least-area", type=int, default=0, help="for studies: leave out smaller instances, in pixels")
    args = parser.parse_args()
    for path in args.files:
        if path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
            kept = [InstanceScore.from_dict(r) for line in lines for r in line["rows"] if r["area"] >= args.least_area]
            print(*scores([to_json(row) for row in score_rows(kept)]), "", sep="\n")
            continue
        content = json.loads(path.read_text())
        print(*evaluation_tables(content.get("evaluation", content)), sep="\n")
        if study := content.get("sensitivity"):
            print(*sensitivity(study), "", sep="\n")
        for other in content.get("also", []):
            print(*evaluation_tables(other), sep="\n")
            if other.get("strengths"):
                print(*strengths(other["strengths"]), "", sep="\n")


if __name__ == "__main__":
    main()
