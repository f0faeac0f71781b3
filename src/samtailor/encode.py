"""Encode the images of a task ahead of time, so that fitting and evaluating never wait for the encoder."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.task import ImageRecord
from samtailor.embeddings.cache import EmbeddingCache, Encoder, EntryState, encode_images
from samtailor.errors import DataError, ImageError

__all__ = ["EncodeProgress", "EncodeReport", "encode_task"]

READERS = 2
"""Threads that hash and decode files while the encoder works."""
AHEAD = 4
"""Decoded images that may wait, besides those of the next batch; bounds the memory."""
RATE_WINDOW = 32
"""Steps over which the speed is measured: images that were cached already pass much faster than others."""


@dataclass(frozen=True)
class EncodeProgress:
    """How far ``encode_task`` is: images done (also cached or unreadable ones) of ``total``, and the recent speed."""

    done: int
    total: int
    images_per_second: float
    seconds_left: float


@dataclass
class EncodeReport:
    """What ``encode_task`` did; ``total == already + encoded + len(failed)``.

    Attributes:
        total: images asked for.
        already: images that were in the cache, or are the same picture as an earlier one of this run.
        encoded: images that went through the encoder.
        rebuilt: how many of ``encoded`` replace a damaged entry.
        failed: file and reason of each image that could not be read.
        seconds: wall time.
    """

    total: int
    already: int = 0
    encoded: int = 0
    rebuilt: int = 0
    failed: list[tuple[Path, str]] = field(default_factory=list)
    seconds: float = 0.0


class _Found(NamedTuple):
    """What a reader thread says of one image; ``pixels`` only where they must be encoded."""

    path: Path
    key: str = ""
    state: EntryState = "missing"
    pixels: np.ndarray | None = None
    error: str = ""


def encode_task(
    base: Encoder,
    images: Sequence[ImageRecord],
    cache: EmbeddingCache,
    batch_size: int = 1,
    progress: Callable[[EncodeProgress], None] | None = None,
    skip_unreadable: bool = False,
) -> EncodeReport:
    """Put the embedding of each image into the cache, unless a good one is there.

    Every entry that exists is read and checked; what is not missing or damaged is neither decoded nor encoded.
    Stopping at any moment keeps what is stored, and the next call goes on from there.

    Args:
        base: the frozen base.
        images: records whose files are read; the same picture under two names is encoded once.
        cache: where embeddings go.
        batch_size: images per call of the encoder.
        progress: called in this thread as images get done, at last with ``done == total``.
        skip_unreadable: return unreadable images in ``failed`` instead of raising after the others are done.

    Raises:
        DataError: ``batch_size`` is below 1, or images could not be read; all others are in the cache by then.
        CacheError: the cache cannot be written.
        BaseModelError: the encoder's answer does not have a row per image.
    """
    if batch_size < 1:
        raise DataError(f"batch_size is {batch_size}; expected 1 or more.")
    report = EncodeReport(total=len(images))
    meter = _Meter(len(images), progress)
    waiting: dict[str, _Found] = {}  # by key: the next batch
    known: set[str] = set()

    def flush() -> None:
        batch = list(waiting.items())
        waiting.clear()
        pixels = [found.pixels for _, found in batch if found.pixels is not None]
        for (key, found), image, tensors in zip(batch, pixels, encode_images(base, pixels), strict=True):
            cache.put(base.fingerprint, key, tensors, (image.shape[1], image.shape[0]), base.name)
            report.encoded += 1
            report.rebuilt += found.state == "damaged"
        meter.step(len(batch))

    for found in _read_ahead(base.fingerprint, images, cache, batch_size + AHEAD):
        if found.error:
            report.failed.append((found.path, found.error))
            meter.step()
        elif found.pixels is None or found.key in known:
            report.already += 1
            meter.step()
        else:
            waiting[found.key] = found
        known.add(found.key)
        if len(waiting) >= batch_size:
            flush()
    if waiting:
        flush()
    report.seconds = time.perf_counter() - meter.start
    if report.failed and not skip_unreadable:
        path, reason = report.failed[0]
        raise DataError(
            f"{len(report.failed)} of {report.total} images could not be read; the first is {path}: {reason}",
            "Replace or remove these files; the other images are encoded and will not be encoded again.",
        )
    return report


def _read_ahead(fingerprint: str, images: Sequence[ImageRecord], cache: EmbeddingCache, depth: int) -> Iterator[_Found]:
    """Findings in the order of ``images``, at most ``depth`` of them waiting."""
    pool = ThreadPoolExecutor(READERS, thread_name_prefix="samtailor-read")
    pending: deque[Future[_Found]] = deque()
    try:
        for record in images:
            pending.append(pool.submit(_look, fingerprint, record.path, cache))
            if len(pending) >= depth:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _look(fingerprint: str, path: Path, cache: EmbeddingCache) -> _Found:
    try:
        key = image_key(path)
    except (ImageError, DataError, OSError) as error:
        return _Found(path, error=str(error))
    state = cache.verify(fingerprint, key)
    if state == "good":
        return _Found(path, key, state)
    try:
        return _Found(path, key, state, read_image(path))
    except (ImageError, DataError, OSError) as error:
        return _Found(path, key, state, error=str(error))


class _Meter:
    """Counts images and measures the speed over the last steps."""

    def __init__(self, total: int, progress: Callable[[EncodeProgress], None] | None) -> None:
        self.start = time.perf_counter()
        self._total, self._progress, self._done = total, progress, 0
        self._steps: deque[tuple[float, int]] = deque([(self.start, 0)], maxlen=RATE_WINDOW)

    def step(self, images: int = 1) -> None:
        self._done += images
        now = time.perf_counter()
        self._steps.append((now, self._done))
        then, before = self._steps[0]
        rate = (self._done - before) / max(now - then, 1e-9)
        if self._progress is not None:
            self._progress(EncodeProgress(self._done, self._total, rate, (self._total - self._done) / rate))
