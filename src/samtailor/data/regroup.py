"""Split a task by groups, so that images that belong together (a patient, a slide, a video) are in one split."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from samtailor.data.defaults import SHARES
from samtailor.data.splits import seeded_digest, split_note
from samtailor.data.task import SPLITS, ImageRecord, Task
from samtailor.errors import DataError

__all__ = ["MIN_GROUPS", "image_name", "share_out", "split_by_group"]

MIN_GROUPS = 3
_HINT = "Write a pattern such as '([^/_]+)_[^/]*$' (the file name up to its first _) or 'patient(\\d+)'."


def split_by_group(task: Task, pattern: str, seed: int = 0) -> Task:
    """Split a task again, with each group of images in one split and the shares of images close to ``SHARES``.

    The pattern is searched in each image's name (its path below the task's root, with ``/``). The name of the group is
    the match, or the match's first group if the pattern has one. Instance ids stay if they are unique in the whole
    task. Otherwise all instances are numbered again, in the order of the images' names.

    Raises:
        DataError: the pattern is not a regular expression, does not match every image, or makes too few groups.
    """
    names = {record.path: image_name(record, task) for record in task.images}
    images: dict[Path, ImageRecord] = {}  # each file once
    for record in task.images:
        first = images.setdefault(record.path, record)
        if _content(first) != _content(record):
            raise DataError(
                f"{record.path} is in two splits with different annotations; expected equal ones.",
                "Put all annotations of an image into one split.",
            )
    groups = _groups([names[path] for path in images], pattern)
    members: dict[str, list[ImageRecord]] = {}
    for record in sorted(images.values(), key=lambda record: names[record.path]):
        members.setdefault(groups[names[record.path]], []).append(record)
    if len(members) < MIN_GROUPS:
        raise DataError(
            f"--split-by {pattern!r} makes {len(members)} groups of {len(images)} images ({', '.join(members)}); "
            f"expected {MIN_GROUPS} or more, one for each split.",
            _HINT,
        )
    split_of = share_out({group: len(records) for group, records in members.items()}, seed)
    splits = {
        split: tuple(record for group, records in members.items() if split_of[group] == split for record in records)
        for split in SPLITS
    }
    note = split_note(f"the {len(members)} groups of {pattern!r}", seed)
    return replace(task, format=f"{task.format}, then {note}", splits=_with_unique_ids(splits))


def _content(record: ImageRecord) -> list[tuple[str, bytes, bool]]:
    return sorted((i.label, i.rle["counts"], i.crowd) for i in record.instances)


def image_name(record: ImageRecord, task: Task) -> str:
    """Return the path of an image below the task's root, with ``/``; its file name if it is not below the root."""
    path, root = record.path, task.root
    if not path.is_relative_to(root):  # one of them may be absolute and the other relative
        path, root = path.resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def share_out(sizes: dict[str, int], seed: int = 0) -> dict[str, str]:
    """Choose a split for each group so that val and test come close to their shares; train gets the rest.

    Groups come in the order of a hash of (seed, group). First val, then test takes each group that brings it closer to
    its share. A group that is too large for both goes to train.

    Args:
        sizes: group -> number of images, 1 or more each; ``MIN_GROUPS`` groups or more.
        seed: a different seed gives a different choice.

    Returns:
        group -> split. Every split gets a group.
    """
    remaining = sorted(sizes, key=lambda group: (seeded_digest(seed, group), group))
    total = sum(sizes.values())
    split_of: dict[str, str] = {}
    for reserved, split in ((2, "val"), (1, "test")):  # groups that must be left for the splits after this one
        target, count = SHARES[split] * total, 0
        for group in remaining:
            closer = abs(count + sizes[group] - target) < abs(count - target)
            if len(sizes) - len(split_of) > reserved and closer:
                split_of[group] = split
                count += sizes[group]
        if not count:  # every group is far too large
            split_of[min(remaining, key=lambda group: sizes[group])] = split
        remaining = [group for group in remaining if group not in split_of]
    return split_of | dict.fromkeys(remaining, "train")


def _groups(names: list[str], pattern: str) -> dict[str, str]:
    """Return image name -> group."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(f"--split-by {pattern!r} is not a regular expression ({error}).", _HINT) from error
    groups: dict[str, str] = {}
    unmatched: list[str] = []
    for name in names:
        match = compiled.search(name)
        group = match and match.group(1 if compiled.groups else 0)
        if group:
            groups[name] = group
        else:
            unmatched.append(name)
    if unmatched:
        raise DataError(
            f"--split-by {pattern!r} matches nothing in {len(unmatched)} of {len(names)} image names, the first is "
            f"{min(unmatched)}; expected a match in every name.",
            _HINT,
        )
    return groups


def _with_unique_ids(splits: dict[str, tuple[ImageRecord, ...]]) -> dict[str, tuple[ImageRecord, ...]]:
    """Number the instances again if an id occurs twice."""
    ids = [instance.id for records in splits.values() for record in records for instance in record.instances]
    if len(set(ids)) == len(ids):
        return splits
    new_ids = iter(range(len(ids)))
    return {
        split: tuple(
            replace(record, instances=tuple(replace(instance, id=next(new_ids)) for instance in record.instances))
            for record in records
        )
        for split, records in splits.items()
    }
