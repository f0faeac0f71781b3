"""Write docs/results.md, a page of findings, and docs/experiments.md, the details and an overview of all configs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from experiments.pages.config_page import LEGEND, score_table
from experiments.pages.cost_tables import costs_table, fits_table
from experiments.pages.findings import fill_placeholders
from experiments.pages.formatting import SCORE_NAMES, run_state
from experiments.pages.markdown import paragraph, rewrap, table
from experiments.pages.sensitivity_tables import sensitivity_tables
from experiments.records.lines import Lines, lines_of
from experiments.records.rows import sections
from experiments.specs.config import Config
from samtailor.machine.files import write_atomically

__all__ = ["experiments_page", "results_page", "write_pages"]

HEADING = "<!-- Written by `python -m experiments results`: do not edit. -->\n"
INTRODUCTION = """# All experiments

[Results](results.md) is the short version. `python -m experiments results` writes both pages from
the JSON lines in `experiments/results`. Each line has the settings, seed, commit, machine, time and
steps of a run. [The README of the experiments](../experiments/README.md) says how to repeat a run.
[Methods](guides/methods.md) describes the methods. [Measurements](measurements.md) has other
results: longer fits, studies and timings."""


def write_pages(configs: Sequence[Config], results: Path, texts: Path, docs: Path) -> list[Path]:
    """Write both pages.

    Args:
        configs: all configs.
        results: the folder of lines, pages and charts.
        texts: the folder of ``findings.md`` and ``details.md``, which have placeholders.
        docs: the folder to write to.
    """
    link = PurePath(os.path.relpath(results, docs))
    pages = {
        docs / "results.md": results_page(configs, results, (texts / "findings.md").read_text()),
        docs / "experiments.md": experiments_page(configs, results, (texts / "details.md").read_text(), link),
    }
    for path, text in pages.items():
        write_atomically(path, text.encode())
    return list(pages)


def results_page(configs: Sequence[Config], results: Path, findings: str) -> str:
    """Return the page of findings; arguments and errors as in ``experiments_page``."""
    return HEADING + rewrap(fill_placeholders(findings, configs, results)).rstrip() + "\n"


def experiments_page(configs: Sequence[Config], results: Path, details: str, link: PurePath) -> str:
    """Return the page of details and of all configs.

    Args:
        configs: all configs.
        results: the folder of lines.
        details: the text at the beginning, with placeholders.
        link: the path from the page's folder to ``results``.

    Raises:
        ConfigError: if a placeholder is wrong, as in ``fill_placeholders``.
    """
    filled = fill_placeholders(details, configs, results)
    text = "\n".join(_page(configs, lines_of((c.name for c in configs), results), link.as_posix(), filled))
    return text.rstrip() + "\n"


def _page(configs: Sequence[Config], results: Mapping[str, Lines], link: str, details: str) -> Iterator[str]:
    yield HEADING + INTRODUCTION
    yield ""
    yield rewrap(details)
    yield ""
    yield "## Configs"
    yield ""
    yield LEGEND
    yield ""
    started = [c for c in configs if any(not run_state(r, results[c.name]) for r in c.runs)]
    for config in started:
        yield from _config(config, results[config.name], link)
    yield from _cost(started, results)
    if waiting := [c for c in configs if c not in started]:
        yield "## Not run yet"
        yield ""
        yield from (paragraph(f"* `{c.name}`: {c.about}", indent="  ") for c in waiting)


def _config(config: Config, lines: Lines, link: str) -> Iterator[str]:
    yield f"### {config.name}"
    yield ""
    if config.about:
        yield paragraph(config.about)
        yield ""
    done = sum(not run_state(r, lines) for r in config.runs)
    yield f"{done} of {len(config.runs)} runs are done. All tables: [{config.name}.md]({link}/{config.name}.md)."
    yield ""
    all_sections = sections(config, lines)
    for score in config.show:
        yield f"**{SCORE_NAMES[score]}**"
        yield ""
        yield from table(*_without_gaps(*score_table(all_sections, score, lines)))
        yield ""
    for section in all_sections:
        for measure in section.measures:
            yield from sensitivity_tables(section.rows, measure, lines)
    for score in config.show[:1]:
        yield f"![{SCORE_NAMES[score]}: {config.name}]({link}/{config.name}_{score}.png)"
        yield ""


def _cost(started: Sequence[Config], results: Mapping[str, Lines]) -> Iterator[str]:
    yield "## Cost"
    yield ""
    yield "Times are as measured on each run's machine, mostly beside other runs; to compare speeds, see"
    yield "[Measurements](measurements.md). If several configs share a run, the first one counts it."
    yield ""
    yield from costs_table(started, results)
    yield ""
    for config in started:
        if text := list(fits_table(sections(config, results[config.name]), results[config.name])):
            yield f"### Fits of {config.name}"
            yield ""
            yield from text


def _without_gaps(heading: Sequence[str], entries: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Drop the rows and columns that have no score yet; the page of the config shows them."""
    filled = [[k == 0 or "." in entry for k, entry in enumerate(row)] for row in entries]
    columns = [k for k in range(len(heading)) if any(row[k] for row in filled)]
    rows = [row for row, full in zip(entries, filled, strict=True) if any(full[1:])]
    return [heading[k] for k in columns], [[row[k] for k in columns] for row in rows]
