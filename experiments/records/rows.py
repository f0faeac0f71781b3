"""Group the runs of a config for its page: a section for each task, a row for each method with all its seeds."""

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
_SECTION_SETTINGS = tuple(k for k in TASK_DEFAULTS if k != "base")


@dataclass(frozen=True)
class Row:
    """A row of a table: runs that differ only in the seed.

    Attributes:
        label: the method, and the settings that vary in the config, if they differ from their default.
        settings: the method, and the settings that vary in the config.
        evaluation_row: the row of an evaluation that has the scores: ``adapted`` or a row of the base.
        runs: a run for each seed, finished or not.
    """

    label: str
    settings: dict[str, Any]
    evaluation_row: str
    runs: tuple[Run, ...]

    def runs_with(self, measure: Measure) -> list[Run]:
        """The runs that have this measure, finished or not."""
        return [r for r in self.runs if measure in r.measures]

    def finished_lines(self, measure: Measure, lines: Lines) -> list[dict[str, Any]]:
        """The lines of finished runs with this measure."""
        all_lines = [line for r in self.runs_with(measure) if (line := lines.of_run(r))]
        return [line for line in all_lines if line["status"] == "done"]

    def evaluations(self, measure: Measure, lines: Lines) -> list[dict[str, Any]]:
        """The evaluation of each finished run with this measure."""
        return [m for line in self.finished_lines(measure, lines) for m in line["measures"] if m["id"] == measure.id]

    def scores(self, measure: Measure, lines: Lines) -> list[dict[str, Any]]:
        """This row's scores in each finished evaluation."""
        rows = [r for evaluation in self.evaluations(measure, lines) for r in evaluation["rows"]]
        return [r for r in rows if r["method"] == self.evaluation_row]

    def paired_runs(self, reference: Row, measure: Measure, lines: Lines) -> tuple[list[Run], list[Run]]:
        """Finished runs of this row and of ``reference`` with the seeds that both have.

        The base has no seed: its run is paired with every seed.
        """
        sides = []
        for row in (self, reference):
            finished = {line["id"] for line in row.finished_lines(measure, lines)}
            sides.append([r for r in row.runs if r.id in finished])
        seeds = [{r.settings.get("seed") for r in side} for side in sides]
        if None in seeds[0] | seeds[1]:
            return sides[0], sides[1]
        common = seeds[0] & seeds[1]
        runs, reference_runs = (
            sorted((r for r in side if r.settings["seed"] in common), key=lambda r: r["seed"]) for side in sides
        )
        return runs, reference_runs

    def instance_files(self, runs: Iterable[Run], measure: Measure, lines: Lines) -> list[str]:
        """Names of the files with scores of single instances of finished runs; empty text if a line names no file."""
        evaluations = [m for r in runs for m in (lines.of_run(r) or {})["measures"] if m["id"] == measure.id]
        return [str(evaluation.get("instances", "")) for evaluation in evaluations]


@dataclass(frozen=True)
class Section:
    """All rows of one task and its classes.

    Attributes:
        title: the task, its classes, and how it is read.
        rows: in the order of the config.
        compare_with: as in ``Config``.
    """

    title: str
    rows: tuple[Row, ...]
    compare_with: dict[str, Any]

    @property
    def measures(self) -> list[Measure]:
        """All measures of the rows, without repeats."""
        return list({m.id: m for row in self.rows for r in row.runs for m in r.measures}.values())

    def reference(self, row: Row) -> Row | None:
        """The row that ``row`` is compared with; None for the reference itself, or if there is no such row.

        It has the settings of ``row``, except those of ``compare_with``; options that its method does not have are
        ignored. If no row has these settings, it is the row with the label that ``compare_with`` names, but only if at
        most one setting differs or one of the two rows is the base's.
        """
        label = self.compare_with.get("method")
        if not self.compare_with or row.label == label:
            return None
        method = label or row.settings["method"]
        settings = {k: v for k, v in row.settings.items() if _applies_to(k, method)} | self.compare_with
        equal = [r for r in self.rows if r.settings == settings and r is not row]
        candidates = equal or [r for r in self.rows if r.label == label and _comparable(row, r)]
        return candidates[0] if candidates else None

    @property
    def reference_label(self) -> str:
        """The reference of differences, for the heading of a column."""
        words = [f"{k.rpartition('.')[2]}={v}" for k, v in self.compare_with.items() if k != "method"]
        label = self.compare_with.get("method")
        return ", ".join([label, *words]) if label else f"the same with {', '.join(words)}"


