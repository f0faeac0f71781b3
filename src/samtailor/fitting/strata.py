"""Choose the instances that are prompted in validation: some of every class, spread over images."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from samtailor.data.task import Instance

__all__ = ["MAX_ROUNDS", "select_instances"]

MAX_ROUNDS = 4
"""Largest number of prompts of an instance."""


def select_instances(
    images: Sequence[Sequence[Instance]], limit: int, rng: np.random.Generator
) -> dict[tuple[int, int], list[Instance]]:
    """Choose instances for at most ``limit`` prompts.

    Half of the prompts are shared equally among the classes, the other half in proportion to their instances. So a rare
    class has several prompts, if necessary several of the same instance, and its mean does not depend on one click. An
    instance is prompted up to four times, and no instance twice before all of its class were prompted once.

    Args:
        images: the instances of each image.
        limit: largest number of prompts.
        rng: random generator.

    Returns:
        (round, index of the image) -> instances, in order; an instance has at most one prompt in a round.
    """
    places: dict[str, list[tuple[int, Instance]]] = defaultdict(list)
    for image in rng.permutation(len(images)):
        for k in rng.permutation(len(images[image])):
            places[images[image][k].label].append((int(image), images[image][k]))
    shares = _shares({label: len(own) for label, own in places.items()}, limit)
    used: Counter[int] = Counter()  # prompts by image
    chosen: dict[tuple[int, int], list[Instance]] = defaultdict(list)
    for label in sorted(places, key=lambda name: (len(places[name]), name)):  # rare classes choose their images first
        within: Counter[int] = Counter()
        ordered: list[tuple[int, int, int, int, Instance]] = []
        for image, instance in places[label]:
            ordered.append((within[image], used[image], len(ordered), image, instance))
            within[image] += 1
        ordered.sort(key=lambda entry: entry[:3])
        for k in range(shares[label]):
            round_, position = divmod(k, len(ordered))
            image, instance = ordered[position][3:]
            used[image] += 1
            chosen[round_, image].append(instance)
    return {key: chosen[key] for key in sorted(chosen)}


def _shares(counts: dict[str, int], limit: int) -> dict[str, int]:
    """Divide ``limit`` prompts among classes; none gets more than ``MAX_ROUNDS`` per instance."""
    most = {label: MAX_ROUNDS * count for label, count in counts.items()}
    equal = max(1, limit // (2 * len(counts))) if len(counts) <= limit else 0
    shares = {label: min(equal, most[label]) for label in counts}
    # The rest goes to the class with the fewest prompts per instance, one by one.
    heap = [(shares[label] / count, label) for label, count in counts.items() if shares[label] < most[label]]
    heapq.heapify(heap)
    for _ in range(limit - sum(shares.values())):
        if not heap:
            break
        _, label = heapq.heappop(heap)
        shares[label] += 1
        if shares[label] < most[label]:
            heapq.heappush(heap, (shares[label] / counts[label], label))
    return shares
