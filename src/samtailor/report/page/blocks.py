"""What a section is made of; ``templates/blocks.html.j2`` has a macro for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from markupsafe import Markup

__all__ = [
    "Block", "Cell", "Chart", "Facts", "Findings", "Grid", "Head", "Notes", "Picture", "Pictures", "Section", "Series",
    "Table", "Text",
]  # fmt: skip


@dataclass(frozen=True)
class Series:
    """A colour of a chart: ``key`` is its CSS class, ``name`` stands in the legend."""

    key: str
    name: str


@dataclass(frozen=True)
class Head:
    """A column's heading; ``number`` aligns the column right."""

    text: str
    small: str = ""
    number: bool = True


@dataclass(frozen=True)
class Cell:
    """A text with a smaller line below, or a drawing; ``tone``: "", "strong", "muted", "worse"."""

    text: str = ""
    small: str = ""
    tone: str = ""
    drawing: Markup | None = None


@dataclass(frozen=True)
class Table:
    """Rows under headings. Rows come in groups (title or "", rows); the first cell of a row is its heading.

    ``bars`` marks a table whose second column is a drawing: on a narrow screen its rows are stacked.
    """

    kind: ClassVar[str] = "table"
    caption: str
    heads: Sequence[Head]
    groups: Sequence[tuple[str, Sequence[Sequence[Cell]]]]
    legend: Sequence[Series] = ()
    bars: bool = False
    folded: str = ""  # a summary under which the table is folded away


@dataclass(frozen=True)
class Chart:
    """A line chart with its caption."""

    kind: ClassVar[str] = "chart"
    caption: str
    drawing: Markup
    legend: Sequence[Series] = ()


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str
    heading: str = ""


@dataclass(frozen=True)
class Notes:
    """Definitions: (term, meaning)."""

    kind: ClassVar[str] = "notes"
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Facts:
    """Names and values; ``code`` marks values that are typed or compared letter by letter."""

    kind: ClassVar[str] = "facts"
    heading: str
    pairs: Sequence[tuple[str, str]]
    code: bool = False


@dataclass(frozen=True)
class Findings:
    """Messages by level: dicts with ``severity``, ``what``, ``hint``, ``files``."""

    kind: ClassVar[str] = "findings"
    items: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI with its size in pixels."""

    uri: str
    alt: str
    width: int
    height: int
    heading: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Pictures:
    """Pictures under a heading, as many beside each other as fit."""

    kind: ClassVar[str] = "pictures"
    heading: str
    items: Sequence[Picture]


@dataclass(frozen=True)
class Grid:
    """Rows of equally many pictures: (caption, smaller line, pictures); ``scale`` is a colour bar below, 0 to 1."""

    kind: ClassVar[str] = "grid"
    heads: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Picture]]]
    scale: Picture | None = None
    scale_text: str = ""


Block: TypeAlias = Table | Chart | Text | Notes | Facts | Findings | Pictures | Grid


@dataclass(frozen=True)
class Section:
    """A heading of the page and what stands under it."""

    key: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