def difference_id(row: Row, reference: Row, measure: Measure, lines: Lines) -> str:
    """Identify a comparison of two rows; it changes if a seed is added or a run is measured again."""
    sides = zip((row, reference), row.paired_runs(reference, measure, lines), strict=True)
    files = [sorted(side.instance_files(runs, measure, lines)) for side, runs in sides]
    return digest([files[0], row.evaluation_row, files[1], reference.evaluation_row, measure.id])


def sections(config: Config, lines: Lines) -> list[Section]:
    """Group the runs of a config into sections and rows, in the order of the config."""
    varying = _varying([r.settings for r in config.runs if r.method != BASE])
    titles: dict[str, dict[str, Row]] = {}
    for run in config.runs:
        rows = titles.setdefault(_title(run), {})
        for row in _rows_of(run, varying):
            same = rows.get(row.label)
            rows[row.label] = row if same is None else replace(same, runs=same.runs + row.runs)
    return [Section(title, tuple(rows.values()), config.compare_with) for title, rows in titles.items()]


def _title(run: Run) -> str:
    s = run.settings
    extra = [f"{k}={canonical(s[k])}" for k in _SECTION_SETTINGS if k in s and k not in ("task", "class", "class_map")]
    words = [s["class"]] if "class" in s else s.get("class_map", [])
    return ", ".join([s["task"], *words, *extra])


def _rows_of(run: Run, varying: list[str]) -> list[Row]:
    if run.method == BASE:
        base = {"base": run["base"]} if "base" in varying else {}
        words = [f"base={value}" for value in base.values()]
        return [Row(", ".join([name, *words]), {"method": name, **base}, name, (run,)) for name in BASE_ROWS]
    settings = {"method": run.method} | {k: canonical(run[k]) for k in varying if _applies_to(k, run.method)}
    words = [f"{k.rpartition('.')[2]}={v}" for k, v in settings.items() if k != "method" and v != _default(k)]
    return [Row(", ".join([run.method, *words]), settings, "adapted", (run,))]


def _comparable(row: Row, reference: Row) -> bool:
    """Whether one row is the base's, or at most one setting differs."""
    if row.evaluation_row in BASE_ROWS or reference.evaluation_row in BASE_ROWS:
        return True
    keys = {*row.settings, *reference.settings}
    return len([k for k in keys if row.settings.get(k) != reference.settings.get(k)]) <= 1


def _default(setting: str) -> Any:
    return canonical((TASK_DEFAULTS | FIT_DEFAULTS)[setting])


def _applies_to(setting: str, method: str) -> bool:
    """Whether a method has this setting; only options depend on the method, and one on top of another may have all."""
    group, _dot, option = setting.partition(".")
    if group != "method_options" or method not in METHODS:
        return True
    options = method_class(method).options()
    return option in options or "over" in options


def _varying(all_settings: Iterable[dict[str, Any]]) -> list[str]:
    """Settings in which these runs differ, without the method, the seed and those that define a section."""
    settings = list(all_settings)
    keys = dict.fromkeys(k for s in settings for k in s if k not in ("method", "seed", *_SECTION_SETTINGS))
    defaults = TASK_DEFAULTS | FIT_DEFAULTS
    return [k for k in keys if len({repr(canonical(s.get(k, defaults[k]))) for s in settings}) > 1]
