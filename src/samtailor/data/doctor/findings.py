"""What the doctor says of a task: findings, and which come first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["CODES", "SEVERITIES", "Finding", "Severity", "rank", "times"]

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

# Every code, the most harmful first; docs/guides/data.md says of each what it means and what to do.
CODES = (
    "unreadable",
    "missing-split",
    "nothing-to-train-on",
    "same-picture",
    "alike-picture",
    "boxes",
    "class-not-in-train",
    "full-mask",
    "same-mask",
    "empty-mask",
    "few-instances",
    "small",
    "thin",
    "speckles",
    "rare-class",
    "class-not-scored",
    "one-class-rules",
    "same-picture-within",
    "alike-picture-within",
    "strip",
    "crowd-only",
    "no-instances",
)


@dataclass(frozen=True)
class Finding:
    """One thing that deserves a look.

    Attributes:
        severity: "error": it cannot be used, or its figures would be false; "warning": it probably costs quality or
            trust; "note": good to know.
        code: one of ``CODES``.
        what: one or two sentences that say what was found.
        files: the images concerned, all of them, each once, in the order of the task; empty where it is about none.
        count: how many images, instances, classes or splits are concerned; ``what`` says which.
        hint: what to do.
    """

    severity: Severity
    code: str
    what: str
    files: tuple[str, ...]
    count: int
    hint: str

    def to_dict(self) -> dict[str, Any]:
        """Texts, numbers and lists, for JSON."""
        return {**asdict(self), "files": list(self.files)}


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors, then warnings, then notes; among equals the more harmful code first, then the larger count."""
    return tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), CODES.index(f.code), -f.count)))


def times(count: int, noun: str, plural: str = "") -> str:
    """``times(1, "image")`` is "1 image", ``times(2, "image")`` is "2 images"."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
