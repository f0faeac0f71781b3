"""Each point at which a fit changes a file: the process ends there, or the disk is full, broken, read-only or gone."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from tests.campaigns.campaign import Campaign
from tests.campaigns.file_events import watch
from tests.campaigns.processes import CLEAN_ERROR, run
from tests.campaigns.runs_compared import check_run, fit, reference
from tests.campaigns.sound.run import sound

__all__ = ["CRASH_POINTS", "points"]

_KILLED = 137


def _end(path: Path) -> None:
    os._exit(_KILLED)


def _fail(number: int) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    return act


def _remove(path: Path) -> None:
    """Remove the run folder while the fit writes into it."""
    folder = next((parent for parent in path.parents if parent.name == "run"), None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


_ACTIONS: dict[str, Callable[[Path], None]] = {
    "the process ends": _end,
    "the disk is full": _fail(errno.ENOSPC),
    "the disk is broken": _fail(errno.EIO),
    "the disk is read-only": _fail(errno.EROFS),
    "access is denied": _fail(errno.EACCES),
    "the folder is removed": _remove,
}


def _attempt(group: str, rng: Random, folder: Path) -> str:
    point, lasting = rng.randrange(points()), rng.random() < 0.5
    action = _ACTIONS[group]

    def disturbed() -> None:
        seen = -1

        def act(event: str, path: Path) -> None:
            nonlocal seen
            seen += 1
            if seen == point or (lasting and seen > point and group != "the folder is removed"):
                action(path)

        watch(folder / "disk", act)
        fit(folder / "disk")

    errors = folder / "errors.txt"
    (folder / "disk").mkdir()
    code = run(disturbed, errors)
    clean = (0, CLEAN_ERROR, _KILLED)
    assert code in clean, f"point {point}: {errors.read_text().strip().splitlines()[-1] if errors.exists() else code}"
    code = run(lambda: fit(folder / "disk"), errors)
    assert code == 0, f"point {point}, afterwards: {errors.read_text()[-300:] if errors.exists() else code}"
    check_run(folder / "disk")
    return f"point {point}"


@cache
def points() -> int:
    """Count the points of an undisturbed fit."""
    folder = sound().folder / "points"

    def counted() -> None:
        folder.mkdir()
        with (folder.parent / "points.txt").open("a") as file:
            watch(folder, lambda event, path: print(event, path, file=file, flush=True))
            fit(folder)

    assert run(counted) == 0
    return len((folder.parent / "points.txt").read_text().splitlines())


def _prepare() -> None:
    reference()
    points()


CRASH_POINTS = Campaign(
    "crash-points", tuple(_ACTIONS), _attempt, _prepare, limit_address_space=False, seconds=60, idle=120
)
