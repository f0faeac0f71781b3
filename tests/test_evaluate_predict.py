"""Evaluation and prediction, on a tiny real SAM."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from samtailor import Predictor
from samtailor.adapters.io import load_adapter, save_adapter
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.data.pixels.images import read_image
from samtailor.data.pixels.rle import mask_rle
from samtailor.data.task import Instance, Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import AdapterError, DataError, ImageError, PromptError
from samtailor.evaluate import ROWS, evaluate_task
from samtailor.machine.files import write_json


@pytest.fixture
def image(shapes: Task) -> Path:
    return shapes.split("test")[0].path


def test_an_evaluation_has_its_rows_and_keys(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM, tmp_path: Path
) -> None:
    result = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache, seed=3, per_instance=2)
    write_json(tmp_path / "e.json", result.to_dict())
    evaluation = json.loads((tmp_path / "e.json").read_text())
    assert set(evaluation) >= {"task", "split", "prompts", "base", "rows", "gains", "boundary", "images", "seconds"}
    assert evaluation["prompts"] == {"kind": "click", "per_instance": 2, "seed": 3}
    assert evaluation["base"] == {"name": tiny_sam.name, "fingerprint": tiny_sam.fingerprint}
    assert tuple(r["method"] for r in evaluation["rows"]) == ROWS
    for row in evaluation["rows"]:
        assert row["n"] == 2 * sum(len(r.promptable) for r in shapes.split("test"))
        means = [c["iou"] for c in row["per_class"].values()]
        assert row["miou"] == pytest.approx(np.mean(means))
        weighted = sum(c["iou"] * c["n"] for c in row["per_class"].values()) / row["n"]
        assert row["iou_instances"] == pytest.approx(weighted)


def test_the_oracle_is_never_worse_than_the_bases_own_choice(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache
) -> None:
    for i in evaluate_task(shapes, tiny_sam, cache=cache).instances:
        assert i.scores["base-oracle"].iou >= i.scores["base-best"].iou
        assert "adapted" not in i.scores


def test_an_untrained_adapter_has_the_scores_of_the_base(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    result = evaluate_task(shapes, tiny_sam, PLM(width=tiny_sam.embed_dim).eval(), cache=cache, prompts="mix")
    assert all(i.scores["adapted"] == i.scores["base-single"] for i in result.instances)


def test_scores_equal_those_of_the_predictor(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, moved_plm: PLM
) -> None:
    """The predictor gives the same masks for the same prompts."""
    from samtailor.evaluation.fixed_prompts import PromptPlan, fixed_prompts
    from samtailor.metrics import count_pixels, iou

    record = shapes.split("test")[0]
    truth = [i.mask() for i in record.promptable]
    (_, prompts), *_ = fixed_prompts(record.promptable, PromptPlan("click", 0))
    predictor = Predictor(tiny_sam, moved_plm, cache)
    predictor.set_image(record.path)
    masks = predictor.predict(points=prompts.points, labels=prompts.labels).masks[:, 0]
    scored = evaluate_task(shapes, tiny_sam, moved_plm, cache=cache).instances[: len(truth)]
    ious = [i.scores["adapted"].iou for i in scored]
    assert ious == [iou(count_pixels(m, t)) for m, t in zip(masks, truth, strict=True)]


def test_prompts_do_not_depend_on_the_order_of_images(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    reversed_task = dataclasses.replace(shapes, splits={"test": shapes.split("test")[::-1]})
    first, second = (evaluate_task(t, tiny_sam, cache=cache).instances for t in (shapes, reversed_task))
    assert sorted(first, key=str) == sorted(second, key=str)


def test_crowd_and_empty_instances_are_not_scored(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    record = shapes.split("test")[0]
    empty_mask, full_mask = np.zeros((48, 64), dtype=bool), np.ones((48, 64), dtype=bool)
    extra = (
        Instance(900, "disc", mask_rle(empty_mask), 0),
        Instance(901, "disc", mask_rle(full_mask), full_mask.size, crowd=True),
    )
    more = dataclasses.replace(record, instances=record.instances + extra)
    task = dataclasses.replace(shapes, splits={"test": (more,)})
    assert len(evaluate_task(task, tiny_sam, cache=cache).instances) == len(record.instances)
    empty = dataclasses.replace(shapes, splits={"test": (dataclasses.replace(record, instances=extra),)})
    with pytest.raises(DataError, match="no instance to score"):
        evaluate_task(empty, tiny_sam, cache=cache)
    with pytest.raises(DataError, match="'val'"):
        evaluate_task(empty, tiny_sam, cache=cache, split="val")


def test_predictions_have_the_documented_shapes(
    tiny_sam: Base, cache: EmbeddingCache, image: Path, moved_plm: PLM
) -> None:
    predictor = Predictor(tiny_sam, moved_plm, cache)
    with pytest.raises(PromptError, match="set_image"):
        predictor.predict(points=[[1, 2]])
    predictor.set_image(image)
    single = predictor.predict(points=[[10, 20]])
    assert (single.masks.shape, single.masks.dtype, single.iou.shape) == ((1, 1, 48, 64), bool, (1, 1))
    assert single.logits.shape == (1, 1, 16, 16)
    many = predictor.predict(points=np.full((9, 2, 2), 5.0), labels=np.tile([1, 0], (9, 1)), multimask=True)
    assert (many.masks.shape, many.iou.shape, many.trained) == ((9, 4, 48, 64), (9, 4), (True, False, False, False))
    boxes = predictor.predict(boxes=[[0, 0, 20, 20], [5, 5, 60, 40]])
    assert boxes.masks.shape == (2, 1, 48, 64)
    both = predictor.predict(points=[[10, 20]], boxes=[0, 0, 20, 20])
    assert both.masks.shape == (1, 1, 48, 64)


def test_the_adapter_can_be_switched_off_per_call(
    tiny_sam: Base, cache: EmbeddingCache, image: Path, moved_plm: PLM
) -> None:
    adapted, plain = Predictor(tiny_sam, moved_plm, cache), Predictor(tiny_sam, None, cache)
    for predictor in (adapted, plain):
        predictor.set_image(image)
    prompt = {"points": [[10, 20]]}
    base = plain.predict(**prompt)
    assert not np.array_equal(adapted.predict(**prompt).logits, base.logits)
    np.testing.assert_array_equal(adapted.predict(**prompt, adapted=False).logits, base.logits)


def test_several_prompts_give_the_masks_of_single_prompts(tiny_sam: Base, cache: EmbeddingCache, image: Path) -> None:
    predictor = Predictor(tiny_sam, None, cache)
    predictor.set_image(image)
    points = np.array([[[10, 20]], [[30, 40]], [[50, 5]], [[1, 1]], [[63, 47]]], dtype=np.float32)
    together = predictor.predict(points=points)
    for i, point in enumerate(points):
        np.testing.assert_allclose(predictor.predict(points=point).logits[0], together.logits[i], atol=1e-4)


def test_a_mask_prompt_equals_transformers(
    tiny_sam: Base, tiny_sam_folder: Path, cache: EmbeddingCache, image: Path
) -> None:
    """Refining a mask with its own logits equals ``SamModel(input_masks=...)``."""
    from transformers import SamModel

    predictor = Predictor(tiny_sam, None, cache)
    predictor.set_image(image)
    first = predictor.predict(points=[[10, 20]])
    logits = first.logits[:, 0]
    refined = predictor.predict(points=[[10, 20], [40, 30]], labels=[1, 0], mask_input=logits)
    plain = predictor.predict(points=[[10, 20], [40, 30]], labels=[1, 0])
    assert np.abs(refined.logits - plain.logits).max() > 1e-2 * np.abs(plain.logits).max()

    model = SamModel.from_pretrained(tiny_sam_folder).eval()
    frame = predictor.frame
    assert frame is not None
    points = (
        frame.points_to_input(torch.tensor([[[[10.0, 20.0], [40.0, 30.0]]]])) - 0.5
    )  # transformers takes pixel indices
    embedding = predictor.model.embedder.open_picture(image).embeddings["image"]
    with torch.no_grad():
        expected = model(
            image_embeddings=embedding,
            input_points=points,
            input_labels=torch.tensor([[[1, 0]]]),
            input_masks=torch.from_numpy(logits)[None],
            multimask_output=False,
        )
    np.testing.assert_allclose(refined.logits[0], expected.pred_masks[0, 0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(refined.iou[0], expected.iou_scores[0, 0], rtol=1e-4, atol=1e-4)


def test_mask_prompts_of_several_prompts_do_not_affect_each_other(
    tiny_sam: Base, cache: EmbeddingCache, image: Path
) -> None:
    predictor = Predictor(tiny_sam, None, cache)
    predictor.set_image(image)
    points = np.array([[[10, 20]], [[30, 40]], [[50, 5]], [[1, 1]], [[63, 47]]], dtype=np.float32)
    masks = predictor.predict(points=points[::-1].copy()).logits[:, 0]
    together = predictor.predict(points=points, mask_input=masks)
    for i, (point, mask) in enumerate(zip(points, masks, strict=True)):
        alone = predictor.predict(points=point, mask_input=mask)
        np.testing.assert_allclose(alone.logits[0], together.logits[i], atol=1e-4)
    assert predictor.predict(mask_input=masks).masks.shape == (5, 1, 48, 64)  # a mask is a prompt on its own


def test_a_mask_prompt_raises_an_error_if_the_base_takes_none(
    tiny_sam: Base, cache: EmbeddingCache, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor(tiny_sam, None, cache)
    predictor.set_image(image)
    monkeypatch.setattr(tiny_sam, "takes_masks", False)
    with pytest.raises(PromptError, match="does not take mask prompts"):
        predictor.predict(points=[[1, 1]], mask_input=np.zeros((16, 16)))


def test_paths_arrays_and_pillow_images_give_the_same_masks(tiny_sam: Base, cache: EmbeddingCache, image: Path) -> None:
    logits = []
    for source in (image, str(image), read_image(image), Image.open(image)):
        predictor = Predictor(tiny_sam, None, cache)
        predictor.set_image(source)
        logits.append(predictor.predict(points=[[10, 20]]).logits)
    for each in logits[1:]:
        np.testing.assert_array_equal(logits[0], each)


@pytest.mark.filterwarnings("ignore::samtailor.errors.PromptWarning")  # half a pixel looks like a fraction
@pytest.mark.parametrize("shape", [(1, 4000, 3), (4000, 1, 3), (1, 1, 3), (48, 64)])
def test_images_of_unusual_shapes_work(tiny_sam: Base, cache: EmbeddingCache, shape: tuple[int, ...]) -> None:
    predictor = Predictor(tiny_sam, None, cache)
    predictor.set_image(np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8))
    assert predictor.predict(points=[[0.5, 0.5]]).masks.shape == (1, 1, *shape[:2])


def test_a_cache_that_cannot_be_written_does_not_stop_prediction(tiny_sam: Base, image: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    predictor = Predictor(tiny_sam, None, EmbeddingCache(tmp_path / "file"))
    predictor.set_image(image)
    assert predictor.predict(points=[[1, 1]]).masks.shape == (1, 1, 48, 64)


def test_an_unknown_kind_of_prompt_raises_an_error(tiny_sam: Base, shapes: Task, cache: EmbeddingCache) -> None:
    with pytest.raises(PromptError, match="'points'"):
        evaluate_task(shapes, tiny_sam, cache=cache, prompts="points")  # type: ignore[arg-type]


def test_after_a_failed_image_no_image_is_set(
    tiny_sam: Base, cache: EmbeddingCache, image: Path, tmp_path: Path
) -> None:
    predictor = Predictor(tiny_sam, None, cache)
    predictor.set_image(image)
    with pytest.raises(ImageError):
        predictor.set_image(tmp_path / "missing.png")
    with pytest.raises(PromptError, match="No image"):
        predictor.predict(points=[[1, 1]])


def test_an_unreadable_image_raises_an_error(tiny_sam: Base, cache: EmbeddingCache, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"broken\.png"):
        Predictor(tiny_sam, None, cache).set_image(tmp_path / "broken.png")


def test_a_truncated_pillow_image_raises_an_error(
    tiny_sam: Base, cache: EmbeddingCache, image: Path, tmp_path: Path
) -> None:
    (tmp_path / "half.png").write_bytes(image.read_bytes()[:-2000])
    with pytest.raises(ImageError, match="Pillow image"):
        Predictor(tiny_sam, None, cache).set_image(Image.open(tmp_path / "half.png"))


def test_saved_adapters_are_loaded_unchanged(tiny_sam: Base, moved_plm: PLM, tmp_path: Path) -> None:
    save_adapter(tmp_path, moved_plm, tiny_sam, {"task": {"name": "t"}})
    loaded = load_adapter(tmp_path, tiny_sam)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), moved_plm.parameters(), strict=True))


def test_loading_an_adapter_on_another_base_raises_an_error(
    tiny_sam: Base, mobile_sam: Base, moved_plm: PLM, tmp_path: Path
) -> None:
    save_adapter(tmp_path, moved_plm, tiny_sam, {})
    with pytest.raises(AdapterError) as caught:
        load_adapter(tmp_path, mobile_sam)
    assert tiny_sam.fingerprint in str(caught.value)
    assert mobile_sam.fingerprint in str(caught.value)


@pytest.mark.parametrize("fault", ["nan", "mixed", "truncated", "no json", "not json", "newer"])
def test_damaged_adapters_raise_an_error(tiny_sam: Base, moved_plm: PLM, tmp_path: Path, fault: str) -> None:
    if fault == "nan":
        with torch.no_grad():
            moved_plm.mlp[-1].bias[0] = torch.nan
    save_adapter(tmp_path, moved_plm, tiny_sam, {})
    weights, card = tmp_path / "adapter.safetensors", tmp_path / "adapter.json"
    if fault == "mixed":
        different = PLM(width=tiny_sam.embed_dim)
        save_adapter(tmp_path / "other", different, tiny_sam, {})
        weights.write_bytes((tmp_path / "other" / "adapter.safetensors").read_bytes())
    elif fault == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif fault == "no json":
        card.unlink()
    elif fault == "not json":
        card.write_text("{")
    elif fault == "newer":
        card.write_text(json.dumps(json.loads(card.read_text()) | {"format": 99}))
    words = {"nan": "NaN", "mixed": "does not belong", "truncated": "does not belong", "no json": "no adapter"}
    with pytest.raises(AdapterError, match=words.get(fault, "adapter.json")):
        load_adapter(tmp_path, tiny_sam)
