"""From the dicts of the studies to the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from samtailor.report.page.blocks import Section
from samtailor.report.page.origin import data_summary, fit, making
from samtailor.report.page.others import others
from samtailor.report.page.pictures import click_maps, gallery
from samtailor.report.page.scores import boundaries, classes, headline
from samtailor.report.page.sensitivity import clicks, prompts
from samtailor.report.page.verdict import verdict_of
from samtailor.report.page.warnings import warnings_of

__all__ = ["SECTIONS", "render_page"]

SECTIONS: tuple[Callable[[Mapping[str, Any]], Section | None], ...] = (
    headline,
    classes,
    boundaries,
    prompts,
    clicks,
    click_maps,
    gallery,
    others,
    fit,
    data_summary,
    making,
)
"""In the order of the page; each gives None where its part of the data is absent."""


def render_page(data: Mapping[str, Any]) -> str:
    """One HTML page that needs no other file and no network; every text of the data is escaped.

    Args:
        data: ``evaluation`` (``Evaluation.to_dict()``, with ``gains`` and intervals where they were computed), and as
            many as there are of ``title``, ``created``, ``command``, ``run``, ``sensitivity``, ``click_maps``,
            ``gallery``, ``also``, ``curve``, ``data``, ``settings``, ``versions``, ``hardware`` and ``commit``. What is
            absent has no section; a figure that is None or not finite is an en dash.

    Raises:
        ImageError: the bytes of a picture are no picture, or the grids of a click map do not fit together.
    """
    evaluation = data["evaluation"]
    base = (evaluation.get("base") or {}).get("name")
    sections = [section for make in SECTIONS if (section := make(data))]
    return _template().render(
        title=str(data.get("title") or f"{evaluation.get('task', 'Task')}: base against adapted"),
        created=str(data.get("created") or ""),
        base=str(base or ""),
        verdict=verdict_of(evaluation),
        warnings=warnings_of(data),
        sections=sections,
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("samtailor.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
