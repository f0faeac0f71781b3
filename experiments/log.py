"""Write lines of progress to standard error."""

from __future__ import annotations

import sys

__all__ = ["log"]


def log(text: str) -> None:
    """Print ``text`` to standard error at once, so that a log file is up to date."""
    print(text, file=sys.stderr, flush=True)
