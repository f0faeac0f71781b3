"""Building blocks of a section; ``templates/blocks.html.j2`` has a macro for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from markupsafe import Markup

__all__ = [
    "Block", "Chart", "Entry", "Facts", "Findings", "Grid", "Head", "Message", "Notes", "Picture", "Pictures",
    "Section", "Series", "Swatches", "Table", "Text",
]  # fmt: skip


@dataclass(frozen=True)
class Series:
    """A colour of a chart: ``key`` is its CSS class, ``name`` its text in the legend."""

    key: str
    name: str


@dataclass(frozen=True)
class Head:
    """The heading of a column; ``number`` aligns the column to the right."""

    text: str
    small: str = ""
    number: bool = True


@dataclass(frozen=True)
class Entry:
    """One entry of a table: a text with a smaller line below, or a drawing.

    ``tone`` is "", "strong", "muted" or "worse".
    """

    text: str = ""
    small: str = ""
    tone: str = ""
    drawing: Markup | None = None


@dataclass(frozen=True)
class Table:
    """Rows under headings. Rows come in groups (title or "", rows); the first entry of a row is its heading.

    ``bars`` marks a table whose second column is a drawing: a narrow screen stacks the entries of its rows.
    """

    kind: ClassVar[str] = "table"
    caption: str
    heads: Sequence[Head]
    groups: Sequence[tuple[str, Sequence[Sequence[Entry]]]]
    legend: Sequence[Series] = ()
    bars: bool = False
    folded: str = ""  # with a summary here, the table is hidden until the reader opens it


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
class Swatches:
    """Colours of pictures: (CSS colour, name, smaller text)."""

    kind: ClassVar[str] = "swatches"
    items: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Facts:
    """Names and values; ``code`` sets the values in a fixed-width font, for commands and fingerprints."""

    kind: ClassVar[str] = "facts"
    heading: str
    pairs: Sequence[tuple[str, str]]
    code: bool = False


@dataclass(frozen=True)
class Message:
    """A warning about the data or the scores.

    Attributes:
        severity: "error", "warning" or "note".
        what: what is wrong.
        hint: what to do; may be empty.
        files: names of files concerned.
        count: how many files are concerned; there may be more than ``files`` names.
    """

    severity: str
    what: str
    hint: str = ""
    files: Sequence[str] = ()
    count: int = 0


@dataclass(frozen=True)
class Findings:
    """Messages, errors first."""

    kind: ClassVar[str] = "findings"
    items: Sequence[Message]


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, with its size in pixels."""

    uri: str
    alt: str
    width: int
    height: int
    heading: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Pictures:
    """Pictures under a heading, as many side by side as fit; ``small`` ones take less room."""

    kind: ClassVar[str] = "pictures"
    heading: str
    items: Sequence[Picture]
    small: bool = False


@dataclass(frozen=True)
class Grid:
    """Rows (caption, smaller line, pictures), each with as many pictures as ``heads``.

    ``scale`` is a colour bar from 0 to 1 below the rows.
    """

    kind: ClassVar[str] = "grid"
    heads: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Picture]]]
    scale: Picture | None = None
    scale_text: str = ""


Block: TypeAlias = Table | Chart | Text | Notes | Swatches | Facts | Findings | Pictures | Grid


@dataclass(frozen=True)
class Section:
    """A heading of the page and the blocks under it; ``key`` is its anchor."""

    key: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
