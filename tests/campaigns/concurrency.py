"""Several processes and threads at once: the same cache, the same run folder, the same predictor."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.campaigns.campaign import Campaign
from tests.campaigns.processes import CLEAN_ERROR, run
from tests.campaigns.runs_compared import check_entries, check_run, encode, fit, reference
from tests.campaigns.sound.run import sound

__all__ = ["CONCURRENCY"]


def _at_once(functions: Sequence[Callable[[], object]]) -> list[int]:
    """Run each function in a process of its own, all at the same time; return the exit codes."""
    with ThreadPoolExecutor(len(functions)) as threads:
        return list(threads.map(run, functions))


def _one_cache(rng: Random, folder: Path) -> str:
    """Three processes encode the same pictures into one cache."""
    codes = _at_once([lambda: encode(folder)] * 3)
    assert codes == [0, 0, 0], codes
    check_entries(folder, whole=True)
    return "equal"


def _two_runs(rng: Random, folder: Path) -> str:
    """Two fits run side by side, each in its own folder."""
    codes = _at_once([lambda: fit(folder / "a"), lambda: fit(folder / "b")])
    assert codes == [0, 0], codes
    check_run(folder / "a")
    check_run(folder / "b")
    return "equal"


def _one_run(rng: Random, folder: Path) -> str:
    """Two fits start in one folder: one of them fits, the other one says that the folder is in use, or waits."""
    codes = _at_once([lambda: fit(folder), lambda: fit(folder)])
    assert set(codes) <= {0, CLEAN_ERROR} and 0 in codes, codes
    check_run(folder)
    return str(codes)


def _threads(rng: Random, folder: Path) -> str:
    """Four threads ask one predictor about different pictures, each in two calls."""
    predictor, right, pictures = _answers(os.getpid())

    def ask(number: int) -> bool:
        predictor.set_image(pictures[number % len(pictures)])
        masks = predictor.predict(points=[[20, 20]]).masks
        return bool((masks == right[number % len(pictures)]).all())

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(ask, range(40)))
    assert all(answers), f"{answers.count(False)} of 40 answers are those of another picture"
    return "40 answers"


@cache
def _answers(process: int) -> tuple[Any, list[np.ndarray], list[Path]]:
    """Return a predictor of this process, and its answers without other threads."""
    from samtailor.embeddings.cache import EmbeddingCache
    from samtailor.predict import Predictor

    pictures = sorted((sound().folder / "pictures").iterdir())[:8]
    predictor, right = Predictor(sound().base, None, EmbeddingCache(sound().folder / "reference/encode/cache")), []
    for path in pictures:
        predictor.set_image(path)
        right.append(predictor.predict(points=[[20, 20]]).masks)
    return predictor, right, pictures


_KINDS = {"one cache": _one_cache, "two runs": _two_runs, "one run folder": _one_run, "threads": _threads}


def _prepare() -> None:
    reference()


CONCURRENCY = Campaign(
    "concurrency",
    tuple(_KINDS),
    lambda group, rng, folder: _KINDS[group](rng, folder),
    _prepare,
    limit_address_space=False,
    seconds=60,
    idle=120,
)
