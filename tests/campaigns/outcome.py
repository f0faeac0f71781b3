"""How a case ended, and the counts of many cases."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["BAD", "Outcome", "Tally"]

KINDS = ("ok", "clean error", "raw exception", "hang", "memory", "crash")
NOTED = ("printed", "long message")  # beside the kind
BAD = (*KINDS[2:], *NOTED)
LONGEST = 20_000
"""Characters of an error's message; a longer one is counted."""
KEPT = 3  # inputs that are kept of each distinct failure


@dataclass(frozen=True)
class Outcome:
    """How one case ended.

    Attributes:
        kind: one of ``KINDS``.
        detail: the result, or the error and where it was raised.
        length: characters of the error's message.
        printed: text that libraries wrote to stderr.
        peak: bytes of memory above those at the start.
    """

    kind: str
    detail: str = ""
    length: int = 0
    printed: str = ""
    peak: int = 0

    @property
    def failures(self) -> list[str]:
        """Name everything that is wrong with it; empty for a result and for a clean error."""
        found = [f"{self.kind}: {self.detail[:200]}"] if self.kind in BAD else []
        found += [f"printed: {self.printed.strip().splitlines()[-1][:150]}"] if self.printed.strip() else []
        return [*found, f"long message: {self.length} characters"] if self.length > LONGEST else found


@dataclass
class Tally:
    """Counts by group, and the first inputs of each distinct failure in the folder ``keep``."""

    keep: Path
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    largest: int = 0

    def add(self, group: str, name: str, outcome: Outcome, sample: Path | None = None) -> None:
        """Count an outcome; if it is a failure, copy its input ``sample``."""
        row = self.counts.setdefault(group, Counter())
        row["cases"] += 1
        row[outcome.kind] += 1
        row.update(failure.split(":")[0] for failure in outcome.failures if failure.split(":")[0] in NOTED)
        self.largest = max(self.largest, outcome.peak)
        for failure in outcome.failures:
            key = f"{group} | {re.sub(r'[0-9]+', '0', failure) if failure.startswith('printed') else failure}"
            self.failures[key] = self.failures.get(key, 0) + 1
            if self.failures[key] <= KEPT and sample is not None and sample.exists():
                _copy(sample, self.keep / f"{group}-{name}".replace(" ", "-"), key)

    @property
    def bad(self) -> int:
        """Number of failures."""
        return sum(self.failures.values())

    def lines(self) -> list[str]:
        """Return the table of counts as Markdown, with a last row of sums."""
        total: Counter[str] = sum(self.counts.values(), Counter())
        columns = ("cases", *KINDS, *NOTED)
        head = [f"| {' | '.join(('inputs', *columns))} |", f"|---|{'---:|' * len(columns)}"]
        rows = [*self.counts.items(), ("all", total)]
        return [*head, *(f"| {name} | {' | '.join(str(row[c]) for c in columns)} |" for name, row in rows)]


def _copy(sample: Path, target: Path, failure: str) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(sample.rglob("*")):
        to = target / path.relative_to(sample)
        if path.is_symlink():
            to.parent.mkdir(parents=True, exist_ok=True)
            to.symlink_to(path.readlink())
        elif path.is_file():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
    (target / "failure.txt").write_text(failure + "\n", encoding="utf-8", errors="replace")
