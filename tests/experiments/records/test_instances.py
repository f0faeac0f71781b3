"""Files with scores of single instances."""

from __future__ import annotations

from pathlib import Path

from experiments.records.instances import SCORES, read_instances, write_instances

from samtailor.evaluation.scoring import InstanceScore
from samtailor.metrics.scores import MaskScores


def test_scores_of_instances_are_read_as_they_were_written(tmp_path: Path) -> None:
    low = MaskScores(0.123456, 0.2, 0.5, (0.25, 1.0), 3.0)
    high = MaskScores(1.0, 1.0, 1.0, (1.0, 0.0), 0.0)
    scores = [
        InstanceScore("a, b.png", 7, "left eye", {"base-single": low, "base-best": high}, 12),
        InstanceScore("a, b.png", 7, "left eye", {"base-single": high, "base-best": high}, 12, repeat=1),
    ]
    name = write_instances(tmp_path / "deep", "x", scores)
    instances = read_instances(tmp_path / "deep" / name)
    assert instances is not None
    assert list(instances) == [("a, b.png", 7, 0), ("a, b.png", 7, 1)]
    instance = instances["a, b.png", 7, 0]
    assert (instance.label, list(instance.scores)) == ("left eye", ["base-single", "base-best"])
    assert instance.scores["base-single"] == dict(zip(SCORES, (0.12346, 0.5, 0.25, 1.0), strict=True))


def test_the_file_name_depends_on_the_content(tmp_path: Path) -> None:
    """So another fit with the same settings does not overwrite a file."""
    mask = MaskScores(1.0, 1.0, 1.0, (1.0, 0.0), 0.0)
    scores = [InstanceScore("a.png", n, "eye", {"base-single": mask}, 12) for n in range(2)]
    name = write_instances(tmp_path, "x", scores)
    assert write_instances(tmp_path, "x", scores) == name
    assert write_instances(tmp_path, "x", scores[:1]) != name


def test_a_missing_file_has_no_instances(tmp_path: Path) -> None:
    assert read_instances(tmp_path / "none.csv.gz") is None
