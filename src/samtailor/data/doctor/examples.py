"""Choose images that show what a task holds: every split, every class, and the images with findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samtailor.data.findings import SEVERITIES, Finding, rank
from samtailor.data.splits import seeded_digest
from samtailor.data.task import ImageRecord, Task

__all__ = ["Example", "choose_examples"]


@dataclass(frozen=True)
class Example:
    """An image to show.

    Attributes:
        split: of the image.
        record: the image.
        findings: those about this image, most serious first.
    """

    split: str
    record: ImageRecord
    findings: tuple[Finding, ...] = ()


def choose_examples(task: Task, findings: Iterable[Finding], count: int) -> list[Example]:
    """Choose images so that as many splits, classes and kinds of finding as possible are seen.

    Args:
        task: the task.
        findings: of the task.
        count: number of images; fewer are returned if the task has fewer.

    Returns:
        The images in the order of the task. The choice does not depend on the order of the files.
    """
    about: dict[str, list[Finding]] = {}
    for finding in rank(findings):
        for file in finding.files:
            about.setdefault(file, []).append(finding)
    examples = [
        Example(split, record, tuple(dict.fromkeys(about.get(str(record.path), ()))))
        for split, records in task.splits.items()
        for record in records
    ]
    order = sorted(range(len(examples)), key=lambda k: seeded_digest(0, examples[k].record.path.name))
    chosen = _covering([_shows(example) for example in examples], order, count)
    chosen += _others(examples, [k for k in order if k not in set(chosen)], count - len(chosen))
    return [examples[k] for k in sorted(chosen)]


def _shows(example: Example) -> set[tuple[str, str]]:
    """What an image lets people see."""
    return {
        ("split", example.split),
        *(("class", instance.label) for instance in example.record.instances),
        *(("finding", finding.code) for finding in example.findings),
    }


def _covering(shown: Sequence[set[tuple[str, str]]], order: Sequence[int], count: int) -> list[int]:
    """Take the image that shows most of what was not seen yet, again and again, until all is seen."""
    bits = {thing: 1 << k for k, thing in enumerate(sorted(set().union(*shown)))} if shown else {}
    masks = [sum(bits[thing] for thing in things) for things in shown]
    missing, chosen = sum(bits.values()), list[int]()
    while missing and len(chosen) < count:
        best = max(order, key=lambda k: (masks[k] & missing).bit_count())
        chosen.append(best)
        missing &= ~masks[best]
    return chosen


def _others(examples: Sequence[Example], order: Sequence[int], count: int) -> list[int]:
    """Fill up: half of the places with images that have findings, the rest from the splits in turn."""
    troubled = [k for k in order if any(f.severity != SEVERITIES[-1] for f in examples[k].findings)]
    chosen = troubled[: count // 2]
    queues: dict[str, list[int]] = {}
    for k in sorted((k for k in order if k not in set(chosen)), key=lambda k: not examples[k].record.promptable):
        queues.setdefault(examples[k].split, []).append(k)
    while len(chosen) < count and any(queues.values()):
        for queue in queues.values():
            if queue and len(chosen) < count:
                chosen.append(queue.pop(0))
    return chosen
