"""Show the progress of a command: the display of the package, printed as commands print."""

from __future__ import annotations

from samtailor.cli.output import print_text
from samtailor.machine import display
from samtailor.machine.display import LINE_SECONDS, duration

__all__ = ["LINE_SECONDS", "ProgressDisplay", "duration"]


class ProgressDisplay(display.ProgressDisplay):
    """A progress function that shows events on the console of a command; use it as a context manager."""

    def write(self, text: str) -> None:
        print_text(self.console, text)
