"""Show the progress of a fit: the display of the package, printed as commands print."""

from __future__ import annotations

from samtailor.cli.progress import ProgressDisplay
from samtailor.fitting import display

__all__ = ["FitDisplay"]


class FitDisplay(ProgressDisplay, display.FitDisplay):
    """A progress function that also shows the events of a fit."""
