"""Paired differences between two rows."""

from __future__ import annotations

import pytest
from experiments.records.differences import paired_differences
from experiments.records.instances import SCORES, Instance
from experiments.specs.settings import ConfigError


def scores_of_two_seeds(means: list[float], row: str) -> dict[tuple[str, int, int], list[Instance]]:
    """One bar and then discs, two instances on each image; the seeds are 0.1 below and above the mean."""
    table = {}
    for k, mean in enumerate(means):
        seeds = [dict.fromkeys(SCORES, value) for value in (mean - 0.1, mean + 0.1)]
        label = "disc" if k else "bar"
        table[f"{k // 2}.png", k, 0] = [Instance(label, {row: scores}) for scores in seeds]
    return table


ADAPTED = scores_of_two_seeds([0.5, 0.7, 0.9, 0.6], "adapted")
BASE = scores_of_two_seeds([0.4, 0.6, 0.8, 0.5], "base-best")


def test_equal_gains_give_a_difference_without_spread() -> None:
    differences = paired_differences(ADAPTED, "adapted", BASE, "base-best")
    assert differences["n"] == 4
    for name in ("miou", "iou_instances", "boundary_f1_3"):
        assert differences[name]["value"] == pytest.approx(0.1)
        assert differences[name]["interval"] == pytest.approx([0.1, 0.1])


def test_miou_is_the_mean_over_classes() -> None:
    uneven = scores_of_two_seeds([0.8, 0.6, 0.8, 0.5], "adapted")
    differences = paired_differences(uneven, "adapted", BASE, "base-best")
    assert differences["iou_instances"]["value"] == pytest.approx(0.1)
    assert differences["miou"]["value"] == pytest.approx(0.2)  # the only bar gains 0.4, the discs nothing


def test_differences_of_single_seeds_need_equal_numbers_of_seeds() -> None:
    better = scores_of_two_seeds([0.6, 0.8, 1.0, 0.7], "adapted")
    mixed = {k: [ADAPTED[k][0], better[k][1]] for k in ADAPTED}  # the second seed gains 0.1 more
    for name in ("miou", "boundary_iou"):
        by_seed = paired_differences(mixed, "adapted", BASE, "base-best")[name]["by_seed"]
        assert by_seed == pytest.approx([0.1, 0.2])
    one_seed = {k: v[:1] for k, v in BASE.items()}
    assert "by_seed" not in paired_differences(ADAPTED, "adapted", one_seed, "base-best")["miou"]


def test_rows_with_different_instances_cannot_be_compared() -> None:
    fewer = scores_of_two_seeds([0.4, 0.6, 0.8], "base-best")
    with pytest.raises(ConfigError, match="4 and 3 instances; 3 are in both"):
        paired_differences(ADAPTED, "adapted", fewer, "base-best")
