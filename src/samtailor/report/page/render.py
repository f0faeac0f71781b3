"""Make the page out of a report."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from samtailor.machine.text import visible
from samtailor.report.content import PagePictures, Report
from samtailor.report.page.blocks import Section
from samtailor.report.page.origin import data_summary, fit, making
from samtailor.report.page.others import others
from samtailor.report.page.pictures import click_maps, gallery
from samtailor.report.page.scores import boundaries, classes, headline
from samtailor.report.page.sensitivity import clicks, prompts
from samtailor.report.page.verdict import verdict_of
from samtailor.report.page.warnings import warnings_of

__all__ = ["render_dataset", "render_page"]


def render_page(report: Report, pictures: PagePictures | None = None) -> str:
    """Make one HTML page that needs no other file and no network; every text of the report is escaped.

    A part of the report that is missing has no section. An unknown number is an en dash.

    Args:
        report: the figures.
        pictures: the pictures; by default none.

    Raises:
        ImageError: a picture cannot be read, or the grids of a click map do not have the same shape.
    """
    evaluation = report.results.evaluation
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            first="verdict",
            title=report.title or f"{evaluation.task}: base against adapted",
            created=report.created,
            base=evaluation.base.name if evaluation.base else "",
            verdict=verdict_of(evaluation),
            warnings=warnings_of(report),
            sections=[section for section in _sections(report, pictures or PagePictures()) if section],
        )
    )


def _sections(report: Report, pictures: PagePictures) -> list[Section | None]:
    """All sections in the order of the page; None for those that have nothing to show."""
    evaluation, sensitivity = report.results.evaluation, report.results.sensitivity
    corrections = sensitivity.clicks if sensitivity else None
    return [
        headline(evaluation),
        classes(evaluation),
        boundaries(evaluation),
        prompts(sensitivity) if sensitivity else None,
        clicks(corrections) if corrections else None,
        click_maps(report.click_maps, pictures.crops),
        gallery(pictures.gallery),
        others(report.results.also),
        fit(report.run, pictures.curve),
        data_summary(report.inspection) if report.inspection else None,
        making(report),
    ]


def render_dataset(title: str, about: str, sections: Sequence[Section]) -> str:
    """Make the page about a dataset; like ``render_page``, it needs no other file."""
    first = sections[0].key if sections else ""
    template = _templates().get_template("dataset.html.j2")
    return template.render(title=title, about=about, sections=sections, first=first)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("samtailor.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )


def _printable(value: Any) -> Any:
    """Make hidden characters of every text on the page visible; what results can be written as UTF-8."""
    if isinstance(value, Markup):
        return Markup(visible(value, lines=True))
    return visible(value, lines=True) if isinstance(value, str) else value
