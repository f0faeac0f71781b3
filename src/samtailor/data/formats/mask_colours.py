"""Give the colours of mask pictures values: background, classes, or one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samtailor.data.findings import listed, times
from samtailor.data.formats.class_tables import ClassTable, Colour, colour_text, colours_to_paste
from samtailor.data.formats.label_maps import VOID
from samtailor.data.formats.mask_contents import MaskContent
from samtailor.data.reading import Reading
from samtailor.errors import DataError

__all__ = ["colours_to_values", "voc_colour"]

_BLACK: Colour = (0, 0, 0)
_VOID_COLOURS = ((224, 224, 192), (255, 255, 255))  # of Pascal VOC's palette, and white
_SHOWN = 20


@dataclass(frozen=True)
class _Colours:
    """The value of each colour, and why."""

    values: dict[Colour, int]
    names: dict[int, str]


def colours_to_values(
    root: Path, contents: Sequence[MaskContent], table: ClassTable | None, reading: Reading
) -> tuple[list[MaskContent], dict[int, str]]:
    """Replace the colours of masks by values. The indices of palettes are values if all palettes agree on them.

    Args:
        root: folder of the data set.
        contents: all masks.
        table: names of values and colours.
        reading: receives notes and masks with unknown colours.

    Returns:
        The masks, without colours, and value -> class name; without names if the colours are not classes.

    Raises:
        DataError: it is not clear what the colours mean.
    """
    coloured = [content for content in contents if content.colours is not None]
    if not coloured:
        return list(contents), {}
    if _indices_agree(coloured) and not _all_named(coloured, table):
        return [_by_index(content) for content in contents], {}
    used: Counter[Colour] = Counter()
    for content in coloured:
        for value, colour in (content.colours or {}).items():
            used[colour] += content.masks[value][1]
    colours = _from_table(used, table) or _from_voc(used, table) or _one_object(used)
    if colours is None:
        raise _not_clear(root, coloured, used, table)
    if any(content.is_palette for content in coloured):
        _note_palettes(coloured, reading)
    kept = []
    for content in contents:
        unknown = [c for c in (content.colours or {}).values() if c not in colours.values]
        if unknown:
            source = table.file.name if table else "a table"
            cause = f"it has the colour {colour_text(unknown[0])}, which {source} does not name"
            reading.broken(content.path, "", cause, f"Add the colour to {source}, or correct the mask.")
        else:
            kept.append(_by_colour(content, colours.values))
    return kept, colours.names


def voc_colour(value: int) -> Colour:
    """Return the colour of a value in Pascal VOC's palette, which most tools use."""
    red = green = blue = 0
    for bit in range(8):
        red |= (value & 1) << 7 - bit
        green |= (value >> 1 & 1) << 7 - bit
        blue |= (value >> 2 & 1) << 7 - bit
        value >>= 3
    return red, green, blue


def _indices_agree(contents: list[MaskContent]) -> bool:
    """Return True if each index has one colour in all palettes, and 0 is black and nothing else is."""
    if not all(content.is_palette for content in contents):
        return False
    colour_of: dict[int, Colour] = {}
    for content in contents:
        for value in content.values:
            colour = (content.colours or {}).get(value, _BLACK)
            if colour_of.setdefault(value, colour) != colour:
                return False
    if len(set(colour_of.values())) == 1 and len(colour_of) > 1:
        return True  # a palette that says nothing
    return colour_of.get(0, _BLACK) == _BLACK and sum(c == _BLACK for v, c in colour_of.items() if v) == 0


def _all_named(contents: list[MaskContent], table: ClassTable | None) -> bool:
    known = {*table.colours, *table.background, _BLACK} if table and table.colours else set()
    return bool(known) and all(colour in known for content in contents for colour in (content.colours or {}).values())


def _by_index(content: MaskContent) -> MaskContent:
    """Return the mask with its indices as values; 0 is background."""
    content.masks.pop(0, None)
    content.colours = None
    return content


def _by_colour(content: MaskContent, values: dict[Colour, int]) -> MaskContent:
    if content.colours is None:
        return content
    indices: dict[int, set[int]] = {}
    for index, colour in content.colours.items():
        if values[colour]:
            indices.setdefault(values[colour], set()).add(index)
    masks, pieces = {}, {}
    for value in sorted(indices):
        mask = content.union(indices[value])
        if mask is not None:
            masks[value] = mask
            pieces[value] = tuple(area for index in indices[value] for area in content.pieces.get(index, ()))
    content.masks, content.colours, content.pieces = masks, None, pieces
    return content


def _from_table(used: Counter[Colour], table: ClassTable | None) -> _Colours | None:
    """Return values from a table of colours. Black is background unless it is a class; colours may be missing."""
    if table is None or not table.colours:
        return None
    values: dict[Colour, int] = dict.fromkeys(_VOID_COLOURS, VOID) if _BLACK not in table.colours else {}
    values = {colour: value for colour, value in values.items() if colour in used}
    names: dict[int, str] = {}
    numbers = [number for number in range(1, len(table.colours) + 2) if number != VOID]
    of_name: dict[str, int] = {}
    for colour, name in table.colours.items():
        values[colour] = of_name.setdefault(name, numbers[len(of_name)])
        names[values[colour]] = name
    values |= dict.fromkeys(table.background, 0)
    values.setdefault(_BLACK, 0)
    return _Colours(values, names)


def _from_voc(used: Counter[Colour], table: ClassTable | None) -> _Colours | None:
    """Return values if every colour has a named value in Pascal VOC's palette."""
    if table is None or not table.values:
        return None
    values: dict[Colour, int] = {_BLACK: 0, _VOID_COLOURS[0]: VOID}
    values |= {voc_colour(value): value for value in table.values if 0 < value < VOID}
    return _Colours(values, {}) if all(colour in values for colour in used) else None


def _one_object(used: Counter[Colour]) -> _Colours | None:
    """Return 255 for the only colour besides black."""
    others = [colour for colour in used if colour != _BLACK]
    return _Colours({_BLACK: 0, others[0]: VOID}, {}) if len(others) == 1 and _BLACK in used else None


def _note_palettes(contents: list[MaskContent], reading: Reading) -> None:
    for content in contents:
        reading.note(
            "palette-colours",
            "warning",
            lambda count: (
                f"The palettes of {times(count, 'mask')} differ, or do not begin with black: the colours were read, "
                "not the indices."
            ),
            "Look at the preview of some masks. To be sure, save the masks as 8-bit grey PNG, with the values of the "
            "classes.",
            content.path,
        )


def _not_clear(root: Path, contents: list[MaskContent], used: Counter[Colour], table: ClassTable | None) -> DataError:
    first = next((content for content in contents if not content.is_palette), contents[0])
    kind = "palettes that differ or do not begin with black" if first.is_palette else "colours"
    shown = listed([f"{colour_text(c)} ({n} pixels)" for c, n in used.most_common(_SHOWN)], _SHOWN)
    if len(used) > 256:
        return DataError(
            f"Mask {first.path} and others have {len(used)} colours; expected one colour for each class. They may be "
            "overlays, or each colour is one object.",
            "Export class or instance masks as 8- or 16-bit grey PNG.",
        )
    source = f", and {table.file.name} does not name them" if table else ""
    colours = [colour for colour, _ in used.most_common(_SHOWN)]
    return DataError(
        f"Mask {first.path} and others have {kind}{source}: {shown}; expected a table that names the colours.",
        f"Write {root / 'class_dict.csv'} with the names of the classes:{colours_to_paste(colours)}",
    )
