"""One reading of a task: its options, the entries that had to be skipped, and what was repaired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from samtailor.data.findings import Finding, Severity, times
from samtailor.data.words import cut
from samtailor.errors import DataError

__all__ = ["BrokenEntry", "ReadOptions", "Reading"]

SKIPPED_SHARE = 0.01  # of all entries: so many broken ones are skipped without being asked
SKIPPED_COUNT = 3  # and so many in any case, if most entries are good
SHOWN = 20  # broken entries that an error lists


@dataclass(frozen=True)
class ReadOptions:
    """How to read a task.

    Attributes:
        seed: seed of the split if the files make none.
        boxes_as_masks: fill boxes if annotations have no masks.
        skip_broken: skip broken entries, however many there are.
        crowds: what ``iscrowd`` 1 means in COCO: ``keep`` crowd regions, read them as ``objects``, or ``auto``.
        split_masks: make an instance of each separate piece of a mask picture's masks; None does it if masks of one
            value hold several pieces of similar size.
        mask_values: what the values of mask pictures without a table are: ``objects``, ``classes``, or ``auto``.
    """

    seed: int = 0
    boxes_as_masks: bool = False
    skip_broken: bool = False
    crowds: str = "auto"
    split_masks: bool | None = None
    mask_values: str = "auto"


@dataclass(frozen=True)
class BrokenEntry:
    """An entry of an annotation file, a mask or an image that cannot be used.

    Attributes:
        file: the file that holds it.
        entry: which entry of the file, in words, such as ``annotation 12``; empty for the whole file.
        cause: what is wrong, without a full stop.
        hint: what to do, one sentence.
    """

    file: Path
    entry: str
    cause: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}{f', {self.entry}' if self.entry else ''}: {self.cause}"


@dataclass
class Reading:
    """Collects what a reader meets. Readers call ``count``, ``broken`` and ``note``; ``finish`` judges at the end.

    Attributes:
        options: how to read.
    """

    options: ReadOptions = field(default_factory=ReadOptions)
    _total: int = 0
    _broken: list[BrokenEntry] = field(default_factory=list)
    _notes: dict[str, tuple[Severity, Callable[[int], str], str, list[str]]] = field(default_factory=dict)

    def count(self, entries: int = 1) -> None:
        """Count entries that were looked at, good or broken."""
        self._total += entries

    def broken(self, file: Path, entry: str, cause: str, hint: str = "") -> None:
        """Record an entry that is left out; see ``BrokenEntry``."""
        self._broken.append(BrokenEntry(file, cut(entry, 150), cut(cause), hint))

    def note(self, code: str, severity: Severity, what: Callable[[int], str], hint: str, file: Path | str) -> None:
        """Record something that was repaired, or that deserves a look, once per place it occurs.

        Args:
            code: code of the finding; occurrences with one code become one finding.
            severity: of the finding.
            what: makes the sentence from the number of occurrences.
            hint: what to do.
            file: the image or file where it occurs.
        """
        self._notes.setdefault(code, (severity, what, hint, []))[3].append(str(file))

    def noted(self, code: str) -> set[str]:
        """Return the files that were noted with a code."""
        return set(self._notes[code][3]) if code in self._notes else set()

    def finish(self, root: Path, is_empty: bool = False) -> tuple[Finding, ...]:
        """Turn notes and skipped entries into findings.

        Args:
            root: the folder or file of the task.
            is_empty: True if no image is left; then a few broken entries are an error too.

        Raises:
            DataError: too many entries are broken; the message lists the first ones.
        """
        findings = [
            Finding(severity, code, what(len(files)), tuple(dict.fromkeys(files)), len(files), hint)
            for code, (severity, what, hint, files) in self._notes.items()
        ]
        if self._broken:
            self._refuse_many(root, is_empty)
            what = f"{times(len(self._broken), 'broken entry', 'broken entries')} of {self._total} left out; first: "
            hint = self._broken[0].hint or "Fix the entries, or leave them out on purpose."
            files = tuple(dict.fromkeys(str(entry.file) for entry in self._broken))
            text = f"{what}{self._broken[0]}."
            findings.append(Finding("warning", "broken-entries", text, files, len(self._broken), hint))
        return tuple(findings)

    @property
    def skipped(self) -> str:
        """Text for the format line, such as ``, 2 of 300 entries left out``; empty if nothing is left out."""
        return f", {len(self._broken)} of {self._total} entries left out" if self._broken else ""

    def _refuse_many(self, root: Path, is_empty: bool) -> None:
        broken, total = len(self._broken), max(self._total, len(self._broken))
        few = broken <= max(SKIPPED_COUNT, SKIPPED_SHARE * total) and broken < total / 2
        if not is_empty and (self.options.skip_broken or few):
            return
        lines = [f"  {entry}." for entry in self._broken[:SHOWN]]
        more = f"\n  and {broken - SHOWN} more" if broken > SHOWN else ""
        hint = self._broken[0].hint
        way_out = "" if is_empty else " To read the rest without them: --skip-broken (in Python skip_broken=True)."
        raise DataError(
            f"{broken} of {total} entries of {root} cannot be used{', and no image is left' if is_empty else ''}:\n"
            + "\n".join(lines)
            + more,
            f"{hint}{way_out}".strip(),
        )
