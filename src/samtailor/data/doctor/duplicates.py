"""Find duplicate pictures of a task: the same file, or the same picture in another size, format or quality."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from samtailor.data.doctor import likeness
from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError, ImageError
from samtailor.machine.progress import Progress, counted, silent

__all__ = ["Duplicate", "DuplicateSearch", "drop_duplicates", "find_duplicates"]

Kind = Literal["bytes", "alike", "mirrored"]

_ROWS = 512  # pictures compared with all others at a time; 512 x 10,000 products are 20 MB
_CHUNK = 16  # candidates compared in detail at a time


@dataclass(frozen=True)
class Duplicate:
    """A picture that repeats an earlier one.

    Attributes:
        file: the later picture.
        split: its split.
        of: the earlier picture, in the order train, val, test.
        of_split: its split.
        kind: "bytes" if the files are equal, "alike" if only the pictures are, "mirrored" if one is the other's mirror
            image; the latter only between splits.
        likeness: 1 for equal files, otherwise the overall correlation of the thumbnails.
    """

    file: str
    split: str
    of: str
    of_split: str
    kind: Kind
    likeness: float

    def to_dict(self) -> dict[str, Any]:
        """Return strings and numbers, for JSON."""
        return asdict(self)


class DuplicateSearch:
    """Collects pictures and compares them. Of each it keeps a key, a 64 x 64 thumbnail and a name: 4 KB."""

    def __init__(self) -> None:
        self._files: list[tuple[str, str]] = []
        self._keys: list[str] = []
        self._thumbs = np.empty((0, likeness.SIDE, likeness.SIDE), dtype=np.uint8)

    def add(self, file: str | Path, split: str, key: str, pixels: np.ndarray) -> None:
        """Add a picture.

        Args:
            file: its path.
            split: its split.
            key: equal for files with equal bytes.
            pixels: (H, W, 3) uint8.
        """
        count = len(self._files)
        if count == len(self._thumbs):  # double the room, so that the total cost of growing is small
            room = np.empty((max(64, count), likeness.SIDE, likeness.SIDE), dtype=np.uint8)
            self._thumbs = np.concatenate((self._thumbs, room))
        self._thumbs[count] = likeness.thumbnail(pixels)
        self._files.append((str(file), split))
        self._keys.append(key)

    def duplicates(self) -> list[Duplicate]:
        """Return the duplicates in the order train, val, test, and within a split in the order of ``add``.

        A picture is listed at most once for each kind, with one earlier picture from the earliest split that has one.
        If a picture's file has an equal one in the same split, a picture that is merely alike in that split is not
        listed as well.
        """
        order = sorted(range(len(self._files)), key=lambda k: _split_index(self._files[k][1]))
        duplicates = self._equal(order)
        equal_in = {(d.file, d.split): _split_index(d.of_split) for d in duplicates}
        later_than_all = len(SPLITS) + 1
        duplicates += [
            d for d in self._alike(order) if _split_index(d.of_split) < equal_in.get((d.file, d.split), later_than_all)
        ]
        found = {(d.file, d.split) for d in duplicates if d.split != d.of_split}
        duplicates += [d for d in self._mirrored(order) if (d.file, d.split) not in found]
        position = {self._files[k]: n for n, k in reversed(list(enumerate(order)))}
        return sorted(duplicates, key=lambda d: (position[d.file, d.split], d.kind != "bytes"))

    def _equal(self, order: list[int]) -> list[Duplicate]:
        first: dict[str, int] = {}
        pairs = [(k, first.setdefault(self._keys[k], k)) for k in order]
        return [self._duplicate(k, earlier, "bytes", 1.0) for k, earlier in pairs if k != earlier]

    def _alike(self, order: list[int]) -> list[Duplicate]:
        thumbs = self._thumbs[order]
        detailed, prints = _describe(thumbs)
        splits = np.array([_split_index(self._files[k][1]) for k in order], dtype=np.int64)
        keys = np.array([self._keys[k] for k in order])
        duplicates = []
        for start in range(0, len(order), _ROWS):
            stop = min(start + _ROWS, len(order))
            bounds = prints[start:stop] @ prints[:stop].T
            for row in range(start, stop):
                bound = bounds[row - start, :row]
                candidates = np.flatnonzero((bound >= likeness.OVERALL - 1e-4) & detailed[:row] & detailed[row])
                candidates = candidates[keys[candidates] != keys[row]]
                best = _first_alike(thumbs, thumbs[row], candidates, splits)
                if best is not None:
                    duplicates.append(self._duplicate(order[row], order[best[0]], "alike", best[1]))
        return duplicates

    def _mirrored(self, order: list[int]) -> list[Duplicate]:
        """Return pictures that are mirror images of one in an earlier split; each once."""
        splits = np.array([_split_index(self._files[k][1]) for k in order], dtype=np.int64)
        if len(set(splits.tolist())) < 2:
            return []
        thumbs = self._thumbs[order]
        detailed, prints = _describe(thumbs)
        duplicates: dict[int, Duplicate] = {}
        for mirrored in (thumbs[:, :, ::-1], thumbs[:, ::-1]):
            _, turned = _describe(mirrored)
            for start in range(0, len(order), _ROWS):
                stop = min(start + _ROWS, len(order))
                bounds = turned[start:stop] @ prints[:stop].T
                for row in range(start, stop):
                    likely = bounds[row - start, :row] >= likeness.OVERALL - 1e-4
                    candidates = np.flatnonzero(likely & detailed[:row] & detailed[row] & (splits[:row] != splits[row]))
                    if row in duplicates or not candidates.size:
                        continue
                    best = _first_alike(thumbs, mirrored[row], candidates, splits)
                    if best is not None:
                        duplicates[row] = self._duplicate(order[row], order[best[0]], "mirrored", best[1])
        return list(duplicates.values())

    def _duplicate(self, later: int, earlier: int, kind: Kind, value: float) -> Duplicate:
        return Duplicate(*self._files[later], *self._files[earlier], kind, round(value, 4))


def find_duplicates(task: Task, progress: Progress = silent) -> list[Duplicate]:
    """Read every image of a task once and return the duplicates. Images that cannot be read are skipped.

    Args:
        task: the task.
        progress: receives a ``Count`` of the stage "Comparing" after each image.
    """
    search = DuplicateSearch()
    images = [(split, record) for split, records in task.splits.items() for record in records]
    for split, record in counted(images, "Comparing", progress):
        with suppress(ImageError):
            search.add(record.path, split, image_key(record.path), read_image(record.path))
    return search.duplicates()


def drop_duplicates(task: Task, duplicates: Sequence[Duplicate]) -> Task:
    """Return the task without the images of val and test that repeat one of an earlier split. Train keeps all images.

    Args:
        task: the task.
        duplicates: the result of ``find_duplicates``, or part of it: pass only those of kind "bytes" to keep pictures
            that are merely alike.

    Raises:
        DataError: a split would become empty.
    """
    dropped = {(d.split, d.file) for d in duplicates if _split_index(d.of_split) < _split_index(d.split)}
    splits = {
        split: tuple(record for record in records if (split, str(record.path)) not in dropped)
        for split, records in task.splits.items()
    }
    for split, records in task.splits.items():
        if records and not splits[split]:
            raise DataError(
                f"All {len(records)} images of split {split!r} of task {task.name!r} repeat images of an earlier "
                "split; expected some that do not.",
                "Split the images again, with the images of each group (a place, a patient, a film) in one split.",
            )
    return replace(task, splits=splits)


def _split_index(split: str) -> int:
    """Return the position of a split in the order train, val, test, others."""
    return SPLITS.index(split) if split in SPLITS else len(SPLITS)


def _describe(thumbs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``has_detail`` (N,) and fingerprints (N, 65), computed in pieces to save memory."""
    detailed = np.zeros(len(thumbs), dtype=bool)
    prints = np.empty((len(thumbs), likeness.FINGERPRINT), dtype=np.float32)
    for start in range(0, len(thumbs), _ROWS):
        piece = slice(start, start + _ROWS)
        detailed[piece], prints[piece] = likeness.has_detail(thumbs[piece]), likeness.fingerprint(thumbs[piece])
    return detailed, prints


def _first_alike(
    thumbs: np.ndarray, thumb: np.ndarray, candidates: np.ndarray, splits: np.ndarray
) -> tuple[int, float] | None:
    """Return a picture like ``thumb`` from the earliest split, and its likeness.

    It is the most alike picture of the first chunk that holds any. Usually one chunk holds all candidates. With a
    thousand shots from one camera, stopping there saves comparing them all.
    """
    for start in range(0, len(candidates), _CHUNK):
        chunk = candidates[start : start + _CHUNK]
        values = likeness.overall(thumb, thumbs[chunk])
        alike = (values >= likeness.OVERALL) & (likeness.detail(thumb, thumbs[chunk]) >= likeness.DETAIL)
        if alike.any():
            alike &= splits[chunk] == splits[chunk][alike].min()
            best = int(np.where(alike, values, -np.inf).argmax())
            return int(chunk[best]), float(values[best])
    return None
