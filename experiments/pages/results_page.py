"""docs/results.md: what was found, and an overview of every config, made out of the lines alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from experiments.pages.config_page import LEGEND, overview
from experiments.pages.cost_tables import costs, fits_table
from experiments.pages.findings import filled_in
from experiments.pages.formatting import NAMES, state
from experiments.pages.markdown import grid
from experiments.pages.sensitivity_tables import sensitivity_tables
from experiments.records.lines import Lines, lines_of
from experiments.records.rows import sections
from experiments.specs.config import Config
from samtailor.machine.files import write_atomically

__all__ = ["overview_page", "write_overview"]

HEAD = """# Results of the experiments

Every figure on this page comes out of the JSON lines in [experiments/results](../experiments/results), each with
settings, seed, commit, machine, seconds and steps; `python -m experiments results` writes it.
[experiments](../experiments/README.md) says how a run is repeated, [methods.md](guides/methods.md) what the methods
are, [measurements.md](measurements.md) has what else was measured: longer fits, other studies, timings."""


def write_overview(configs: Sequence[Config], results: Path, findings: str, path: Path) -> None:
    """Write the page ``path``; ``results`` lies below its folder and holds the lines, pages and figures."""
    write_atomically(
        path, overview_page(configs, results, findings, PurePath(os.path.relpath(results, path.parent))).encode()
    )


def overview_page(configs: Sequence[Config], results: Path, findings: str, where: PurePath) -> str:
    """The page as text; ``where`` the results lie, seen from it.

    Raises:
        ConfigError: as ``filled_in``.
    """
    filled = filled_in(findings, configs, results)
    text = "\n".join(_page(configs, lines_of((c.name for c in configs), results), where.as_posix(), filled))
    return text.rstrip() + "\n"


def _page(configs: Sequence[Config], results: Mapping[str, Lines], where: str, findings: str) -> Iterator[str]:
    yield "<!-- Made by `python -m experiments results`: do not edit. -->"
    yield HEAD
    yield ""
    yield findings.strip()
    yield ""
    yield f"## All experiments\n\n{LEGEND}"
    yield ""
    begun = [c for c in configs if any(not state(r, results[c.name]) for r in c.runs)]
    for config in begun:
        yield from _config(config, results[config.name], where)
    yield from _cost(begun, results)
    if waiting := [c for c in configs if c not in begun]:
        yield "## Not run yet"
        yield ""
        yield from (f"* `{c.name}`: {c.about.strip()}" for c in waiting)


def _config(config: Config, lines: Lines, where: str) -> Iterator[str]:
    yield f"### {config.name}: {config.about.strip()}"
    yield ""
    done = sum(not state(r, lines) for r in config.runs)
    yield f"{done} of {len(config.runs)} runs. Whole page: [{config.name}.md]({where}/{config.name}.md)."
    yield ""
    found = sections(config, lines)
    for name in config.show:
        yield f"**{NAMES[name]}**"
        yield ""
        yield from grid(*_without_gaps(*overview(found, name, lines)))
        yield ""
    for section in found:
        for measure in section.measures:
            yield from sensitivity_tables(section.rows, measure, lines)
    for name in config.show[:1]:
        yield f"![{NAMES[name]}: {config.name}]({where}/{config.name}_{name}.png)"
        yield ""


def _cost(begun: Sequence[Config], results: Mapping[str, Lines]) -> Iterator[str]:
    yield "## What it cost"
    yield ""
    yield "As each run counted it on its machine; what several configs share counts in the first."
    yield "Other runs were under way beside most: to compare speeds, see measurements.md."
    yield ""
    yield from costs(begun, results)
    yield ""
    for config in begun:
        if table := list(fits_table(sections(config, results[config.name]), results[config.name])):
            yield f"### Fits of {config.name}"
            yield ""
            yield from table


def _without_gaps(head: Sequence[str], cells: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Without the rows and columns that have no figure yet: a config's own page shows them."""
    have = [[k == 0 or "." in cell for k, cell in enumerate(row)] for row in cells]
    columns = [k for k in range(len(head)) if any(row[k] for row in have)]
    rows = [row for row, full in zip(cells, have, strict=True) if any(full[1:])]
    return [head[k] for k in columns], [[row[k] for k in columns] for row in rows]
