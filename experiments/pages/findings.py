"""Figures inside sentences: ``findings.md`` names them, the lines hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.pages.formatting import NAMES, NOT_RUN, difference, missing, score, shown_difference
from experiments.records.differences import compared
from experiments.records.lines import Lines, lines_of
from experiments.records.rows import Row, Section, sections
from experiments.specs.config import Config
from experiments.specs.run import Measure
from experiments.specs.settings import ConfigError

__all__ = ["filled_in"]

_TRAINED = "trained"  # how many parameters
_OF_CLASS, _COUNT = "IoU of ", "n of "  # and a class
_PLACE = re.compile(r"\{\{([^{}]+)\}\}")


@dataclass(frozen=True)
class _Figure:
    """One figure of a text: ``{{main | faces: test, click | decoder | miou}}``.

    ``lora - plm`` for the row is the paired difference of two rows; for the score, ``IoU of skin`` is that of one
    class, ``n of skin`` how many instances it has.
    """

    config: str
    column: str
    row: str
    score: str

    @classmethod
    def parsed(cls, text: str) -> _Figure:
        words = [word.strip() for word in text.split("|")]
        if len(words) != 4 or not (words[3] in (*NAMES, _TRAINED) or words[3].startswith((_OF_CLASS, _COUNT))):
            raise ConfigError(
                f"{{{{{text}}}}} is no figure.",
                "Write {{config | section: measure | row | score}}; scores: "
                f"{', '.join((*NAMES, _TRAINED))}, {_OF_CLASS}<class>, {_COUNT}<class>.",
            )
        return cls(*words)


def filled_in(text: str, configs: Sequence[Config], results: Path) -> str:
    """``text`` with each ``{{...}}`` replaced by the figure it names, as the pages show it.

    Raises:
        ConfigError: there is no such config, section, measure, row, class or score.
    """
    lines = lines_of((c.name for c in configs), results)
    return _PLACE.sub(lambda found: _value(_Figure.parsed(found[1]), configs, lines, results), text)


def _value(wanted: _Figure, configs: Sequence[Config], lines: Mapping[str, Lines], results: Path) -> str:
    for config in (c for c in configs if c.name == wanted.config):
        for section in sections(config, lines[config.name]):
            for measure in section.measures:
                if f"{section.title}: {measure.title}" != wanted.column:
                    continue
                if found := _cell(wanted, section, measure, lines[config.name], results):
                    return found
    raise ConfigError(
        f"No run stands for {' | '.join(vars(wanted).values())}.",
        "Take config, column and row from a page in experiments/results.",
    )


def _cell(wanted: _Figure, section: Section, measure: Measure, lines: Lines, results: Path) -> str:
    """Empty where there is no such row, or it does not ask for this measure."""
    rows = {row.label: row for row in section.rows}
    one, dash, other = wanted.row.partition(" - ")
    if dash:
        if one not in rows or other not in rows or wanted.score not in NAMES:
            return ""
        return _difference(rows[one], rows[other], section, measure, wanted.score, lines, results)
    if wanted.row not in rows:
        return ""
    if wanted.score == _TRAINED:
        return _trained(rows[wanted.row], measure, lines)
    for words, cell in ((_OF_CLASS, _of_class), (_COUNT, _count)):
        if wanted.score.startswith(words):
            return cell(rows[wanted.row], measure, wanted.score.removeprefix(words), lines)
    return score(rows[wanted.row], measure, wanted.score, lines)


def _difference(row: Row, over: Row, section: Section, measure: Measure, name: str, lines: Lines, results: Path) -> str:
    """Of the config's own comparison out of its line; of any other two rows, out of the scores of single instances."""
    if section.reference(row) is over:
        return difference(row, over, measure, name, lines)
    if not (row.done(measure, lines) and over.done(measure, lines)):
        return missing(row.asked(measure), lines) or missing(over.asked(measure), lines)
    found = compared(row, over, measure, lines, results)
    return shown_difference(found[name]) if found else ""


def _trained(row: Row, measure: Measure, lines: Lines) -> str:
    fits = [line["fit"] for line in row.done(measure, lines)]
    if row.shown != "adapted":
        return "0"
    return f"{fits[0]['parameters']['trained']:,}" if fits else NOT_RUN


def _of_class(row: Row, measure: Measure, label: str, lines: Lines) -> str:
    """Mean over seeds, and their range where there are several: no interval over images, for a class may have few."""
    found = _class(row, measure, label, lines)
    if not found:
        return missing(row.asked(measure), lines)
    values = [f["iou"] for f in found]
    seeds = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{seeds}"


def _count(row: Row, measure: Measure, label: str, lines: Lines) -> str:
    found = _class(row, measure, label, lines)
    return str(found[0]["n"]) if found else missing(row.asked(measure), lines)


def _class(row: Row, measure: Measure, label: str, lines: Lines) -> list[dict[str, Any]]:
    """Of each finished run; empty where there is none, or no such class: then ``missing`` is empty too."""
    return [f["per_class"][label] for f in row.scores(measure, lines) if label in f["per_class"]]
