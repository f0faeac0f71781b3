"""Encode many images ahead of time; reader threads prepare the next images while the encoder works."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from samtailor.data.pixels.images import image_key
from samtailor.data.task import ImageRecord
from samtailor.embeddings.encoder import Encoder, run_encoder
from samtailor.embeddings.entry import EntryState
from samtailor.embeddings.reading import read_picture
from samtailor.embeddings.store import EmbeddingStore
from samtailor.errors import DataError, ImageError
from samtailor.machine.progress import Count, Note, Progress, silent

__all__ = ["EncodeReport", "encode_images"]

READERS = 2
"""Threads that hash and decode files while the encoder works."""
AHEAD = 4
"""Maximum number of decoded images that wait; this limits the memory."""
RATE_WINDOW = 32
"""Steps over which the rate is measured. It is short because cached images are much faster than others."""


@dataclass
class EncodeReport:
    """Result of ``encode_images``; ``total == already + encoded + len(failed)``.

    Attributes:
        total: images requested.
        already: images that were in the cache, or equal an earlier image of this call.
        encoded: images that the encoder computed.
        rebuilt: those of ``encoded`` that replaced a damaged entry.
        failed: file and reason of each image that could not be read.
        seconds: wall time.
    """

    total: int
    already: int = 0
    encoded: int = 0
    rebuilt: int = 0
    failed: list[tuple[Path, str]] = field(default_factory=list)
    seconds: float = 0.0


class _Checked(NamedTuple):
    """One image after a reader thread checked its entry; ``pixels`` is set only if it must be encoded."""

    path: Path
    key: str = ""
    state: EntryState = "missing"
    pixels: np.ndarray | None = None
    error: str = ""


def encode_images(
    base: Encoder,
    images: Sequence[ImageRecord],
    cache: EmbeddingStore,
    progress: Progress = silent,
    skip_unreadable: bool = False,
) -> EncodeReport:
    """Store the embedding of each image in the cache, unless the cache already has a good one.

    Existing entries are read and checked; images with a good entry are neither decoded nor encoded. If a call is
    stopped, its entries stay and the next call continues from there.

    Args:
        base: the frozen base.
        images: records whose files are read; equal files under two names are encoded once.
        cache: stores the embeddings.
        progress: receives a ``Count`` of stage ``Encoding``, with the rate, after each image.
        skip_unreadable: list unreadable images in ``failed`` instead of raising an error when the others are done.

    Raises:
        DataError: images could not be read; the cache then has all others.
        CacheError: the cache cannot be written.
        BaseModelError: the encoder's output does not have the base's shapes.
    """
    report = EncodeReport(total=len(images))
    meter = _Meter(len(images), progress)
    known_keys: set[str] = set()
    for checked in _read_ahead(base, images, cache):
        if checked.error:
            report.failed.append((checked.path, checked.error))
        elif checked.pixels is None or checked.key in known_keys:
            report.already += 1
        else:
            size = (checked.pixels.shape[1], checked.pixels.shape[0])
            cache.put(base.fingerprint, checked.key, run_encoder(base, checked.pixels), size, base.name)
            report.encoded += 1
            report.rebuilt += checked.state == "damaged"
        if not checked.error:
            known_keys.add(checked.key)
        meter.step()
    report.seconds = time.perf_counter() - meter.start
    if report.failed and not skip_unreadable:
        path, reason = report.failed[0]
        raise DataError(
            f"{len(report.failed)} of {report.total} images could not be read; the first is {path}: {reason}",
            "Replace or remove these files. The other images are encoded and will not be encoded again.",
        )
    if lost := sum(not cache.has(base.fingerprint, key) for key in known_keys):
        progress(
            Note(f"The store has no room for {lost} of {len(known_keys)} embeddings: they are computed each time.")
        )
    return report


def _read_ahead(base: Encoder, images: Sequence[ImageRecord], cache: EmbeddingStore) -> Iterator[_Checked]:
    """Check images in reader threads and yield the results in order; at most ``AHEAD + 1`` of them wait."""
    pool = ThreadPoolExecutor(READERS, thread_name_prefix="samtailor-read")
    pending: deque[Future[_Checked]] = deque()
    try:
        for record in images:
            pending.append(pool.submit(_check_entry, base, record.path, cache))
            if len(pending) > AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _check_entry(base: Encoder, path: Path, cache: EmbeddingStore) -> _Checked:
    """Check the entry of one image, and read the image if there is no good entry."""
    key: str = ""
    state: EntryState = "missing"
    try:
        key = image_key(path)
        state = cache.verify(base.fingerprint, key, base.embedding_shapes())
        if state == "good":
            return _Checked(path, key, state)
        picture = read_picture(path)  # its own key: the file may have changed since it was hashed
        return _Checked(path, picture.key, state, picture.pixels)
    except (ImageError, DataError, OSError) as error:
        return _Checked(path, key, state, error=str(error))


class _Meter:
    """Counts images and measures the rate over the last steps."""

    def __init__(self, total: int, progress: Progress) -> None:
        self.start = time.perf_counter()
        self._total, self._progress, self._done = total, progress, 0
        self._steps: deque[tuple[float, int]] = deque([(self.start, 0)], maxlen=RATE_WINDOW)

    def step(self, images: int = 1) -> None:
        self._done += images
        now = time.perf_counter()
        self._steps.append((now, self._done))
        start, done_at_start = self._steps[0]
        rate = (self._done - done_at_start) / max(now - start, 1e-9)
        self._progress(Count("Encoding", self._done, self._total, rate))
