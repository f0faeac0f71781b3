"""Fill the placeholders of ``findings.md`` and ``details.md`` with numbers from the lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.pages.formatting import (
    NOT_RUN,
    SCORE_NAMES,
    difference_text,
    estimate_text,
    missing_runs,
    score_text,
)
from experiments.records.differences import compare_rows
from experiments.records.lines import Lines, lines_of
from experiments.records.rows import Row, Section, sections
from experiments.specs.config import Config
from experiments.specs.run import Measure
from experiments.specs.settings import ConfigError
from samtailor.evaluation.corrective import WITH_MASKS

__all__ = ["fill_placeholders"]

_TRAINED = "trained"  # the number of trained parameters
_CLASS_IOU, _CLASS_COUNT = "IoU of ", "n of "  # followed by the name of a class
_CLICKS = "clicks to "  # followed by an IoU such as 0.85, and by WITH_MASKS for sessions with mask prompts
_BASE_CLICKS = f"base {_CLICKS}"  # of the base's single mask, in the same study
_PREFIXES = (_CLASS_IOU, _CLASS_COUNT, _CLICKS, _BASE_CLICKS)
_PLACEHOLDER = re.compile(r"\{\{([^{}]+)\}\}")


@dataclass(frozen=True)
class _Placeholder:
    """The parts of a placeholder such as ``{{main | faces: test, click | decoder | miou}}``.

    A row ``lora - plm`` means the paired difference of two rows. A score ``IoU of skin`` is the IoU of one class, and
    ``n of skin`` the number of its instances. ``clicks to 0.85`` is the mean number of corrective clicks, and
    ``clicks to 0.85 + mask`` that with the mask before each click as a mask prompt; ``base clicks to 0.85`` is that of
    the base on the same instances.
    """

    config: str
    column: str
    row: str
    score: str

    @classmethod
    def parse(cls, text: str) -> _Placeholder:
        parts = [part.strip() for part in text.split("|")]
        scores = (*SCORE_NAMES, _TRAINED)
        if len(parts) != 4 or not (parts[3] in scores or parts[3].startswith(_PREFIXES)):
            raise ConfigError(
                f"{{{{{text}}}}} is not a valid placeholder.",
                "Write {{config | section: measure | row | score}}; scores: "
                f"{', '.join(scores)}, {_CLASS_IOU}<class>, {_CLASS_COUNT}<class>, {_CLICKS}<IoU>.",
            )
        return cls(*parts)


def fill_placeholders(text: str, configs: Sequence[Config], results: Path) -> str:
    """Replace each ``{{...}}`` by the number it names, in the format of the pages.

    Raises:
        ConfigError: if a config, section, measure, row, class or score does not exist.
    """
    lines = lines_of((c.name for c in configs), results)
    return _PLACEHOLDER.sub(lambda match: _value(_Placeholder.parse(match[1]), configs, lines, results), text)


def _value(placeholder: _Placeholder, configs: Sequence[Config], lines: Mapping[str, Lines], results: Path) -> str:
    for config in (c for c in configs if c.name == placeholder.config):
        for section in sections(config, lines[config.name]):
            for measure in section.measures:
                if f"{section.title}: {measure.title}" != placeholder.column:
                    continue
                if text := _value_in(section, measure, placeholder, lines[config.name], results):
                    return text
    raise ConfigError(
        f"No run matches {' | '.join(vars(placeholder).values())}.",
        "Copy the config, column and row from a page in experiments/results.",
    )


def _value_in(section: Section, measure: Measure, placeholder: _Placeholder, lines: Lines, results: Path) -> str:
    """The text for the placeholder; empty if the section has no such row, or the row not this measure."""
    rows = {row.label: row for row in section.rows}
    label, minus, reference = placeholder.row.partition(" - ")
    if minus:
        if label not in rows or reference not in rows or placeholder.score not in SCORE_NAMES:
            return ""
        return _difference(rows[label], rows[reference], section, measure, placeholder.score, lines, results)
    if placeholder.row not in rows:
        return ""
    row = rows[placeholder.row]
    if placeholder.score == _TRAINED:
        return _trained(row, measure, lines)
    if placeholder.score.startswith(_CLASS_IOU):
        return _class_iou(row, measure, placeholder.score.removeprefix(_CLASS_IOU), lines)
    if placeholder.score.startswith(_CLASS_COUNT):
        return _class_count(row, measure, placeholder.score.removeprefix(_CLASS_COUNT), lines)
    if placeholder.score.startswith(_CLICKS):
        return _clicks(row, measure, row.evaluation_row, placeholder.score.removeprefix(_CLICKS), lines)
    if placeholder.score.startswith(_BASE_CLICKS):
        return _clicks(row, measure, "base-single", placeholder.score.removeprefix(_BASE_CLICKS), lines)
    return score_text(row, measure, placeholder.score, lines)


def _difference(
    row: Row, reference: Row, section: Section, measure: Measure, score: str, lines: Lines, results: Path
) -> str:
    """The difference from its line if the config compares these rows; else computed from scores of single instances."""
    if section.reference(row) is reference:
        return difference_text(row, reference, measure, score, lines)
    if not (row.finished_lines(measure, lines) and reference.finished_lines(measure, lines)):
        return missing_runs(row.runs_with(measure), lines) or missing_runs(reference.runs_with(measure), lines)
    differences = compare_rows(row, reference, measure, lines, results)
    return estimate_text(differences[score]) if differences else ""


def _trained(row: Row, measure: Measure, lines: Lines) -> str:
    fits = [line["fit"] for line in row.finished_lines(measure, lines)]
    if row.evaluation_row != "adapted":
        return "0"
    return f"{fits[0]['parameters']['trained']:,}" if fits else NOT_RUN


def _class_iou(row: Row, measure: Measure, label: str, lines: Lines) -> str:
    """The mean over seeds and their range; no interval over images, because a class may have few instances."""
    classes = _class_scores(row, measure, label, lines)
    if not classes:
        return missing_runs(row.runs_with(measure), lines)
    values = [c["iou"] for c in classes]
    seeds = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{seeds}"


def _clicks(row: Row, measure: Measure, scored: str, target: str, lines: Lines) -> str:
    """The mean over seeds; for one run with its interval."""
    target, *rest = target.partition(WITH_MASKS)
    studies = [e["sensitivity"]["clicks_to_quality"] for e in row.evaluations(measure, lines) if e.get("sensitivity")]
    if not studies:
        return missing_runs(row.runs_with(measure), lines)
    counts = [study["targets"].get(target, {}).get(scored + rest[0]) for study in studies]
    if None in counts:
        return ""
    text = f"{np.mean([c['mean'] for c in counts]):.1f}"
    if len(counts) > 1:
        return text
    low, high = counts[0]["interval"]
    return f"{text} ({low:.1f} to {high:.1f})"


def _class_count(row: Row, measure: Measure, label: str, lines: Lines) -> str:
    classes = _class_scores(row, measure, label, lines)
    return str(classes[0]["n"]) if classes else missing_runs(row.runs_with(measure), lines)


def _class_scores(row: Row, measure: Measure, label: str, lines: Lines) -> list[dict[str, Any]]:
    """The class's scores in each finished run.

    They are empty if no run is finished or the class does not exist; in the second case no run is missing.
    """
    return [r["per_class"][label] for r in row.scores(measure, lines) if label in r["per_class"]]
