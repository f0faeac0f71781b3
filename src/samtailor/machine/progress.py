"""One progress protocol for all long work: a function that receives events.

    def show(event: Event) -> None:
        if isinstance(event, Count):
            print(event.stage, event.done, "of", event.total)

    evaluate_task(task, base, progress=show)

Long work sends a ``Count`` as it goes on, and a ``Note`` for a line worth reading. A fit also sends the events of
``samtailor.fitting.progress``. Receivers ignore events they do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = ["Count", "Event", "Note", "Progress", "counted", "silent"]


class Event:
    """Base class of everything a progress function may receive."""


@dataclass(frozen=True)
class Count(Event):
    """A stage of the work advanced.

    Attributes:
        stage: name of the stage, such as ``Encoding``; a new name starts a new stage.
        done: finished items; the stage ends when ``done == total``.
        total: items of the stage.
        rate: items per second over the last items; None if it is not measured.
    """

    stage: str
    done: int
    total: int
    rate: float | None = None


@dataclass(frozen=True)
class Note(Event):
    """A line of text for the user."""

    text: str


Progress = Callable[[Event], None]
"""Receives events in the thread that does the work."""


def silent(event: Event) -> None:
    """Ignore the event: the progress function for work without a display."""


_Item = TypeVar("_Item", covariant=True)


class _SizedIterable(Sized, Iterable[_Item], Protocol[_Item]):
    """What ``len`` and ``for`` accept."""


def counted(items: _SizedIterable[_Item], stage: str, progress: Progress = silent) -> Iterator[_Item]:
    """Yield ``items`` and send a ``Count`` before the first and after each one."""
    total = len(items)
    progress(Count(stage, 0, total))
    for done, item in enumerate(items, 1):
        yield item
        progress(Count(stage, done, total))
