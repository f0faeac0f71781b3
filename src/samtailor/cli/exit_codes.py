"""Exit codes of the command line, all in one place; docs/guides/scripting.md lists them."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode"]


class ExitCode(IntEnum):
    """What the exit code of a command means."""

    DONE = 0
    """The command did what it was asked to do."""
    INCOMPLETE = 1
    """The command ended, but the data has an error (``inspect --strict``) some of the files failed (``predict``), or a
    base cannot be used (``doctor``)."""
    MISTAKE = 2
    """An option, a file or the data cannot be used; the message says what to do. What was computed is kept."""
    INTERRUPTED = 130
    """Ctrl-C. What was computed is kept, and the same command continues (``fit``: with ``--resume``)."""
    PIPE_CLOSED = 141
    """The program that read the output ended first, as in ``samtailor inspect TASK | head -3``."""
