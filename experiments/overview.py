"""docs/results.md: what was found, and an overview of every config, made out of the lines alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from experiments.cells import NAMES, NOT_RUN, difference, score, state
from experiments.config import Config
from experiments.costs import costs, fits_table
from experiments.grid import grid
from experiments.groups import Row, Section, sections
from experiments.lines import Lines
from experiments.run import Measure
from experiments.sensitivity import sensitivity_tables
from experiments.settings import ConfigError
from experiments.tables import LEGEND, overview
from samtailor.files import write_atomically

__all__ = ["filled_in", "overview_page", "write_overview"]

_TRAINED = "trained"  # how many parameters
_PLACE = re.compile(r"\{\{([^{}]+)\}\}")
HEAD = """# Results of the experiments

Every figure on this page comes out of the JSON lines in [results/experiments](results/experiments), each with settings,
seed, commit, machine, seconds and steps; `python -m experiments results` writes it.
[experiments](../experiments/README.md) says how a run is repeated, [methods.md](methods.md) what the methods are,
[measurements.md](measurements.md) has what else was measured: longer fits, other studies, timings."""


@dataclass(frozen=True)
class _Figure:
    """One figure of a text: ``{{main | faces: test, click | decoder | miou}}``; ``plm+pmm - plm`` is a difference."""

    config: str
    column: str
    row: str
    score: str

    @classmethod
    def parsed(cls, text: str) -> _Figure:
        words = [word.strip() for word in text.split("|")]
        if len(words) != 4 or words[3] not in (*NAMES, _TRAINED):
            raise ConfigError(
                f"{{{{{text}}}}} is no figure.",
                f"Write {{{{config | section: measure | row | score}}}}; scores: {', '.join((*NAMES, _TRAINED))}.",
            )
        return cls(*words)


def filled_in(text: str, configs: Sequence[Config], results: Path) -> str:
    """``text`` with each ``{{...}}`` replaced by the figure it names, as the pages show it.

    Raises:
        ConfigError: there is no such config, section, measure, row or score.
    """
    lines = _lines(configs, results)
    return _PLACE.sub(lambda found: _value(_Figure.parsed(found[1]), configs, lines), text)


def _value(wanted: _Figure, configs: Sequence[Config], results: Mapping[str, Lines]) -> str:
    for config in (c for c in configs if c.name == wanted.config):
        lines = results[config.name]
        for section in sections(config, lines):
            rows = {row.label: row for row in section.rows}
            for measure in section.measures:
                if f"{section.title}: {measure.title}" != wanted.column:
                    continue
                if found := _cell(wanted, rows, section, measure, lines):
                    return found
    raise ConfigError(
        f"No run stands for {' | '.join(vars(wanted).values())}.",
        "Take config, column and row from a page in docs/results/experiments.",
    )


def _cell(wanted: _Figure, rows: Mapping[str, Row], section: Section, measure: Measure, lines: Lines) -> str:
    """Empty where there is no such row, or it does not ask for this measure."""
    if wanted.row in rows and wanted.score == _TRAINED:
        return _trained(rows[wanted.row], measure, lines)
    if wanted.row in rows:
        return score(rows[wanted.row], measure, wanted.score, lines)
    one, dash, _other = wanted.row.partition(" - ")
    over = section.reference(rows[one]) if dash and one in rows else None
    if over is None or wanted.row != f"{one} - {over.label}":
        return ""
    return difference(rows[one], over, measure, wanted.score, lines)


def _trained(row: Row, measure: Measure, lines: Lines) -> str:
    fits = [line["fit"] for line in row.done(measure, lines)]
    if row.shown != "adapted":
        return "0"
    return f"{fits[0]['parameters']['trained']:,}" if fits else NOT_RUN


def write_overview(configs: Sequence[Config], results: Path, findings: str, path: Path) -> None:
    """Write the page ``path``; ``results`` lies below its folder and holds the lines, pages and figures."""
    write_atomically(path, overview_page(configs, results, findings, results.relative_to(path.parent)).encode())


def overview_page(configs: Sequence[Config], results: Path, findings: str, where: PurePath) -> str:
    """The page as text; ``where`` the results lie, seen from it.

    Raises:
        ConfigError: as ``filled_in``.
    """
    filled = filled_in(findings, configs, results)
    text = "\n".join(_page(configs, _lines(configs, results), where.as_posix(), filled))
    return text.rstrip() + "\n"


def _lines(configs: Sequence[Config], results: Path) -> dict[str, Lines]:
    return {c.name: Lines(results / f"{c.name}.jsonl") for c in configs}


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
