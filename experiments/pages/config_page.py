"""Write the page of a config: tables and charts from its JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.pages.charts import draw_charts
from experiments.pages.cost_tables import fits_table
from experiments.pages.formatting import NOT_RUN, SCORE_NAMES, difference_text, run_state, score_text
from experiments.pages.markdown import paragraph, table
from experiments.pages.sensitivity_tables import sensitivity_tables
from experiments.records.lines import Lines
from experiments.records.rows import Row, Section, sections
from experiments.specs.config import Config
from experiments.specs.run import Measure
from samtailor.machine.files import write_atomically

__all__ = ["LEGEND", "config_page", "score_table", "write_config_page"]

MOST_CLASSES = 30

LEGEND = """mIoU is the mean over classes of the mean over instances; all other scores are means over instances.
Masks are compared at the resolution of the images (`docs/guides/evaluation.md`). `±` is the
standard deviation over seeds. Brackets are 95 % intervals over images; those of differences are
paired. With several seeds, the interval belongs to their mean and says nothing about other seeds:
"by seed" shows how much the seeds vary. All rows have the same prompts."""


def write_config_page(config: Config, results: Path) -> Path:
    """Write ``<name>.md`` and its charts into ``results``; return the path of the page."""
    lines = Lines(results / f"{config.name}.jsonl")
    charts = draw_charts(config, lines, results)
    path = results / f"{config.name}.md"
    write_atomically(path, ("\n".join(config_page(config, lines, charts)).rstrip() + "\n").encode())
    return path


def config_page(config: Config, lines: Lines, charts: Sequence[str]) -> Iterator[str]:
    """The page's lines of markdown; ``charts`` are the names of the chart files."""
    yield f"<!-- Written by `python -m experiments table experiments/configs/{config.name}.yaml`: do not edit. -->"
    yield f"# Experiments: {config.name}"
    yield ""
    if config.about:
        yield paragraph(config.about)
        yield ""
    done = sum(not run_state(r, lines) for r in config.runs)
    yield f"{done} of {len(config.runs)} runs are done."
    yield ""
    yield LEGEND
    yield ""
    all_sections = sections(config, lines)
    for score in config.show:
        yield f"## {SCORE_NAMES[score]}"
        yield ""
        yield from table(*score_table(all_sections, score, lines))
        yield ""
    for chart in charts:
        yield f"![{chart.rpartition('.')[0]}]({chart})"
        yield ""
    for section in all_sections:
        yield from _section(section, lines)
    yield from _fits(all_sections, lines)
    yield from _unfinished(config, lines)
    yield from _provenance(config, lines)


def score_table(all_sections: Sequence[Section], score: str, lines: Lines) -> tuple[list[str], list[list[str]]]:
    """Heading and rows of a table of one score: a row for each method, a column for each task and measure."""
    columns = [(s, m) for s in all_sections for m in s.measures]
    labels = dict.fromkeys(row.label for s in all_sections for row in s.rows)
    entries = []
    for label in labels:
        rows = [(next((r for r in s.rows if r.label == label), None), m) for s, m in columns]
        entries.append([label, *("" if r is None else score_text(r, m, score, lines) for r, m in rows)])
    return ["method", *(f"{s.title}: {m.title}" for s, m in columns)], entries


def _section(section: Section, lines: Lines) -> Iterator[str]:
    for measure in section.measures:
        yield f"## {section.title}: {measure.title}"
        yield ""
        rows = [r for r in section.rows if r.runs_with(measure)]
        references = {r.label: section.reference(r) for r in rows}
        compared = ["miou", "boundary_f1_3"] if any(references.values()) else []
        differences = [f"{SCORE_NAMES[score]}, difference from {section.reference_label}" for score in compared]
        entries = []
        for row in rows:
            evaluated = row.scores(measure, lines)
            entries.append(
                [row.label]
                + [score_text(row, measure, score, lines) for score in SCORE_NAMES]
                + [difference_text(row, references[row.label], measure, score, lines) for score in compared]
                + [str(evaluated[0]["n"]) if evaluated else ""]
            )
        yield from table(["method", *SCORE_NAMES.values(), *differences, "instances"], entries)
        yield ""
        yield from _classes(rows, measure, lines)
        yield from sensitivity_tables(rows, measure, lines)


def _classes(rows: Sequence[Row], measure: Measure, lines: Lines) -> Iterator[str]:
    """A table of the IoU of each class, as the mean over seeds; nothing for one class or very many."""
    evaluated = {row.label: scores for row in rows if (scores := row.scores(measure, lines))}
    counts = {label: c["n"] for scores in evaluated.values() for label, c in scores[0]["per_class"].items()}
    if not 1 < len(counts) <= MOST_CLASSES:
        return
    entries = []
    for label, n in counts.items():
        means = [np.mean([s["per_class"][label]["iou"] for s in scores]) for scores in evaluated.values()]
        entries.append([label, str(n), *(f"{mean:.3f}" for mean in means)])
    yield from table(["class", "instances", *evaluated], entries)
    yield ""


def _fits(all_sections: Sequence[Section], lines: Lines) -> Iterator[str]:
    if text := list(fits_table(all_sections, lines)):
        yield "## Fits"
        yield ""
        yield from text


def _unfinished(config: Config, lines: Lines) -> Iterator[str]:
    unfinished = [(run, state) for run in config.runs if (state := run_state(run, lines))]
    if not unfinished:
        return
    yield "## Runs without scores"
    yield ""
    for run, state in unfinished:
        line = lines.of_run(run)
        yield f"* `{run.label}`: {state}" + ("" if state == NOT_RUN or line is None else f": {line['reason']}")
    yield ""


def _provenance(config: Config, lines: Lines) -> Iterator[str]:
    """A list of all machines and commits of the scores."""
    done = [line for r in config.runs if (line := lines.of_run(r)) and line["status"] == "done"]
    if not done:
        return
    yield "## Machines and code"
    yield ""
    for text in dict.fromkeys(_machine(line) for line in done):
        yield paragraph(f"* {text}", indent="  ")
    yield ""


def _machine(line: dict[str, Any]) -> str:
    codes = [*(line["fit"]["code"] if line["fit"] else []), *(m["code"] for m in line["measures"])]
    commits = dict.fromkeys(f"{c['commit']}{' with uncommitted changes' if c['dirty'] else ''}" for c in codes)
    h, v = line["hardware"], line["versions"]
    return (
        f"{h['processor']}, {h['cores']} cores, {h['threads']} threads, {h['memory']}, device {h['device']}; "
        f"Python {v['python']}, torch {v['torch']}; commit {', '.join(commits)}"
    )
