"""From an embedded image to its instances: proposals, seeds, prompts, masks, scores, merging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from samtailor.adapters.answer import AdaptedModel
from samtailor.automatic.head import ProposalHead, Proposals
from samtailor.automatic.merge import MergeRules, merge
from samtailor.automatic.quality import Quality, mask_features
from samtailor.automatic.seeds import SeedRules, Seeds, find_seeds
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.metrics import Patch
from samtailor.prompts import Prompts

__all__ = ["Candidate", "Finder", "Found"]


@dataclass(frozen=True)
class Found:
    """An instance that was found.

    Attributes:
        label: its class.
        patch: its mask, image frame.
        score: how good the mask probably is, 0..1.
        seed: (x, y) of the click that it answers, image frame.
    """

    label: str
    patch: Patch
    score: float
    seed: tuple[float, float]


@dataclass(frozen=True)
class Candidate:
    """The answer to one seed, before merging.

    Attributes:
        seed: its position among the seeds.
        patch: the mask, image frame.
        features: (F,) what its score is computed from.
        estimate: the model's own estimate of the mask's IoU.
        seed_depth: the depth at the seed.
        seed_foreground: the probability of foreground at the seed.
    """

    seed: int
    patch: Patch
    features: np.ndarray
    estimate: float
    seed_depth: float
    seed_foreground: float


@dataclass(frozen=True)
class Finder:
    """Finds the instances of an image.

    Attributes:
        model: base and adapter.
        head: proposes.
        classes: C names, in the head's order.
        quality: scores masks; None takes the model's own estimates.
        seeds: rules for seeds.
        merging: rules for merging.
    """

    model: AdaptedModel
    head: ProposalHead
    classes: tuple[str, ...]
    quality: Quality | None = None
    seeds: SeedRules = field(default_factory=SeedRules)
    merging: MergeRules = field(default_factory=MergeRules)

    def find(self, image: EmbeddedImage) -> list[Found]:
        """Find the instances of an image, the best scores first."""
        proposals = self.propose(image)
        seeds = self.seeds_of(image, proposals)
        candidates = self.answer(image, proposals, seeds)
        scores, classes = self.scores(candidates), seeds.classes[[c.seed for c in candidates]]
        points = self.points_of(image, seeds)
        return [
            Found(
                self.classes[classes[k]],
                candidates[k].patch,
                float(scores[k]),
                (float(points[candidates[k].seed, 0]), float(points[candidates[k].seed, 1])),
            )
            for k in merge([c.patch for c in candidates], scores, classes, self.merging)
        ]

    @torch.inference_mode()
    def propose(self, image: EmbeddedImage) -> Proposals:
        """Run the head."""
        return self.head(image.embeddings["image"])  # type: ignore[no-any-return]

    def seeds_of(self, image: EmbeddedImage, proposals: Proposals) -> Seeds:
        """Find the seeds of all classes."""
        foreground = torch.sigmoid(proposals.foreground[0]).cpu().numpy()
        return find_seeds(foreground, proposals.depth[0].cpu().numpy(), image.frame.valid_low_res().numpy(), self.seeds)

    def points_of(self, image: EmbeddedImage, seeds: Seeds) -> np.ndarray:
        """Return the seeds in the image frame, (S, 2)."""
        points: np.ndarray = image.frame.low_res_to_image(torch.from_numpy(seeds.points)).numpy()
        return points

    def answer(self, image: EmbeddedImage, proposals: Proposals, seeds: Seeds) -> list[Candidate]:
        """Prompt the model with each seed; the image is embedded once, and its decoding is shared."""
        if not len(seeds):
            return []
        points = self.points_of(image, seeds)[:, None]
        prompts = Prompts(points=points, labels=np.ones(points.shape[:2], dtype=np.int64))
        foreground, depth = torch.sigmoid(proposals.foreground[0]).cpu(), proposals.depth[0].cpu()
        candidates = []
        for answer in self.model.answer(image, prompts):
            rows = range(len(seeds))[answer.rows]
            own = seeds.classes[answer.rows]
            features = mask_features(
                answer.low_res[:, 0], answer.estimates[:, 0], foreground[own], depth[own], seeds.strengths[answer.rows]
            )
            for k, row in enumerate(rows):
                own_seed = float(seeds.depths[row]), float(seeds.foregrounds[row])
                candidates.append(
                    Candidate(row, answer.patch(k), features[k], float(answer.estimates[k, 0]), *own_seed)
                )
        return candidates

    def scores(self, candidates: Sequence[Candidate]) -> np.ndarray:
        """Score candidates, (n,)."""
        if self.quality is None or not candidates:
            return np.array([c.estimate for c in candidates], dtype=np.float32)
        return self.quality.scores(np.stack([c.features for c in candidates]))
