"""Stop a fit at a safe point after Ctrl-C or a signal to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from samtailor.machine.progress import Event, Progress

__all__ = ["FitInterrupted", "Stop", "Stopped", "stop_on_signals"]

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Stopped(BaseException):
    """The fit was asked to stop. It is no Exception, so code that handles errors lets it pass."""


class FitInterrupted(KeyboardInterrupt):
    """A fit was stopped by Ctrl-C or a signal; the run folder holds everything to continue it.

    Attributes:
        what: what was done, and what was written.
        hint: the command that continues the fit.
        exit_code: as shells have it: 130 after Ctrl-C.
    """

    def __init__(self, what: str, hint: str, exit_code: int = 130) -> None:
        self.what, self.hint, self.exit_code = what, hint, exit_code
        super().__init__(f"{what} {hint}")


class Stop:
    """The wish to stop.

    Attributes:
        signal: the signal that came; 0 if none did.
    """

    def __init__(self) -> None:
        self.signal = 0

    def check(self) -> None:
        """Raise ``Stopped`` if a signal came."""
        if self.signal:
            raise Stopped

    def watched(self, progress: Progress) -> Progress:
        """Return a progress function that also checks, for work which can stop after any event."""

        def receive(event: Event) -> None:
            self.check()
            progress(event)

        return receive


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Note the first Ctrl-C or signal to end instead of raising; a second one raises KeyboardInterrupt at once.

    In other threads than the main one, and for signals that are ignored (``nohup``), nothing changes.
    """
    stop, previous = Stop(), dict[int, Any]()

    def note(number: int, frame: FrameType | None) -> None:
        if stop.signal:
            raise KeyboardInterrupt
        stop.signal = number

    if threading.current_thread() is threading.main_thread():
        for name in SIGNALS:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                previous[number] = signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
