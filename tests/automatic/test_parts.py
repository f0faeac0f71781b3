"""The stages from targets to merged masks, each alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from samtailor.automatic.head import ProposalHead, Proposals
from samtailor.automatic.loss import proposal_loss
from samtailor.automatic.matching import ImageMatch, match_image, panoptic_quality, segmentation_accuracy
from samtailor.automatic.merge import MergeRules, merge
from samtailor.automatic.quality import FEATURES, Quality, mask_features
from samtailor.automatic.seeds import SeedRules, find_seeds
from samtailor.automatic.targets import DenseTargets, dense_targets
from samtailor.data.pixels.rle import mask_rle
from samtailor.data.task import Instance
from samtailor.frames import Frame
from samtailor.metrics import Patch

FRAME = Frame(64, 64, 256, 64, (256, 256))  # a low-res pixel is a pixel


def disc(x: float, y: float, radius: float, side: int = 64) -> np.ndarray:
    ys, xs = np.mgrid[:side, :side] + 0.5
    return (xs - x) ** 2 + (ys - y) ** 2 <= radius**2


def instance(number: int, mask: np.ndarray, label: str = "a", crowd: bool = False) -> Instance:
    return Instance(number, label, mask_rle(mask), int(mask.sum()), crowd)


def targets_of(*instances: Instance, classes: tuple[str, ...] = ("a",)) -> DenseTargets:
    return dense_targets(instances, classes, FRAME)


def perfect(targets: DenseTargets) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return targets.foreground.numpy() / 255, targets.depth.numpy() / 255, targets.valid.numpy()


def test_the_depth_is_one_at_the_deepest_pixel_and_has_a_valley_between_instances() -> None:
    targets = targets_of(instance(1, disc(20, 32, 10)), instance(2, disc(41, 32, 10.5)))
    depth = targets.depth[0].numpy() / 255
    assert depth[32, 20] > 0.9 and depth[31, 40] > 0.9
    assert depth[32, 28:34].min() < 0.25 and (targets.foreground[0, 32, 28:34] > 0).all()  # where they touch
    assert depth[0, 0] == 0 and targets.valid.all() and not targets.ignored.any()


def test_classes_crowds_and_images_without_instances() -> None:
    crowd = instance(2, disc(10, 10, 6), crowd=True)
    targets = targets_of(instance(1, disc(40, 40, 8)), crowd, instance(3, disc(50, 10, 5), "b"), classes=("a", "c"))
    assert targets.foreground[0, 10, 10] == 0 and targets.ignored[0, 10, 10] and not targets.ignored[1].any()
    assert targets.foreground[0, 10, 50] == 0  # class b is not asked for
    assert not targets.foreground[1].any() and not targets_of().depth.any()


@pytest.mark.parametrize(
    "discs", [[(32, 32, 12)], [(20, 32, 10), (41, 32, 10)], [(10, 10, 3), (16, 10, 3), (50, 50, 9)]]
)
def test_perfect_proposals_have_one_seed_in_each_instance(discs: list[tuple[float, float, float]]) -> None:
    masks = [disc(*d) for d in discs]
    seeds = find_seeds(*perfect(targets_of(*(instance(k, m) for k, m in enumerate(masks)))), SeedRules())
    assert len(seeds) == len(masks)
    hit = {k for x, y in seeds.points for k, mask in enumerate(masks) if mask[int(y), int(x)]}
    assert hit == set(range(len(masks)))
    assert (np.diff(seeds.strengths) <= 0).all()


def test_seeds_obey_their_rules() -> None:
    targets = targets_of(instance(1, disc(32, 32, 12)), instance(2, disc(32, 32, 12), "b"), classes=("a", "b"))
    foreground, depth, valid = perfect(targets)
    assert find_seeds(foreground, depth, valid, SeedRules()).classes.tolist() == [0, 1]
    assert len(find_seeds(foreground * 0.4, depth, valid, SeedRules(foreground=0.5))) == 0
    assert len(find_seeds(foreground, depth * 0.2, valid, SeedRules(depth=0.3))) == 0
    assert len(find_seeds(foreground, depth, np.zeros_like(valid), SeedRules())) == 0  # all is padding
    plateau = np.zeros((1, 64, 64), dtype=np.float32)
    plateau[0, 20:30, 20:30] = 1
    assert len(find_seeds(plateau, plateau, valid, SeedRules(smoothing=0))) == 1


def test_the_loss_falls_to_its_least_for_perfect_proposals_and_counts_absence() -> None:
    targets = targets_of(instance(1, disc(32, 32, 12)))
    truth, depth = targets.foreground[None].float() / 255, targets.depth[None].float() / 255
    right = proposal_loss(Proposals((truth * 2 - 1) * 12, depth), targets)
    wrong = proposal_loss(Proposals((1 - truth * 2) * 12, 1 - depth), targets)
    assert all(right[name] < 0.15 < 0.3 < wrong[name] for name in right)
    nothing = targets_of()
    quiet, loud = (proposal_loss(Proposals(torch.full_like(truth, x), depth * 0), nothing) for x in (-12.0, 12.0))
    assert quiet["dice"] < 0.01 and quiet["foreground"] < 0.01 and loud["dice"] > 0.9 and loud["foreground"] > 5
    crowd = targets_of(instance(1, disc(32, 32, 12), crowd=True))
    inside = torch.where(crowd.ignored[None], 12.0, -12.0)
    assert proposal_loss(Proposals(inside, depth * 0), crowd)["foreground"] < 0.01  # nothing there counts


def test_a_head_learns_an_image_by_heart() -> None:
    torch.manual_seed(0)
    head, image = ProposalHead(16, 2, 32), torch.randn(1, 16, 16, 16)
    targets = targets_of(instance(1, disc(20, 20, 10)), instance(2, disc(45, 45, 8), "b"), classes=("a", "b"))
    optimiser = torch.optim.AdamW(head.parameters(), 5e-3)
    for _ in range(60):
        optimiser.zero_grad()
        sum(proposal_loss(head(image), targets).values()).backward()  # type: ignore[union-attr]
        optimiser.step()
    with torch.no_grad():
        proposals = head(image)
    seeds = find_seeds(
        torch.sigmoid(proposals.foreground[0]).numpy(), proposals.depth[0].numpy(), targets.valid.numpy(), SeedRules()
    )
    assert [disc(20, 20, 10)[int(y), int(x)] for (x, y), k in zip(seeds.points, seeds.classes, strict=True) if k == 0]
    assert sorted(set(seeds.classes.tolist())) == [0, 1]
    assert sum(p.numel() for p in ProposalHead(256, 1).parameters()) == 156_866


def test_merging_keeps_the_best_of_overlapping_masks_of_a_class() -> None:
    patches = [Patch.of(m) for m in (disc(20, 20, 10), disc(22, 20, 10), disc(50, 50, 8), np.zeros((64, 64), bool))]
    scores, one = np.array([0.8, 0.9, 0.7, 0.99]), np.zeros(4, dtype=int)
    assert merge(patches, scores, one, MergeRules(0.5, 0.5)) == [1, 2]
    assert merge(patches, scores, one, MergeRules(0.75, 0.5)) == [1]
    assert merge(patches, scores, np.array([0, 1, 0, 0]), MergeRules(0.5, 0.5)) == [1, 0, 2]  # classes do not compete
    small = [Patch.of(disc(20, 20, 12)), Patch.of(disc(20, 20, 4))]
    assert merge(small, np.array([0.9, 0.8]), one[:2], MergeRules(0.5, 0.5)) == [0]  # it lies within the other


def test_figures_of_matches_by_hand() -> None:
    match = ImageMatch(np.array([[0.92, 0.0], [0.1, 0.61], [0.0, 0.55]]))
    assert match.counts(0.5) == (2, 1, 0) and match.counts(0.9) == (1, 2, 1)
    assert match.pairs(0.5) == [(0, 0), (1, 1)]
    shares = [2 / 3] * 3 + [1 / 4] * 6 + [0.0]  # IoU 0.50 to 0.60, 0.65 to 0.90, 0.95
    assert segmentation_accuracy(match) == pytest.approx(np.mean(shares))
    assert panoptic_quality([match]) == pytest.approx((0.92 + 0.61) / (2 + 0.5))
    assert segmentation_accuracy(ImageMatch(np.zeros((0, 0)))) is None
    assert (
        segmentation_accuracy(ImageMatch(np.zeros((1, 0)))) == 0 == segmentation_accuracy(ImageMatch(np.zeros((0, 2))))
    )
    crossed = ImageMatch(np.array([[0.9, 0.6], [0.6, 0.0]]))
    assert crossed.counts(0.5) == (2, 0, 0)  # as many matches as possible
    patches = [Patch.of(disc(20, 20, 10)), Patch.of(disc(45, 45, 8))]
    assert match_image(patches, patches).ious.tolist() == [[1, 0], [0, 1]]


def test_a_learned_score_ranks_masks_by_their_iou() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, len(FEATURES))).astype(np.float32)
    ious = 1 / (1 + np.exp(-2 * features[:, 3]))
    quality = Quality.fitted(features[:200], ious[:200])
    assert np.corrcoef(quality.scores(features[200:]), ious[200:])[0, 1] > 0.8
    assert np.array_equal(quality.scores(features), Quality.fitted(features[:200], ious[:200]).scores(features))


def test_features_tell_one_instance_from_two() -> None:
    one, two = disc(20, 32, 10), disc(20, 32, 10) | disc(41, 32, 10)
    targets = targets_of(instance(1, disc(20, 32, 10)), instance(2, disc(41, 32, 10)))
    foreground, depth = (torch.from_numpy(part) for part in perfect(targets)[:2])
    logits = torch.stack([torch.from_numpy(m).float() * 20 - 10 for m in (one, two)])
    features = mask_features(
        logits, np.array([0.9, 0.9]), foreground.expand(2, -1, -1), depth.expand(2, -1, -1), np.array([1.0, 1.0])
    )
    named = [dict(zip(FEATURES, row.tolist(), strict=True)) for row in features]
    assert named[0]["area"] == pytest.approx((one.sum() / 4096) ** 0.5) and named[0]["stability"] == 1
    assert named[0]["foreground around"] > named[1]["foreground around"]  # the neighbour
    assert named[0]["foreground inside"] == pytest.approx(1, abs=0.05)
