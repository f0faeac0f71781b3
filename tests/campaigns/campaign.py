"""What a campaign is: groups of inputs, and a function that makes and tries one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

__all__ = ["Campaign", "nothing"]


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Campaign:
    """A campaign whose cases are functions of (seed, group, number).

    Attributes:
        name: name on the command line.
        groups: kinds of inputs; cases are spread evenly over them.
        attempt: (group, random numbers, empty folder) -> words about the result. It writes the input into the folder,
            and gives it to the package.
        prepare: imports and builds what all cases share, once, before processes are started.
        limit_address_space: set a limit on the memory of the process. torch and pyarrow reserve too much for that;
            then the memory that is used is measured.
        seconds: CPU time of a case, from which on it counts as a hang.
        idle: seconds in which a case computes nothing, from which on it counts as a hang.
    """

    name: str
    groups: tuple[str, ...]
    attempt: Callable[[str, Random, Path], str]
    prepare: Callable[[], None] = nothing
    limit_address_space: bool = True
    seconds: float = 5.0
    idle: float = 10.0

    def case(self, number: int) -> str:
        """Return the group of a case."""
        return self.groups[number % len(self.groups)]
