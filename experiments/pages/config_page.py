"""The page of a config: markdown tables out of its JSON lines, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.pages.charts import draw
from experiments.pages.cost_tables import fits_table
from experiments.pages.formatting import NAMES, NOT_RUN, difference, score, state
from experiments.pages.markdown import grid
from experiments.pages.sensitivity_tables import sensitivity_tables
from experiments.records.lines import Lines
from experiments.records.rows import Row, Section, sections
from experiments.specs.config import Config
from experiments.specs.run import Measure
from samtailor.machine.files import write_atomically

__all__ = ["LEGEND", "overview", "page", "write_page"]

MOST_CLASSES = 30

LEGEND = """mIoU: mean over classes of the mean over instances; all else: mean over instances, at the images' own
resolution (docs/guides/evaluation.md). `±`: standard deviation over seeds; brackets: 95 % interval over images, of
differences paired; of several seeds that of their mean, which says nothing of other seeds: "by seed" shows how far they
scatter. Every row answers the same prompts."""


def write_page(config: Config, results: Path) -> Path:
    """Write ``<name>.md`` and its figures into ``results``; the page's path."""
    lines = Lines(results / f"{config.name}.jsonl")
    pictures = draw(config, lines, results)
    path = results / f"{config.name}.md"
    write_atomically(path, ("\n".join(page(config, lines, pictures)).rstrip() + "\n").encode())
    return path


def page(config: Config, lines: Lines, pictures: Sequence[str]) -> Iterator[str]:
    """Lines of markdown."""
    yield f"<!-- Made by `python -m experiments table experiments/configs/{config.name}.yaml`: do not edit. -->"
    yield f"# Experiments: {config.name}"
    yield ""
    if config.about:
        yield config.about.strip()
        yield ""
    done = sum(not state(r, lines) for r in config.runs)
    yield f"{done} of {len(config.runs)} runs. {LEGEND}"
    yield ""
    found = sections(config, lines)
    for name in config.show:
        yield f"## {NAMES[name]}"
        yield ""
        yield from grid(*overview(found, name, lines))
        yield ""
    for picture in pictures:
        yield f"![{picture.rpartition('.')[0]}]({picture})"
        yield ""
    for section in found:
        yield from _section(section, lines)
    yield from _fits(found, lines)
    yield from _not_done(config, lines)
    yield from _origin(config, lines)


def overview(found: Sequence[Section], name: str, lines: Lines) -> tuple[list[str], list[list[str]]]:
    """Head and cells of a table of one score: a row for each method, a column for each task and measure."""
    columns = [(s, m) for s in found for m in s.measures]
    labels = dict.fromkeys(row.label for s in found for row in s.rows)
    cells = []
    for label in labels:
        rows = [(next((r for r in s.rows if r.label == label), None), m) for s, m in columns]
        cells.append([label, *("" if r is None else score(r, m, name, lines) for r, m in rows)])
    return ["", *(f"{s.title}: {m.title}" for s, m in columns)], cells


def _section(section: Section, lines: Lines) -> Iterator[str]:
    for measure in section.measures:
        yield f"## {section.title}: {measure.title}"
        yield ""
        rows = [r for r in section.rows if r.asked(measure)]
        over = {r.label: section.reference(r) for r in rows}
        compared = ["miou", "boundary_f1_3"] if any(over.values()) else []
        head = ["", *NAMES.values(), *(f"{NAMES[n]}, difference to {section.compared}" for n in compared), "n"]
        cells = []
        for row in rows:
            scored = row.scores(measure, lines)
            cells.append(
                [row.label]
                + [score(row, measure, name, lines) for name in NAMES]
                + [difference(row, over[row.label], measure, name, lines) for name in compared]
                + [str(scored[0]["n"]) if scored else ""]
            )
        yield from grid(head, cells)
        yield ""
        yield from _classes(rows, measure, lines)
        yield from sensitivity_tables(rows, measure, lines)


def _classes(rows: Sequence[Row], measure: Measure, lines: Lines) -> Iterator[str]:
    """IoU by class, mean over seeds."""
    scored = {row.label: found for row in rows if (found := row.scores(measure, lines))}
    counts = {label: c["n"] for found in scored.values() for label, c in found[0]["per_class"].items()}
    if not 1 < len(counts) <= MOST_CLASSES:
        return
    cells = [
        [label, str(n), *(f"{np.mean([f['per_class'][label]['iou'] for f in found]):.3f}" for found in scored.values())]
        for label, n in counts.items()
    ]
    yield from grid(["class", "n", *scored], cells)
    yield ""


def _fits(found: Sequence[Section], lines: Lines) -> Iterator[str]:
    rows = list(fits_table(found, lines))
    if rows:
        yield "## Fits"
        yield ""
        yield from rows


def _not_done(config: Config, lines: Lines) -> Iterator[str]:
    rows = [(run, what) for run in config.runs if (what := state(run, lines))]
    if not rows:
        return
    yield "## Without figures"
    yield ""
    for run, what in rows:
        line = lines.of_run(run)
        yield f"* `{run.label}`: {what}" + ("" if what == NOT_RUN or line is None else f": {line['reason']}")
    yield ""


def _origin(config: Config, lines: Lines) -> Iterator[str]:
    """Every machine and commit that figures come from."""
    done = [line for r in config.runs if (line := lines.of_run(r)) and line["status"] == "done"]
    if not done:
        return
    yield "## Made on"
    yield ""
    for text in dict.fromkeys(_machine(line) for line in done):
        yield f"* {text}"
    yield ""


def _machine(line: dict[str, Any]) -> str:
    codes = [*(line["fit"]["code"] if line["fit"] else []), *(m["code"] for m in line["measures"])]
    commits = dict.fromkeys(f"{c['commit']}{' with changes' if c['dirty'] else ''}" for c in codes)
    h, v = line["hardware"], line["versions"]
    return (
        f"{h['processor']}, {h['cores']} cores, {h['threads']} threads, {h['memory']}, device {h['device']}; "
        f"Python {v['python']}, torch {v['torch']}; commit {', '.join(commits)}"
    )
