"""Train the proposal head: batches of whole images, scored by how well its seeds hit the instances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from samtailor.adapters.answer import AdaptedModel
from samtailor.automatic.finder import Finder
from samtailor.automatic.head import ProposalHead
from samtailor.automatic.loss import proposal_loss
from samtailor.automatic.targets import DenseTargets, dense_targets
from samtailor.data.task import ImageRecord
from samtailor.fitting.config import FitConfig
from samtailor.fitting.state import FitState
from samtailor.fitting.validate import Validation, standard_error
from samtailor.metrics import mean_over_classes, mean_over_instances

__all__ = ["HeadWork", "seed_scores"]

DEPTH_WEIGHT = 2.0
"""Of the depth term; the others have 1."""


@dataclass(frozen=True)
class HeadWork:
    """Trains a proposal head on whole images.

    Attributes:
        model: gives the embeddings.
        head: to train.
        classes: C names, in the head's order.
        train: images; those without instances are examples of background.
        val: images to validate on.
        config: ``batch`` images are used in each step.
    """

    model: AdaptedModel
    head: ProposalHead
    classes: tuple[str, ...]
    train: Sequence[ImageRecord]
    val: Sequence[ImageRecord]
    config: FitConfig
    _targets: dict[Path, DenseTargets] = field(default_factory=dict)

    @property
    def trained(self) -> ProposalHead:
        return self.head

    @property
    def peak_rate(self) -> float:
        return 2e-3

    @property
    def per_step(self) -> int:
        return min(self.config.batch, len(self.train))

    @property
    def per_validation(self) -> int:
        return len(self.val)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.train) // self.per_step)

    def gradients(self, step: int, progress: float) -> dict[str, float]:
        sums: dict[str, float] = {}
        for slot in range(self.per_step):
            epoch, position = divmod(step * self.per_step + slot, len(self.train))
            order = np.random.default_rng([self.config.seed, epoch]).permutation(len(self.train))
            record = self.train[int(order[position])]
            image = self.model.open(record)
            targets = self._targets.get(record.path)
            if targets is None:
                targets = self._targets[record.path] = dense_targets(record.instances, self.classes, image.frame)
            terms = proposal_loss(self.head(image.embeddings["image"]), targets)
            loss = terms["foreground"] + terms["dice"] + DEPTH_WEIGHT * terms["depth"]
            (loss / self.per_step).backward()  # type: ignore[no-untyped-call]
            for name, value in {"loss": loss, **terms}.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) / self.per_step
        return {**sums, "empty": 0.0}

    def score_start(self, check: Callable[[], None]) -> tuple[Validation, Validation | None, str]:
        """Score the base: without a head there are no seeds, so every score is 0."""
        labels = [label for record in self.val for label in {i.label for i in record.promptable} & {*self.classes}]
        return _validation([0.0] * len(labels), labels), None, ""

    def score(self, check: Callable[[], None]) -> Validation:
        self.head.eval()
        finder, scores, labels = Finder(self.model, self.head, self.classes), list[float](), list[str]()
        for record in self.val:
            check()
            for label, score in seed_scores(finder, record).items():
                scores.append(score)
                labels.append(label)
        return _validation(scores, labels)

    def finish(self, state: FitState) -> None:
        self.head.eval()


def seed_scores(finder: Finder, record: ImageRecord) -> dict[str, float]:
    """Score the seeds of an image by class: F1 of the instances that have a seed; further seeds count as false.

    Returns:
        class -> F1, 0..1, for each class that the image has or was given seeds for.
    """
    image = finder.model.open(record)
    seeds = finder.seeds_of(image, finder.propose(image))
    places = np.floor(finder.points_of(image, seeds)).astype(int).clip(0, [record.width - 1, record.height - 1])
    scores = {}
    for k, label in enumerate(finder.classes):
        own = places[seeds.classes == k]
        masks = [i.mask() for i in record.promptable if i.label == label]
        if not masks and not len(own):
            continue
        hits = sum(bool(mask[own[:, 1], own[:, 0]].any()) for mask in masks)
        scores[label] = 2 * hits / (len(masks) + len(own))
    return scores


def _validation(scores: list[float], labels: list[str]) -> Validation:
    if not scores:
        return Validation(0.0, 0.0, 0)
    error = standard_error(scores, labels)
    return Validation(
        mean_over_classes(scores, labels), mean_over_instances(scores), len(scores), 0.0, error, tuple(scores)
    )
