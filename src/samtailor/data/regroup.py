"""Splitting a task anew so that images which belong together (a patient, a slide, a video) stay in one split."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from samtailor.data.splits import SHARES
from samtailor.data.task import SPLITS, ImageRecord, Task
from samtailor.errors import DataError

__all__ = ["MIN_GROUPS", "image_name", "share_out", "split_by_group"]

MIN_GROUPS = 3
_HINT = "Write a pattern such as '([^/_]+)_[^/]*$' (the file name up to its first _) or 'patient(\\d+)'."


def split_by_group(task: Task, pattern: str, seed: int = 0) -> Task:
    """The task with new splits, near 70 % train, 10 % val, 20 % test of the images, no group in two of them.

    The pattern is searched in each image's name (its path below the task's root, with ``/``); what it matches, or
    its first group where it has one, is the group's name. Instance ids stay where they differ over the whole task;
    otherwise all instances are numbered anew, in the order of the images' names.

    Raises:
        DataError: the pattern is no regular expression, does not match every image, or makes too few groups.
    """
    names = {record.path: image_name(record, task) for records in task.splits.values() for record in records}
    images: dict[Path, ImageRecord] = {}  # each file once
    for record in (record for records in task.splits.values() for record in records):
        other = images.setdefault(record.path, record)
        if _content(other) != _content(record):
            raise DataError(
                f"{record.path} is in two splits with different annotations, so it cannot be split anew.",
                "Put all annotations of an image into one split.",
            )
    groups = _groups(names_of=[names[path] for path in images], pattern=pattern)
    members: dict[str, list[ImageRecord]] = {}
    for record in sorted(images.values(), key=lambda record: names[record.path]):
        members.setdefault(groups[names[record.path]], []).append(record)
    if len(members) < MIN_GROUPS:
        raise DataError(
            f"--split-by {pattern!r} makes {len(members)} groups of {len(images)} images ({', '.join(members)}); "
            f"expected {MIN_GROUPS} or more, one for each split.",
            _HINT,
        )
    chosen = share_out({group: len(records) for group, records in members.items()}, seed)
    splits = {
        split: tuple(record for group, records in members.items() if chosen[group] == split for record in records)
        for split in SPLITS
    }
    how = f"split 70/10/20 by the {len(members)} groups of {pattern!r} (seed {seed})"
    return replace(task, format=f"{task.format}, then {how}", splits=_with_own_ids(splits))


def _content(record: ImageRecord) -> list[tuple[str, bytes, bool]]:
    return sorted((i.label, i.rle["counts"], i.crowd) for i in record.instances)


def image_name(record: ImageRecord, task: Task) -> str:
    """Path of an image below the task's root, with ``/``; its file name where it lies elsewhere."""
    path, root = record.path, task.root
    if not path.is_relative_to(root):  # one of them may be absolute and the other not
        path, root = path.resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def share_out(sizes: dict[str, int], seed: int = 0) -> dict[str, str]:
    """Choose a split for each group so that val and test hold near 10 % and 20 % of the images, train the rest.

    Groups come in the order of a hash of (seed, group); val, then test, takes each that brings it nearer to its
    share. A group may be too large for either and then goes to train.

    Args:
        sizes: group -> images, 1 or more each; ``MIN_GROUPS`` groups or more.
        seed: another seed gives another choice.

    Returns:
        group -> split; every split gets a group.
    """
    waiting = sorted(sizes, key=lambda group: (_digest(seed, group), group))
    total = sum(sizes.values())
    chosen: dict[str, str] = {}
    for kept, split in ((2, "val"), (1, "test")):  # so many groups stay for the splits to come
        wanted, have = SHARES[split] * total, 0
        for group in waiting:
            if len(sizes) - len(chosen) > kept and abs(have + sizes[group] - wanted) < abs(have - wanted):
                chosen[group] = split
                have += sizes[group]
        if not have:  # every group is far too large
            chosen[min(waiting, key=lambda group: sizes[group])] = split
        waiting = [group for group in waiting if group not in chosen]
    return chosen | dict.fromkeys(waiting, "train")


def _groups(names_of: list[str], pattern: str) -> dict[str, str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(f"--split-by {pattern!r} is no regular expression ({error}).", _HINT) from error
    groups: dict[str, str] = {}
    without: list[str] = []
    for name in names_of:
        match = compiled.search(name)
        text = match and match.group(1 if compiled.groups else 0)
        if text:
            groups[name] = text
        else:
            without.append(name)
    if without:
        raise DataError(
            f"--split-by {pattern!r} finds nothing in {len(without)} of {len(names_of)} image names, the first is "
            f"{min(without)}.",
            _HINT,
        )
    return groups


def _with_own_ids(splits: dict[str, tuple[ImageRecord, ...]]) -> dict[str, tuple[ImageRecord, ...]]:
    ids = [instance.id for records in splits.values() for record in records for instance in record.instances]
    if len(set(ids)) == len(ids):
        return splits
    fresh = iter(range(len(ids)))
    return {
        split: tuple(
            replace(record, instances=tuple(replace(instance, id=next(fresh)) for instance in record.instances))
            for record in records
        )
        for split, records in splits.items()
    }


def _digest(seed: int, group: str) -> bytes:
    return hashlib.blake2b(f"{seed}:{group}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
