"""Class names as prompts: words alone, words beside clicks, and prompts without words, on a tiny real SAM."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter, load_adapter, read_card, save_adapter
from samtailor.adapters.methods import METHODS, check_options, method_class
from samtailor.adapters.strength import Scaled
from samtailor.adapters.vocabulary import exchanged
from samtailor.adapters.word_reader import BUCKETS, hashed_ngrams
from samtailor.bases.base import Base, Decoded
from samtailor.bases.sam.preprocess import padded_frame
from samtailor.cli.method_options import method_options
from samtailor.data.task import ImageRecord, Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import AdapterError, PromptError, PromptWarning
from samtailor.fit import fit_task
from samtailor.fitting.config import FitConfig
from samtailor.predict import Predictor
from samtailor.prompts import Prompts
from tests.models import fitted_words, model_of

NAMES = ("left brow", "right brow", "left eye", "right eye", "nose")
SHORT = FitConfig(
    method="words", epochs=4, precision="float32", batch=4, lr=1e-3, val_prompts=12, validations=2, min_area=1
)
FRAME = padded_frame(64, 48, 64, 16)
POINTS, LABELS = np.array([[[5.5, 7.5]], [[30.5, 40.5]]], np.float32), np.array([[1], [0]])
CLICKS, BOXES = Prompts(POINTS, LABELS), Prompts(boxes=np.array([[2, 3, 30, 40], [20, 10, 60, 45]], np.float32))
OTHERS = [name for name in METHODS if name != "words"]


def with_words(prompts: Prompts, *words: str) -> Prompts:
    return dataclasses.replace(prompts, words=words)


def decode(base: Base, adapter: Adapter | None, prompts: Prompts) -> Decoded:
    image = torch.randn(1, base.embed_dim, base.grid, base.grid, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model_of(base, adapter).decode(EmbeddedImage(FRAME, {"image": image}), prompts, "all")


def same(a: Decoded, b: Decoded) -> bool:
    return torch.equal(a.logits, b.logits) and torch.equal(a.iou, b.iou)


@pytest.mark.parametrize("over", OTHERS)
def test_every_method_can_be_below(base: Base, over: str, tmp_path: Path) -> None:
    """Plain prompts are those of the method below, before and after training; an untrained word changes nothing."""
    below, adapter = build_adapter(over, base), build_adapter("words", base, over=over)
    plain = decode(base, below, CLICKS)
    assert same(decode(base, adapter, CLICKS), plain)
    assert same(decode(base, adapter, with_words(CLICKS, "nose", "left eye")), plain)
    assert same(decode(base, adapter, with_words(BOXES, "nose", "")), decode(base, below, BOXES))
    assert adapter.owned_parameters().keys() > {f"inner.{name}" for name in below.owned_parameters()}
    assert (adapter.peak_rate, adapter.chooses_token) == (below.peak_rate, below.chooses_token)
    assert method_class("words").leading({"over": over}) is method_class(over)

    fitted = fitted_words(base, NAMES, over=over)
    with torch.no_grad():
        for name, p in below.owned_parameters().items():
            p.copy_(fitted.owned_parameters()[f"inner.{name}"])
    assert same(decode(base, fitted, CLICKS), decode(base, below.eval(), CLICKS))
    word = decode(base, fitted, with_words(CLICKS, "nose", "left eye"))
    assert not same(word, decode(base, fitted, CLICKS))
    save_adapter(tmp_path, fitted, base, {})
    assert same(decode(base, load_adapter(tmp_path, base), with_words(CLICKS, "nose", "left eye")), word)


def test_an_untrained_word_alone_is_a_prompt_without_a_place(base: Base) -> None:
    adapter = build_adapter("words", base)
    nowhere = Prompts(np.zeros((2, 1, 2), np.float32), np.full((2, 1), -1))
    assert same(decode(base, adapter, Prompts(words=("nose", "left eye"))), decode(base, None, nowhere))


def test_prompts_of_several_kinds_can_be_in_one_batch(base: Base) -> None:
    """A prompt gives the same mask beside prompts of other kinds as alone."""
    adapter = fitted_words(base, NAMES)
    points = np.concatenate([POINTS[:1], POINTS[:1], np.zeros((1, 1, 2), np.float32)])
    mixed = decode(base, adapter, Prompts(points, np.array([[1], [1], [-1]]), words=("", "nose", "nose")))
    click = Prompts(POINTS[:1], LABELS[:1])
    for row, alone in enumerate([click, with_words(click, "nose"), Prompts(words=("nose",))]):
        expected = decode(base, adapter, alone)
        torch.testing.assert_close(mixed.logits[:, row : row + 1], expected.logits, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(mixed.iou[:, row : row + 1], expected.iou, rtol=1e-4, atol=1e-4)
    assert (mixed.logits[0, 0] - mixed.logits[0, 1]).abs().max() > 0.01
    assert (mixed.logits[0, 1] - mixed.logits[0, 2]).abs().max() > 0.01


def test_both_decoders_read_words_alike(tiny_sam: Any) -> None:
    for over in ("decoder-lite", "prompt-tuner"):  # the latter has extra tokens of its own
        adapter, prompts = fitted_words(tiny_sam, NAMES, over=over), with_words(CLICKS, "nose", "")
        fast = decode(tiny_sam, adapter, prompts)
        tiny_sam.reference_decoder = True
        try:
            reference = decode(tiny_sam, adapter, prompts)
        finally:
            tiny_sam.reference_decoder = False
        assert (fast.logits - reference.logits).abs().max() < 1e-4 * reference.logits.abs().max()
        assert same(decode(tiny_sam, adapter, prompts[1:]), decode(tiny_sam, adapter, CLICKS[1:]))


def test_a_lower_strength_reads_words_less(base: Base) -> None:
    adapter, prompts = fitted_words(base, NAMES), with_words(CLICKS, "nose", "nose")
    assert same(decode(base, Scaled(adapter, 0.0, base), prompts), decode(base, None, CLICKS))
    assert same(decode(base, Scaled(adapter, 1.0, base), prompts), decode(base, adapter, prompts))


def test_a_word_is_read_however_it_is_written(base: Base) -> None:
    adapter = fitted_words(base, NAMES)
    expected = decode(base, adapter, with_words(CLICKS, "right brow", "nose"))
    for spelling in ("Right_Brow", " right-brow ", "RIGHT  BROW", "\uff52ight brow"):
        assert same(decode(base, adapter, with_words(CLICKS, spelling, "nose")), expected)
    assert not same(decode(base, adapter, with_words(CLICKS, "left brow", "nose")), expected)


def test_models_that_read_no_words_refuse_them(base: Base) -> None:
    prompts = with_words(CLICKS, "nose", "")
    with pytest.raises(PromptError, match=r"the base alone reads none.*--method words"):
        decode(base, None, prompts)
    with pytest.raises(PromptError, match=r"'plm', reads none.*--method words"):
        decode(base, build_adapter("plm", base), prompts)
    assert same(decode(base, None, with_words(CLICKS, "", "")), decode(base, None, CLICKS))
    assert [name for name in METHODS if build_adapter(name, base).reads_words] == ["words"]
    assert [name for name, method in METHODS.items() if method.reads_words] == ["words"]


def test_hashes_are_the_same_on_every_machine() -> None:
    """The figures were computed once; Python's own hash differs between processes."""
    vector = hashed_ngrams("brow")
    places = [(int(k), round(float(vector[k]), 4)) for k in np.flatnonzero(vector)]
    assert places[:4] == [(191, -0.3162), (278, -0.3162), (323, 0.3162), (344, 0.3162)]
    assert vector.shape == (BUCKETS,) and np.linalg.norm(vector) == pytest.approx(1)
    code = "from samtailor.adapters.word_reader import hashed_ngrams as h; print(h('brow').tobytes().hex())"
    paths = os.pathsep.join(filter(None, sys.path))
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed}
        other = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=True)
        assert other.stdout.decode().strip() == vector.tobytes().hex()


