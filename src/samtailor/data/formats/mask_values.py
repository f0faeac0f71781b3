"""Decide what the values of mask pictures are: objects, classes, or one value for many objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean, median, pstdev

from samtailor.data.findings import times
from samtailor.data.formats.class_tables import ClassTable, values_to_paste
from samtailor.data.formats.label_maps import UNNAMED_CLASS, VOID
from samtailor.data.formats.mask_contents import MaskContent
from samtailor.data.reading import Reading

__all__ = ["Meaning", "decide"]

_FEWEST = 3  # masks that can show that they share values
_MANY = 5  # masks, from which on shared values are an error
_MOST_CLASSES = 64
_IN_PIECES = 0.25  # of the values: classes are often in pieces, objects rarely
_PIECES = 3  # in the median mask of one value: they are objects
_SPREAD = 0.75  # of the areas of pieces that are alike: standard deviation over mean
_SMALL_VALUES = 100
_ORDERED = 0.9  # of the masks, whose values rise with their places


@dataclass(frozen=True)
class Meaning:
    """What the values of masks are.

    Attributes:
        names: value -> class name; empty if each value is one object.
        void: values that belong to no class and no object.
        split: True if each separate piece is an object.
        has_zero: True if the value 0 is a class.
    """

    names: dict[int, str] = field(default_factory=dict)
    void: frozenset[int] = frozenset()
    split: bool = False
    has_zero: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in rising order of values."""
        return tuple(dict.fromkeys(self.names.values())) or (UNNAMED_CLASS,)

    @property
    def words(self) -> str:
        """What a value is, for the format of a task."""
        if self.split:
            return "one class per value, one instance per piece" if self.names else "one instance per piece"
        return "one class per value" if self.names else "one instance per value"


def decide(
    contents: Sequence[MaskContent], names: dict[int, str], table: ClassTable | None, reading: Reading
) -> Meaning:
    """Decide what the values of all masks mean.

    Args:
        contents: the masks, without colours.
        names: value -> class name, if colours say so.
        table: names of values.
        reading: its options; receives notes.
    """
    used = set().union(*(content.values for content in contents)) if contents else set()
    split = reading.options.split_masks
    if names:
        return Meaning(names, frozenset({VOID} - set(names)), bool(split))
    if table and (table.values or table.zero):
        return _from_table(used, table, bool(split), reading)
    void = _void_border(contents, used, reading)
    kept = used - void
    if len(kept) < 2:
        if split is None:
            split = _many_objects(contents, reading)
        if not split and reading.options.split_masks is None:
            _note_pieces(contents, kept, reading)
        return Meaning(void=void, split=split)
    chosen = reading.options.mask_values
    is_class = _looks_like_classes(contents, kept) if chosen == "auto" else chosen == "classes"
    if is_class and VOID in kept and VOID - 1 not in kept and max(kept - {VOID}) <= _SMALL_VALUES:
        void, kept = void | {VOID}, kept - {VOID}
    if chosen == "auto":
        _note_classes(contents, kept, void, is_class, reading)
    if split is None and not is_class:
        _note_pieces(contents, kept, reading)
    names = {value: f"class {value}" for value in sorted(kept)} if is_class else {}
    return Meaning(names, void, bool(split))


def _from_table(used: set[int], table: ClassTable, split: bool, reading: Reading) -> Meaning:
    names = dict(table.values)
    is_legacy = table.file.name.lower() == "classes.json"
    has_zero = bool(table.zero) and not is_legacy
    if has_zero:
        names = {0: table.zero, **names}
    elif table.zero:
        reading.note(
            "value-zero",
            "warning",
            lambda _: f"{table.file.name} names the value 0 {table.zero!r}, but 0 is background: it was not read.",
            "If 0 is a class, add 1 to the values of all masks and of the table, or write id2label.json.",
            table.file,
        )
    if len(names) == 1 and not has_zero and used == {VOID} and VOID not in names:
        (name,) = names.values()
        reading.note(
            "repaired",
            "note",
            lambda _: f"All masks have the values 0 and {VOID}, and {table.file.name} names one class: {VOID} is it.",
            f"Nothing, if that is right. Otherwise name {VOID} in {table.file.name}.",
            table.file,
        )
        return Meaning({VOID: name}, split=split)
    return Meaning(names, frozenset({VOID} - set(names)), split, has_zero)


def _void_border(contents: Sequence[MaskContent], used: set[int], reading: Reading) -> frozenset[int]:
    """Return 255 if it is a thin line in most masks that have it beside other values."""
    having = [content for content in contents if VOID in content.values]
    if VOID not in used or len(used) < 2 or sum(content.thin_void for content in having) * 2 <= len(having):
        return frozenset()
    for content in having:
        reading.note(
            "void-border",
            "warning",
            lambda count: (
                f"In {times(count, 'mask')} the value {VOID} is a thin line: it was read as void, not as an object."
            ),
            f"Nothing, if {VOID} marks the borders of objects. Otherwise name {VOID} in classes.json.",
            content.path,
        )
    return frozenset({VOID})


