"""Pictures that a task holds twice: the same file, or the same picture in another size, format or quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from samtailor.data.doctor import likeness
from samtailor.data.doctor.findings import Finding, times
from samtailor.data.pixels.images import image_key, read_image
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError, ImageError

__all__ = ["Duplicate", "DuplicateSearch", "drop_duplicates", "duplicate_findings", "find_duplicates"]

_ROWS = 512  # pictures compared with all others at a time; 512 x 10,000 products are 20 MB
_CHUNK = 16  # candidates looked at in one go


@dataclass(frozen=True)
class Duplicate:
    """A picture that the task holds already.

    Attributes:
        file: the later one.
        split: its split.
        of: the earlier one, in the order train, val, test.
        of_split: its split.
        kind: "bytes": the files are equal; "alike": the pictures are.
        likeness: 1 for equal files, else the overall correlation of the thumbnails.
    """

    file: str
    split: str
    of: str
    of_split: str
    kind: Literal["bytes", "alike"]
    likeness: float

    def to_dict(self) -> dict[str, Any]:
        """Texts and numbers, for JSON."""
        return asdict(self)


class DuplicateSearch:
    """Takes pictures one after the other and keeps a key, a 64 x 64 thumbnail and a name of each: 4 KB."""

    def __init__(self) -> None:
        self._files: list[tuple[str, str]] = []
        self._keys: list[str] = []
        self._thumbs = np.empty((0, likeness.SIDE, likeness.SIDE), dtype=np.uint8)

    def add(self, file: str | Path, split: str, key: str, pixels: np.ndarray) -> None:
        """Take a picture in.

        Args:
            file: its path.
            split: its split.
            key: equal for files of equal bytes.
            pixels: (H, W, 3) uint8.
        """
        count = len(self._files)
        if count == len(self._thumbs):  # room for twice as many, so that growing costs little in all
            self._thumbs = np.concatenate((self._thumbs, np.empty((max(64, count), 64, 64), dtype=np.uint8)))
        self._thumbs[count] = likeness.thumbnail(pixels)
        self._files.append((str(file), split))
        self._keys.append(key)

    def duplicates(self) -> list[Duplicate]:
        """What was taken in twice, in the order train, val, test, and within a split as taken in.

        A picture is named at most once for each kind, with one picture it repeats, from the earliest split that has
        one. A picture alike one in its own split is not named if its file is there twice anyway.
        """
        order = sorted(range(len(self._files)), key=lambda k: _place(self._files[k][1]))
        found = self._equal(order)
        named = {(d.file, d.split): _place(d.of_split) for d in found}
        found += [d for d in self._alike(order) if _place(d.of_split) < named.get((d.file, d.split), len(SPLITS) + 1)]
        position = {self._files[k]: n for n, k in reversed(list(enumerate(order)))}
        return sorted(found, key=lambda d: (position[d.file, d.split], d.kind != "bytes"))

    def _equal(self, order: list[int]) -> list[Duplicate]:
        first: dict[str, int] = {}
        pairs = [(k, first.setdefault(self._keys[k], k)) for k in order]
        return [self._name(k, other, "bytes", 1.0) for k, other in pairs if k != other]

    def _alike(self, order: list[int]) -> list[Duplicate]:
        thumbs = self._thumbs[order]
        lively, prints = _describe(thumbs)
        splits = np.array([_place(self._files[k][1]) for k in order], dtype=np.int64)
        keys = np.array([self._keys[k] for k in order])
        found = []
        for start in range(0, len(order), _ROWS):
            stop = min(start + _ROWS, len(order))
            bounds = prints[start:stop] @ prints[:stop].T
            for row in range(start, stop):
                bound = bounds[row - start, :row]
                candidates = np.flatnonzero((bound >= likeness.OVERALL - 1e-4) & lively[:row] & lively[row])
                candidates = candidates[keys[candidates] != keys[row]]
                best = _first_alike(thumbs, row, candidates, splits)
                if best is not None:
                    found.append(self._name(order[row], order[best[0]], "alike", best[1]))
        return found

    def _name(self, one: int, other: int, kind: Literal["bytes", "alike"], value: float) -> Duplicate:
        return Duplicate(*self._files[one], *self._files[other], kind, round(value, 4))


def find_duplicates(task: Task, progress: Callable[[int, int], None] | None = None) -> list[Duplicate]:
    """Read every image of a task once and say which it holds twice; images that cannot be read are passed over.

    Args:
        task: the task.
        progress: called as progress(done, total) after each image.
    """
    search = DuplicateSearch()
    records = [(split, record) for split, split_records in task.splits.items() for record in split_records]
    for done, (split, record) in enumerate(records, 1):
        with suppress(ImageError):
            search.add(record.path, split, image_key(record.path), read_image(record.path))
        if progress is not None:
            progress(done, len(records))
    return search.duplicates()


def drop_duplicates(task: Task, found: Sequence[Duplicate]) -> Task:
    """The task without the images of val and test that repeat one of an earlier split; train stays as it is.

    Args:
        task: the task.
        found: what ``find_duplicates`` gave, or a part of it: pass only those of kind "bytes" to keep pictures that are
            merely alike.

    Raises:
        DataError: nothing would be left of a split.
    """
    doomed = {(d.split, d.file) for d in found if _place(d.of_split) < _place(d.split)}
    splits = {
        split: tuple(record for record in records if (split, str(record.path)) not in doomed)
        for split, records in task.splits.items()
    }
    for split, records in task.splits.items():
        if records and not splits[split]:
            raise DataError(
                f"All {len(records)} images of split {split!r} of task {task.name!r} repeat those of an earlier split.",
                "Split the images anew, so that pictures of one group (a place, a patient, a film) stay together.",
            )
    return replace(task, splits=splits)


def duplicate_findings(found: Sequence[Duplicate]) -> list[Finding]:
    """Duplicates between splits, equal or alike, and within one."""
    cross = [d for d in found if d.split != d.of_split]
    within = [d for d in found if d.split == d.of_split]
    findings = []
    for pairs, kind, code, severity in (
        (cross, "bytes", "same-picture", "error"),
        (cross, "alike", "alike-picture", "warning"),
        (within, "bytes", "same-picture-within", "note"),
        (within, "alike", "alike-picture-within", "note"),
    ):
        chosen = [d for d in pairs if d.kind == kind]
        if chosen:
            findings.append(_finding(severity, code, chosen, kind, pairs is cross))  # type: ignore[arg-type]
    return findings


def _finding(
    severity: Literal["error", "warning", "note"], code: str, chosen: list[Duplicate], kind: str, cross: bool
) -> Finding:
    ties: dict[str, int] = {}
    for d in chosen:
        tie = f"{d.split} and {d.of_split}" if cross else f"in {d.split}"
        ties[tie] = ties.get(tie, 0) + 1
    one = len(chosen) == 1
    if kind == "bytes":
        how = "has the same bytes as" if one else "have the same bytes as"
    else:
        how = "looks like" if one else "look like"
    where = "of an earlier split" if cross else "of the same split"
    first = chosen[0]
    example = f"{Path(first.file).name} ({first.split}) and {Path(first.of).name} ({first.of_split})"
    what = f"{times(len(chosen), 'image')} {how} another {where} ({_listed(ties)}); the first: {example}."
    if cross:
        what += " Scores on them say too much."
        hint = "Take the files named from their split (`--json` names all, in `duplicates`)"
        if kind == "alike":
            hint += ", after a look at some, or keep shots of one scene in one split: `--split-by REGEX`."
        else:
            hint += "; if the file names tell groups apart, `--split-by REGEX` splits anew and keeps each together."
    else:
        hint = "They count twice and do no other harm; take them out if that is not meant."
    return Finding(severity, code, what, tuple(dict.fromkeys(d.file for d in chosen)), len(chosen), hint)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items())


def _place(split: str) -> int:
    return SPLITS.index(split) if split in SPLITS else len(SPLITS)


def _describe(thumbs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``has_detail`` (N,) and fingerprints (N, 65), in pieces, because floats of all thumbnails would be large."""
    lively = np.zeros(len(thumbs), dtype=bool)
    prints = np.empty((len(thumbs), likeness.FINGERPRINT), dtype=np.float32)
    for start in range(0, len(thumbs), _ROWS):
        piece = slice(start, start + _ROWS)
        lively[piece], prints[piece] = likeness.has_detail(thumbs[piece]), likeness.fingerprint(thumbs[piece])
    return lively, prints


def _first_alike(thumbs: np.ndarray, row: int, candidates: np.ndarray, splits: np.ndarray) -> tuple[int, float] | None:
    """One alike from the earliest split, and its likeness.

    It is the most alike of those in the first chunk that holds any: usually that is all candidates, of which there are
    few or none; with a thousand shots from one camera it saves looking at all.
    """
    for start in range(0, len(candidates), _CHUNK):
        chunk = candidates[start : start + _CHUNK]
        values = likeness.overall(thumbs[row], thumbs[chunk])
        alike = (values >= likeness.OVERALL) & (likeness.detail(thumbs[row], thumbs[chunk]) >= likeness.DETAIL)
        if alike.any():
            alike &= splits[chunk] == splits[chunk][alike].min()
            best = int(np.where(alike, values, -np.inf).argmax())
            return int(chunk[best]), float(values[best])
    return None
