"""Runs as the page shows them: a section per task, a row per method, seeds together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from experiments.records.lines import Lines
from experiments.specs.config import Config
from experiments.specs.run import Measure, Run
from experiments.specs.settings import BASE, FIT_DEFAULTS, TASK_DEFAULTS, canonical, digest
from samtailor.adapters.methods import METHODS, method_class

__all__ = ["Row", "Section", "difference_id", "sections"]

BASE_ROWS = ("base-single", "base-best", "base-oracle")
_OF_SECTION = tuple(k for k in TASK_DEFAULTS if k != "base")


@dataclass(frozen=True)
class Row:
    """One row: runs that differ in the seed only.

    Attributes:
        label: for people: the method, and what varies in the config where it differs from its default.
        settings: the method, and those other settings that vary in the config.
        shown: whose scores these are in an evaluation: ``adapted`` or a row of the base.
        runs: by seed, done or not.
    """

    label: str
    settings: dict[str, Any]
    shown: str
    runs: tuple[Run, ...]

    def done(self, measure: Measure, lines: Lines) -> list[dict[str, Any]]:
        """Lines of finished runs with this measure."""
        found = [line for r in self.runs if (line := lines.of_run(r)) and measure in r.measures]
        return [line for line in found if line["status"] == "done"]

    def scores(self, measure: Measure, lines: Lines) -> list[dict[str, Any]]:
        """The row of each finished evaluation."""
        found = [m for line in self.done(measure, lines) for m in line["measures"] if m["id"] == measure.id]
        return [r for m in found for r in m["rows"] if r["method"] == self.shown]

    def asked(self, measure: Measure) -> list[Run]:
        return [r for r in self.runs if measure in r.measures]

    def paired_with(self, other: Row, measure: Measure, lines: Lines) -> tuple[list[Run], list[Run]]:
        """Finished runs of both rows, of the seeds that both have; a base's run goes with every seed."""
        sides = []
        for row in (self, other):
            done = {line["id"] for line in row.done(measure, lines)}
            sides.append([r for r in row.runs if r.id in done])
        seeds = [{r.settings.get("seed") for r in side} for side in sides]
        if None in seeds[0] | seeds[1]:
            return sides[0], sides[1]
        common = seeds[0] & seeds[1]
        ours, theirs = (
            sorted((r for r in side if r.settings["seed"] in common), key=lambda r: r["seed"]) for side in sides
        )
        return ours, theirs

    def instances(self, runs: Iterable[Run], measure: Measure, lines: Lines) -> list[str]:
        """Of finished runs the files with the scores of single instances; empty where a line names none."""
        found = [m for r in runs for m in (lines.of_run(r) or {})["measures"] if m["id"] == measure.id]
        return [str(m.get("instances", "")) for m in found]


@dataclass(frozen=True)
class Section:
    """All rows of one task (and its classes)."""

    title: str
    rows: tuple[Row, ...]
    compare_with: dict[str, Any]

    @property
    def measures(self) -> list[Measure]:
        return list({m.id: m for row in self.rows for r in row.runs for m in r.measures}.values())

    def reference(self, row: Row) -> Row | None:
        """The row with the same settings but for those of ``compare_with``; options that its method lacks do not count.

        Failing that, the row whose label is the one given, if no more than one setting differs or one of both is the
        base's. None for the reference itself, and where there is no such row.
        """
        label = self.compare_with.get("method")
        if not self.compare_with or row.label == label:
            return None
        method = label or row.settings["method"]
        wanted = {k: v for k, v in row.settings.items() if _concerns(k, method)} | self.compare_with
        same = [r for r in self.rows if r.settings == wanted and r is not row]
        found = same or [r for r in self.rows if r.label == label and _near(row, r)]
        return found[0] if found else None

    @property
    def compared(self) -> str:
        """For the head of a column: what differences are taken against."""
        words = [f"{k.rpartition('.')[2]}={v}" for k, v in self.compare_with.items() if k != "method"]
        label = self.compare_with.get("method")
        return ", ".join([label, *words]) if label else f"the same with {', '.join(words)}"


def difference_id(row: Row, over: Row, measure: Measure, lines: Lines) -> str:
    """Names the comparison of what is measured now; more seeds, or a run measured anew, make another."""
    ours, theirs = row.paired_with(over, measure, lines)
    files = [sorted(r.instances(runs, measure, lines)) for r, runs in ((row, ours), (over, theirs))]
    return digest([files[0], row.shown, files[1], over.shown, measure.id])


def sections(config: Config, lines: Lines) -> list[Section]:
    """The config's runs, sorted into sections and rows in the order in which they come."""
    varying = _varying([r.settings for r in config.runs if r.method != BASE])
    titles: dict[str, dict[str, Row]] = {}
    for run in config.runs:
        rows = titles.setdefault(_title(run), {})
        for row in _rows_of(run, varying):
            known = rows.get(row.label)
            rows[row.label] = row if known is None else replace(known, runs=known.runs + row.runs)
    return [Section(title, tuple(rows.values()), config.compare_with) for title, rows in titles.items()]


def _title(run: Run) -> str:
    s = run.settings
    extra = [f"{k}={canonical(s[k])}" for k in _OF_SECTION if k in s and k not in ("task", "class", "class_map")]
    words = [s["class"]] if "class" in s else s.get("class_map", [])
    return ", ".join([s["task"], *words, *extra])


def _rows_of(run: Run, varying: list[str]) -> list[Row]:
    if run.method == BASE:
        other = {"base": run["base"]} if "base" in varying else {}
        words = [f"base={value}" for value in other.values()]
        return [Row(", ".join([name, *words]), {"method": name, **other}, name, (run,)) for name in BASE_ROWS]
    settings = {"method": run.method} | {k: canonical(run[k]) for k in varying if _concerns(k, run.method)}
    words = [f"{k.rpartition('.')[2]}={v}" for k, v in settings.items() if k != "method" and v != _default(k)]
    return [Row(", ".join([run.method, *words]), settings, "adapted", (run,))]


def _near(row: Row, other: Row) -> bool:
    if row.shown in BASE_ROWS or other.shown in BASE_ROWS:
        return True
    keys = {*row.settings, *other.settings}
    return len([k for k in keys if row.settings.get(k) != other.settings.get(k)]) <= 1


def _default(setting: str) -> Any:
    return canonical((TASK_DEFAULTS | FIT_DEFAULTS)[setting])


def _concerns(setting: str, method: str) -> bool:
    """Whether a method has this setting: options are its own."""
    whose, _dot, option = setting.partition(".")
    return whose != "method_options" or method not in METHODS or option in method_class(method).options()


def _varying(all_settings: Iterable[dict[str, Any]]) -> list[str]:
    """Settings, beside method, seed and what makes a section, in which these runs differ."""
    every = list(all_settings)
    keys = dict.fromkeys(k for s in every for k in s if k not in ("method", "seed", *_OF_SECTION))
    defaults = TASK_DEFAULTS | FIT_DEFAULTS
    return [k for k in keys if len({repr(canonical(s.get(k, defaults[k]))) for s in every}) > 1]