def _looks_like_classes(contents: Sequence[MaskContent], values: set[int]) -> bool:
    """Return True if the values occur again and again, and are often in several pieces or leave no background."""
    rows = [content for content in contents if content.values & values]
    if len(rows) < _FEWEST or len(values) > _MOST_CLASSES:
        return False
    pieces = [len(content.pieces.get(value, ())) for content in rows for value in content.values & values]
    in_pieces = sum(count > 1 for count in pieces) / len(pieces)
    often = mean(sum(value in content.values for content in rows) for value in values)
    return often >= 2 and (in_pieces >= _IN_PIECES or all(content.is_full for content in rows))


def _note_classes(
    contents: Sequence[MaskContent], values: set[int], void: frozenset[int], is_class: bool, reading: Reading
) -> None:
    """Note values that may be classes: read as such, or shared by all masks, or with gaps."""
    rows = [content for content in contents if content.values - void]
    sets = [frozenset(content.values - void) for content in rows]
    shared = len(rows) >= _FEWEST and len(set(sets)) == 1
    gaps = sum(set(own) != set(range(1, len(own) + 1)) for own in sets)
    repeated = mean(sum(value in own for own in sets) for value in values) >= 2
    few = len(values) <= 32 and len(rows) >= _MANY and gaps * 2 >= len(rows) and repeated
    if not (is_class or shared or few):
        return
    text = _values_text(values)
    begin = f"All {len(rows)} masks share the {text}" if shared else f"The masks share the {text}"
    how = "They were read as classes named class N" if is_class else "Each value was read as one object"
    extra = f"; {VOID} was read as void" if VOID in void else ""
    paste = f"Save this as classes.json, with the right names: {values_to_paste(values)}."
    other = "If each value is one object: --mask-values objects (in Python mask_values='objects')."
    likely = is_class or few or (len(rows) >= _MANY and not _in_order_of_place(rows))
    for content in rows:
        reading.note(
            "unnamed-classes",
            "error" if likely else "warning",
            lambda _: f"{begin}: classes? {how}{extra}.",
            f"{paste} {other}",
            content.path,
        )


def _in_order_of_place(rows: Sequence[MaskContent]) -> bool:
    """Return True if the values rise from top to bottom or from left to right, as when a program numbers objects."""
    several = [content.places() for content in rows if len(content.values) > 1]
    ordered = [sum(places[axis] == sorted(places[axis]) for places in several) for axis in (0, 1)]
    return max(ordered) >= _ORDERED * len(several) > 0


def _values_text(values: set[int]) -> str:
    ordered = sorted(values)
    if ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"values {ordered[0]} to {ordered[-1]}"
    shown = ", ".join(map(str, ordered[:12]))
    return f"values {shown}{', ...' if len(ordered) > 12 else ''}"


def _many_objects(contents: Sequence[MaskContent], reading: Reading) -> bool:
    """Return True if most masks of one value hold three or more separate pieces of similar size."""
    areas = [pieces for content in contents for pieces in content.pieces.values() if pieces]
    if len(areas) < 2 or median(len(pieces) for pieces in areas) < _PIECES:
        return False
    several = [pieces for pieces in areas if len(pieces) >= _PIECES]
    alike = sum(pstdev(pieces) <= _SPREAD * mean(pieces) for pieces in several)
    if alike * 3 < 2 * len(several):
        return False
    total = sum(map(len, areas))
    for content in contents:
        if sum(map(len, content.pieces.values())) > 1:
            reading.note(
                "split-masks",
                "warning",
                lambda count: (
                    f"{times(count, 'mask')} of one value have several separate pieces of similar size: each piece was "
                    f"read as one object ({total} in all)."
                ),
                "If a mask is one object in several pieces: --no-split-masks (in Python split_masks=False).",
                content.path,
            )
    return True


def _note_pieces(contents: Sequence[MaskContent], values: set[int], reading: Reading) -> None:
    """Note masks with several large pieces, which are one instance each."""
    for content in contents:
        if any(len(content.pieces.get(value, ())) > 1 for value in values):
            reading.note(
                "several-pieces",
                "note",
                lambda count: (
                    f"{times(count, 'mask picture')} with several large separate pieces of one value, which are one "
                    "instance: one object in pieces, or several objects?"
                ),
                "To make each piece an instance: --split-masks (in Python split_masks=True).",
                content.path,
            )