def test_a_compound_has_the_tokens_of_its_parts(tiny_sam: Base) -> None:
    """Its tokens are the sum of those of its parts; names of all scripts have n-grams."""
    adapter = fitted_words(tiny_sam, NAMES)

    def tokens(*names: str) -> Tensor:
        memory = adapter.read_words(names)
        assert memory is not None
        return memory.tokens[0]

    with torch.no_grad():
        right, brow, compound, swapped = tokens("right", "brow", "right brow", "brow right")
        torch.testing.assert_close(compound, (right + brow) / 2**0.5)
        torch.testing.assert_close(compound, swapped)
        assert (right - brow).abs().max() > 0.1
    for name in ("a", "1", "?", "глаз", "鼻", "e\u0301", "\udce9"):
        assert np.linalg.norm(hashed_ngrams(name)) == pytest.approx(1)
    assert (
        abs(hashed_ngrams("brow") @ hashed_ngrams("brows")) > 0.4 > abs(hashed_ngrams("brow") @ hashed_ngrams("nose"))
    )


def test_shuffled_names_exchange_all_letters(base: Base) -> None:
    pairs = exchanged(NAMES, 3)
    assert sorted(pairs) == sorted(pairs.values()) == sorted(NAMES) and all(a != b for a, b in pairs.items())
    assert pairs == exchanged(NAMES[::-1], 3) != exchanged(NAMES, 4)
    assert exchanged(NAMES, 0) == {name: name for name in NAMES}
    shuffled, plain = fitted_words(base, NAMES, shuffle=3), fitted_words(base, NAMES)
    prompts, letters = with_words(CLICKS, "nose", "nose"), with_words(CLICKS, pairs["nose"], pairs["nose"])
    assert same(decode(base, shuffled, prompts), decode(base, plain, letters))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"over": "words"}, "over is 'words'"),
        ({"over": "plmm"}, "no method 'plmm'.*Did you mean 'plm'"),
        ({"word_tokens": 0}, "word_tokens is 0; expected 1"),
        ({"word_units": 0}, "word_units is 0"),
        ({"shuffle": -1}, "shuffle is -1"),
        ({"shuffle": 10_000}, "shuffle is 10000; expected 0 to 9999"),
    ],
)
def test_options_have_ranges(tiny_sam: Base, options: dict[str, Any], message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        build_adapter("words", tiny_sam, **options)


def test_the_method_below_keeps_its_options(tiny_sam: Base) -> None:
    options = method_options("words", ["rank=2", "over=lora", "word_tokens=3"])
    assert options == {"rank": 2, "over": "lora", "word_tokens": 3}
    check_options("words", options)
    adapter = build_adapter("words", tiny_sam, **options)
    assert adapter.config["rank"] == 2 and adapter.read_words(["nose"]).tokens.shape[2] == 3  # type: ignore[union-attr]
    for wrong in ({"rank": 2}, {"over": "plm", "rank": 2}):  # decoder-lite and plm have no rank
        with pytest.raises(AdapterError, match="no option 'rank'"):
            check_options("words", wrong)
    with pytest.raises(AdapterError, match="over of the method 'words' is 3"):
        check_options("words", {"over": 3})


def test_left_out_names_must_be_classes(tiny_sam: Base) -> None:
    adapter = fitted_words(tiny_sam, NAMES, leave_out="Right_Brow, nose")
    assert adapter.vocabulary == ("left brow", "left eye", "right eye")
    assert fitted_words(tiny_sam, ("a, b", "c"), leave_out="a, b").vocabulary == ("c",)
    for text, message in (("rigth brow", "'rigth brow', which.*'right brow'"), (",".join(NAMES), "all classes")):
        with pytest.raises(AdapterError, match=message):
            build_adapter("words", tiny_sam, leave_out=text).learn_names(NAMES)


class _StopError(Exception):
    pass


def test_a_fit_learns_words_and_resumes_to_the_same_bits(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    """The card has the vocabulary. With a word alone, the trained adapter tells the two classes apart."""
    from samtailor.fitting.progress import Stepped

    def stop_at_5(event: object) -> None:
        if isinstance(event, Stepped) and event.state.step == 5:
            raise _StopError

    config = dataclasses.replace(SHORT, method_options={"over": "plm", "shuffle": 2})
    fit_task(shapes, tiny_sam, tmp_path / "whole", config, cache=cache)
    with pytest.raises(_StopError):
        fit_task(shapes, tiny_sam, tmp_path / "stopped", config, cache=cache, progress=stop_at_5)
    fit_task(shapes, tiny_sam, tmp_path / "stopped", config, cache=cache, resume=True)
    for file in ("adapter.safetensors", "state.safetensors"):
        whole, resumed = (safetensors.torch.load_file(tmp_path / name / file) for name in ("whole", "stopped"))
        assert whole.keys() == resumed.keys() and all(torch.equal(whole[k], resumed[k]) for k in whole)
    assert read_card(tmp_path / "whole")["words"] == {"names": ["bar", "disc"], "vocabulary": ["bar", "disc"]}
    assert read_card(tmp_path / "whole")["fit"]["options"]["hidden"] == 2048  # of the method below
    assert load_adapter(tmp_path / "whole", tiny_sam).vocabulary == ("bar", "disc")
    now = safetensors.torch.load_file(tmp_path / "whole" / "state.safetensors")
    assert now["now.reader.weights"].abs().max() > 0 and now["now.inner.mlp.2.weight"].abs().max() > 0


def test_a_compound_that_was_never_seen_runs_through(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    """Its word is left out of the fit, so it is unknown; its letters are those of known words."""
    labels = {"disc": ("left disc", "right disc"), "bar": ("left bar", "right bar")}

    def renamed(record: ImageRecord, number: int) -> ImageRecord:
        named = (dataclasses.replace(i, label=labels[i.label][number % 2]) for i in record.instances)
        return dataclasses.replace(record, instances=tuple(named))

    splits = {name: tuple(renamed(r, k) for k, r in enumerate(records)) for name, records in shapes.splits.items()}
    task = dataclasses.replace(shapes, splits=splits, classes=tuple(sorted(sum(labels.values(), ()))))
    config = dataclasses.replace(SHORT, epochs=1, method_options={"leave_out": "right_bar"})
    fit_task(task, tiny_sam, tmp_path, config, cache=cache)
    words = read_card(tmp_path)["words"]
    assert words["names"] == ["left bar", "left disc", "right bar", "right disc"]
    assert words["vocabulary"] == ["left bar", "left disc", "right disc"]
    predictor = Predictor(tiny_sam, fitted_words(tiny_sam, words["names"], leave_out="right_bar"), cache)
    image = task.split("test")[0].path
    with pytest.warns(PromptWarning, match="'right bar' is not in.*Did you mean 'right disc' or 'left bar'"):
        compound = predictor.predict(words="right bar", image=image)
    known = predictor.predict(words=["left bar", "right disc"], image=image)
    assert compound.masks.shape == (1, 1, 48, 64)
    assert not any(np.array_equal(compound.logits[0], logits) for logits in known.logits)
    with pytest.raises(AdapterError, match=r"leave_out names 'right bra', which.*Did you mean 'right bar'"):
        fit_task(task, tiny_sam, tmp_path / "b", dataclasses.replace(config, method_options={"leave_out": "right bra"}))


def test_a_damaged_vocabulary_is_refused(tiny_sam: Base, tmp_path: Path) -> None:
    save_adapter(tmp_path, fitted_words(tiny_sam, NAMES), tiny_sam, {})
    card = json.loads((tmp_path / "adapter.json").read_text())
    for damage in ([], {}, {"names": "nose"}, {"names": [1]}, "nose"):
        (tmp_path / "adapter.json").write_text(json.dumps(card | {"words": damage}))
        with pytest.raises(AdapterError, match="as words; expected names"):
            load_adapter(tmp_path, tiny_sam)


def test_a_base_without_a_tunable_decoder_is_refused(tiny_sam: Base) -> None:
    class OtherBase(Base):
        frame = encode = embed_prompts = decode = image_positions = None  # type: ignore[assignment]

    other = OtherBase()
    other.name, other.embed_dim = "other", tiny_sam.embed_dim
    with pytest.raises(AdapterError, match="'words' steers the mask decoder; the decoder of the base 'other'"):
        build_adapter("words", other, over="plm")
