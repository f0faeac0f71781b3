"""Findings of the doctor, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["CODES", "SEVERITIES", "Finding", "Severity", "listed", "rank", "times"]

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

# All codes, most harmful first. docs/guides/data.md explains each and says what to do.
CODES = (
    "unreadable",
    "broken-entries",
    "outside-image",
    "scaled",
    "crowd-flags",
    "stored-values",
    "unnamed-classes",
    "pascal-names",
    "grey-edges",
    "palette-colours",
    "inverted-masks",
    "inverted-lut",
    "exif-turned",
    "exif-unclear",
    "value-zero",
    "void-border",
    "split-masks",
    "pictures-left-out",
    "unread-bands",
    "few-levels",
    "missing-split",
    "nothing-to-train-on",
    "same-picture",
    "alike-picture",
    "mirrored-picture",
    "augmented-copies",
    "boxes",
    "boxes-left-out",
    "outside-task",
    "no-split",
    "class-not-in-train",
    "full-mask",
    "same-mask",
    "empty-mask",
    "few-instances",
    "small",
    "thin",
    "speckles",
    "several-pieces",
    "rare-class",
    "class-not-scored",
    "one-class-rules",
    "same-picture-within",
    "alike-picture-within",
    "strip",
    "repaired",
    "unread-files",
    "crowd-only",
    "no-instances",
    "repeated-instance",
    "shapes-left-out",
    "skipped-annotations",
    "embedded-image",
    "repaired-path",
    "encoding",
)


@dataclass(frozen=True)
class Finding:
    """One problem of a task.

    Attributes:
        severity: "error": the data cannot be used, or its scores would be wrong; "warning": quality or trust probably
            suffers; "note": good to know.
        code: one of ``CODES``.
        what: the problem in one or two sentences.
        files: all images concerned, each once, in the order of the task; empty if the finding is not about images.
        count: number of images, instances, classes or splits concerned; ``what`` says which.
        hint: what to do.
    """

    severity: Severity
    code: str
    what: str
    files: tuple[str, ...]
    count: int
    hint: str

    def to_dict(self) -> dict[str, Any]:
        """Return strings, numbers and lists, for JSON."""
        return {**asdict(self), "files": list(self.files)}


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings: errors, then warnings, then notes; then by harm of the code; then by falling count."""
    return tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), CODES.index(f.code), -f.count)))


def times(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: ``times(1, "image")`` is "1 image", ``times(2, "image")`` is "2 images"."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], most: int) -> str:
    """Join names with commas; after ``most`` names an ellipsis follows."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
