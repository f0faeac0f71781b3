"""Many images from Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samtailor import Predictor
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import ForkError, ImageError, PromptError
from samtailor.report.predictions import Outputs


def test_each_image_has_its_outcome_in_order(tiny_sam: Base, cache: EmbeddingCache, shapes: Task) -> None:
    predictor = Predictor(tiny_sam, None, cache)
    first, second = (record.path for record in shapes.split("train")[:2])
    jobs = [
        (first, {"points": [[9, 9]]}),
        ("absent.png", {"points": [[9, 9]]}),
        (predictor.prepare(second), {"boxes": [[1, 1, 30, 30], [5, 5, 60, 40]], "multimask": True}),
        (second, {"points": [[900, 9]]}),
        (second, {}),
        (np.zeros((48, 64, 3), np.uint8), {"boxes": []}),
    ]
    outcomes = list(predictor.predict_many(iter(jobs)))
    assert [outcome.image for outcome in outcomes[:2]] == [first, "absent.png"]
    assert [type(outcome.error) for outcome in outcomes] == [
        *(type(None), ImageError, type(None)),
        *(PromptError, PromptError, type(None)),
    ]
    shapes_of_masks = [o.prediction and o.prediction.masks.shape for o in outcomes]
    assert shapes_of_masks == [(1, 1, 48, 64), None, (2, 3, 48, 64), None, None, (0, 1, 48, 64)]
    alone = predictor.predict(points=[[9, 9]], image=first)
    np.testing.assert_array_equal(outcomes[0].prediction.logits, alone.logits)  # type: ignore[union-attr]


def test_errors_that_are_not_about_one_image_stop_the_work(
    tiny_sam: Base, cache: EmbeddingCache, shapes: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor(tiny_sam, None, cache)

    def forked(*_: object) -> None:
        raise ForkError("Forked.")

    monkeypatch.setattr("samtailor.predict.before_computing", forked)
    with pytest.raises(ForkError):
        list(predictor.predict_many([(shapes.split("train")[0].path, {"points": [[9, 9]]})]))


@pytest.mark.parametrize("options", [{"formats": ("jpg",)}, {"formats": ()}, {"overlay": "big"}])
def test_unknown_outputs_are_errors(options: dict, tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"png, labels, coco|screen, full, none"):
        Outputs(tmp_path, **options)
