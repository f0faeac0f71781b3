"""Tests that every trainable method must pass, on a tiny real SAM."""

from __future__ import annotations

import dataclasses
import json
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter, load_adapter, read_card, save_adapter
from samtailor.adapters.lora import LoRA
from samtailor.adapters.methods import METHODS, Method, method_class
from samtailor.adapters.plm import PLM
from samtailor.adapters.strength import Scaled
from samtailor.adapters.training_step import TrainingStep
from samtailor.bases.base import TOKEN_KINDS, Base, Decoded
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.sam.preprocess import padded_frame
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import AdapterError, FitError
from samtailor.evaluation.measure import Questions
from samtailor.fit import fit_task
from samtailor.fitting.batches import Sampler
from samtailor.fitting.config import FitConfig
from samtailor.fitting.gradients import add_gradients
from samtailor.fitting.loop import Trainer
from samtailor.fitting.progress import Stepped
from samtailor.fitting.schedule import learning_rate
from samtailor.fitting.work import AdapterWork
from samtailor.machine.progress import Event
from samtailor.predict import Predictor
from samtailor.prompts import Prompts
from samtailor.report.run import report_run
from samtailor.runs import Run
from tests.models import model_of

SHORT = FitConfig(epochs=4, precision="float32", batch=4, lr=1e-3, val_prompts=8, validations=2)
FRAME = padded_frame(64, 48, 64, 16)
POINTS = np.array([[[5.5, 7.5]], [[30.5, 40.5]]], np.float32)
MASKS = 3 * np.random.default_rng(0).standard_normal((2, 16, 16), np.float32)
PROMPTS = {
    "click": Prompts(points=POINTS, labels=np.array([[1], [0]])),
    "box": Prompts(boxes=np.array([[2, 3, 30, 40], [20, 10, 60, 45]], np.float32)),
    "both": Prompts(
        points=POINTS,
        labels=np.array([[1], [0]]),
        boxes=np.array([[2, 3, 30, 40], [20, 10, 60, 45]], np.float32),
    ),
    "click + mask": Prompts(points=POINTS, labels=np.array([[1], [0]]), masks=MASKS),
    "mask": Prompts(masks=MASKS),
}


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def untrained(method: str, base: Base) -> Adapter:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_adapter(method, base)


def changed_adapter(method: str, base: Base) -> Adapter:
    """Build an adapter and change every owned parameter, as training would."""
    adapter = untrained(method, base)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in adapter.owned_parameters().values():
            p += 0.3 * torch.randn(p.shape, generator=generator)
    return adapter.eval()


def decode(base: Base, adapter: Adapter | None, kind: str = "click") -> Decoded:
    image = torch.randn(1, base.embed_dim, base.grid, base.grid, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model_of(base, adapter).decode(EmbeddedImage(FRAME, {"image": image}), PROMPTS[kind], "all")


def same(a: Decoded, b: Decoded) -> bool:
    return torch.equal(a.logits, b.logits) and torch.equal(a.iou, b.iou)


@pytest.mark.parametrize("kind", PROMPTS)
def test_an_untrained_adapter_is_the_base_if_it_says_so(base: Base, method: str, kind: str) -> None:
    adapter = untrained(method, base)
    assert adapter.method == method
    plain = decode(base, None, kind)
    assert same(decode(base, adapter, kind), plain) == adapter.starts_as_base
    adapter.switch_off()
    assert same(decode(base, adapter, kind), plain)
    no_tokens = kind == "mask" and adapter.decoder is None and method not in ("tokens", "prompt-tuner")
    assert same(decode(base, changed_adapter(method, base), kind), plain) == no_tokens
    assert same(decode(base, None, kind), plain)  # the base itself is unchanged


def trainer(
    base: Base, adapter: Adapter, task: Task, cache: EmbeddingCache, folder: Path, cells: float
) -> Trainer[AdapterWork]:
    config = FitConfig(
        method=adapter.method, epochs=1, batch=4, prompts="mix", min_area=1, cells=cells, precision="float32"
    )
    sampler = Sampler(task.split("train"), config)
    work = AdapterWork(AdaptedModel.of(base, adapter, cache), sampler, [], config)
    return Trainer(work, sampler.steps_per_epoch, config, Run(folder), {})


@pytest.mark.parametrize("cells", [0.25, 1.0])
def test_gradients_reach_owned_parameters_and_no_others(
    base: Base, method: str, cells: float, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    adapter = changed_adapter(method, base)
    fit = trainer(base, adapter, shapes, cache, tmp_path, cells)
    for step in range(4):  # clicks and boxes
        terms = add_gradients(fit.work.model, fit.work.sampler.batch(step), fit.config, progress=1.0)
        assert all(np.isfinite(v) for v in terms.values())
    owned = adapter.owned_parameters()
    for name, p in owned.items():
        assert p.grad is not None and p.grad.abs().max() > 0, name
    frozen = {n: p for n, p in adapter.named_parameters() if n not in owned}
    assert all(p.grad is None and not p.requires_grad for p in frozen.values())
    assert all(p.grad is None and not p.requires_grad for p in base.parameters())
    assert set(adapter.kept_parameters()) <= set(owned)


def test_both_decoders_compute_the_same_gradient(
    tiny_sam: Any, method: str, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    """The fast decoder uses the weights that a method changed."""
    results = []
    for reference in (False, True):
        tiny_sam.reference_decoder = reference
        try:
            adapter = changed_adapter(method, tiny_sam)
            fit = trainer(tiny_sam, adapter, shapes, cache, tmp_path, 0.25)
            add_gradients(fit.work.model, fit.work.sampler.batch(0), fit.config)
            results.append((decode(tiny_sam, adapter), {k: p.grad for k, p in adapter.owned_parameters().items()}))
        finally:
            tiny_sam.reference_decoder = False
    (fast, gradients), (reference_decoded, expected_gradients) = results
    assert (fast.logits - reference_decoded.logits).abs().max() < 1e-4 * reference_decoded.logits.abs().max()
    scale = max(float(g.abs().max()) for g in expected_gradients.values() if g is not None)
    for name, expected in expected_gradients.items():
        gradient = gradients[name]
        assert (gradient is None) == (expected is None), name
        if gradient is not None and expected is not None:
            assert (gradient - expected).abs().max() <= 1e-3 * expected.abs().max() + 1e-6 * scale, name


def test_a_fit_does_not_change_the_base(
    tiny_sam: Base, method: str, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    """Weights and masks of the base are the same bits before, during and after a fit."""
    before = {k: v.clone() for k, v in tiny_sam.state_dict().items()}
    plain = decode(tiny_sam, None)
    during = []

    def listen(event: Event) -> None:
        if isinstance(event, Stepped):
            during.append(same(decode(tiny_sam, None), plain))

    config = dataclasses.replace(SHORT, method=method)
    result = fit_task(shapes, tiny_sam, tmp_path, config, cache=cache, progress=listen)
    assert len(during) == result.steps > 3 and all(during)
    assert all(torch.equal(v, before[k]) for k, v in tiny_sam.state_dict().items())
    predictor = Predictor(tiny_sam, tmp_path, cache)
    alone = Predictor(tiny_sam, None, cache)
    for each in (predictor, alone):
        each.set_image(shapes.split("test")[0].path)
    predictor.predict(points=[[20, 20]])
    switched_off, expected = predictor.predict(points=[[20, 20]], adapted=False), alone.predict(points=[[20, 20]])
    assert np.array_equal(switched_off.logits, expected.logits) and np.array_equal(switched_off.iou, expected.iou)


def test_a_saved_and_loaded_adapter_gives_the_same_masks(tiny_sam: Base, method: str, tmp_path: Path) -> None:
    adapter = changed_adapter(method, tiny_sam)
    save_adapter(tmp_path, adapter, tiny_sam, {})
    loaded = load_adapter(tmp_path, tiny_sam)
    assert same(decode(tiny_sam, loaded), decode(tiny_sam, adapter))
    state = safetensors.torch.load_file(tmp_path / "adapter.safetensors")
    card = read_card(tmp_path)
    assert card["method"] == method
    assert card["parameters"] == sum(v.numel() for v in state.values()) == adapter.parameter_count()
    adapter.switch_off()
    save_adapter(tmp_path, adapter, tiny_sam, {})
    is_base = same(decode(tiny_sam, load_adapter(tmp_path, tiny_sam)), decode(tiny_sam, None))
    assert is_base == (not adapter.starts_as_base)  # for the others, a fit switches off only an untrained adapter


def test_loading_on_another_base_raises_an_error(tiny_sam: Base, mobile_sam: Base, method: str, tmp_path: Path) -> None:
    save_adapter(tmp_path, untrained(method, tiny_sam), tiny_sam, {})
    with pytest.raises(AdapterError, match=tiny_sam.fingerprint):
        load_adapter(tmp_path, mobile_sam)
    with pytest.raises(AdapterError, match="width 7; the base has 32"):
        build_adapter(method, tiny_sam, width=7)


def test_training_in_bfloat16_gives_nearly_the_same_loss(
    tiny_sam: Base, method: str, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The method's modules and its own terms run under autocast; parameters and gradients stay float32."""
    monkeypatch.setitem(METHODS, "helped", Method(f"{__name__}.Helped", "for tests"))
    for name in (method, "helped"):
        adapter, sums = changed_adapter(name, tiny_sam), []
        fit = trainer(tiny_sam, adapter, shapes, cache, tmp_path, 0.25)
        for precision in ("float32", "bfloat16"):
            fit.config = dataclasses.replace(fit.config, precision=precision)
            sums.append(add_gradients(fit.work.model, fit.work.sampler.batch(0), fit.config, progress=1.0)["loss"])
        assert sums[0] != sums[1] and sums[0] == pytest.approx(sums[1], rel=0.1)
        assert all(p.grad is None or p.grad.dtype == torch.float32 for p in adapter.owned_parameters().values())


class _StopError(Exception):
    pass


def stop_at_5(event: Event) -> None:
    """Stop a fit in the middle, like a kill: a fit does not catch this error."""
    if isinstance(event, Stepped) and event.state.step == 5:
        raise _StopError


def test_a_stopped_and_resumed_fit_gives_the_same_bits(
    tiny_sam: Base, method: str, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    config = dataclasses.replace(SHORT, method=method)
    fit_task(shapes, tiny_sam, tmp_path / "whole", config, cache=cache)
    with pytest.raises(_StopError):
        fit_task(shapes, tiny_sam, tmp_path / "stopped", config, cache=cache, progress=stop_at_5)
    fit_task(shapes, tiny_sam, tmp_path / "stopped", config, cache=cache, resume=True)
    for file in ("adapter.safetensors", "state.safetensors"):
        whole, resumed = (safetensors.torch.load_file(tmp_path / name / file) for name in ("whole", "stopped"))
        assert whole.keys() == resumed.keys()
        assert all(torch.equal(whole[k], resumed[k]) for k in whole)


def test_every_study_of_the_report_runs(
    tiny_sam: Base, method: str, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    """A whole report has scores, sensitivity, clicks, click maps, a gallery, another task and strengths."""
    save_adapter(tmp_path, changed_adapter(method, tiny_sam), tiny_sam, {})
    questions = Questions(sensitivity=2, also=(dataclasses.replace(shapes, name="other"),), strengths=3)
    page = report_run(tmp_path, shapes, questions, click_maps=1, base=tiny_sam, cache=cache)
    assert method in page.read_text()
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["evaluation"]["rows"][-1]["method"] == "adapted-best"
    assert report["also"][0]["adapter_off_bit_equal"] is True
    assert [s["strength"] for s in report["also"][0]["strengths"]] == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("kind", ["click", "both"])
def test_a_lower_strength_is_between_the_base_and_the_adapter(base: Base, method: str, kind: str) -> None:
    adapter = changed_adapter(method, base)
    plain, full = decode(base, None, kind), decode(base, adapter, kind)
    assert same(decode(base, Scaled(adapter, 0.0, base), kind), plain)
    assert same(decode(base, Scaled(adapter, 1.0, base), kind), full)
    half = decode(base, Scaled(adapter, 0.5, base), kind)
    assert not same(half, plain) and not same(half, full)


def test_options_are_the_config_without_the_sizes_of_the_base(tiny_sam: Base, method: str) -> None:
    options = method_class(method).options()
    assert options == {k: v for k, v in untrained(method, tiny_sam).config.items() if k != "width"}
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "methods.md").read_text()
    assert all(f"`{name}` ({default})" in guide for name, default in options.items())


def test_the_options_of_a_fit_reach_the_adapter(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    config = dataclasses.replace(SHORT, method="lora", method_options={"rank": 3})
    fit_task(shapes, tiny_sam, tmp_path, config, cache=cache)
    card = read_card(tmp_path)
    assert (card["config"]["rank"], card["fit"]["settings"]["method_options"]) == (3, {"rank": 3})
    with pytest.raises(FitError, match="method_options"):
        changed = dataclasses.replace(config, method_options={"rank": 2})
        fit_task(shapes, tiny_sam, tmp_path, changed, cache=cache, resume=True)


def test_the_mlps_of_the_decoder_can_be_frozen(base: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path) -> None:
    adapter = build_adapter("decoder", base, mlps=0)
    whole = untrained("decoder", base).owned_parameters()
    assert set(whole) - set(adapter.owned_parameters()) == {name for name in whole if ".mlp." in name}
    fit = trainer(base, adapter, shapes, cache, tmp_path, 1.0)
    before = {name: p.detach().clone() for name, p in adapter.named_parameters()}
    fit.state.base = {"empty": 0.0}
    fit._step(0.5)
    changed = {name for name, p in adapter.named_parameters() if not torch.equal(p, before[name])}
    assert changed and changed <= set(adapter.owned_parameters())
    save_adapter(tmp_path, adapter, base, {})
    assert not any(".mlp." in name for name in safetensors.torch.load_file(tmp_path / "adapter.safetensors"))
    assert same(decode(base, load_adapter(tmp_path, base)), decode(base, adapter.eval()))
    with pytest.raises(AdapterError, match="mlps is 2"):
        build_adapter("decoder", base, mlps=2)


@pytest.mark.parametrize("options", [{"maps": 3}, {"extra": 0, "layers": 0, "residual": 0}, {"outputs": 0, "local": 0}])
def test_every_part_of_the_prompt_tuner_can_be_switched(
    base: Base, options: dict[str, int], shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    """Each choice of parts starts as the base, trains all that it owns, and has one strength and one file."""
    plain = decode(base, None)
    adapter = build_adapter("prompt-tuner", base, **options)
    assert same(decode(base, adapter), plain)
    assert adapter.config | options == adapter.config
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in adapter.owned_parameters().values():
            p += 0.3 * torch.randn(p.shape, generator=generator)
    fit = trainer(base, adapter, shapes, cache, tmp_path, 0.25)
    for step in range(4):
        add_gradients(fit.work.model, fit.work.sampler.batch(step), fit.config, progress=1.0)
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in adapter.owned_parameters().values())
    save_adapter(tmp_path, adapter, base, {})
    changed = decode(base, adapter.eval())
    assert same(decode(base, load_adapter(tmp_path, base)), changed) and not same(changed, plain)
    assert same(decode(base, Scaled(adapter, 0.0, base)), plain)
    base.reference_decoder = not base.reference_decoder
    assert (decode(base, adapter).logits - changed.logits).abs().max() < 1e-4 * changed.logits.abs().max()


def test_the_residual_of_decoder_lite_corrects_the_embedding(tiny_sam: Base, tmp_path: Path) -> None:
    adapter = build_adapter("decoder-lite", tiny_sam, image_residual=8)
    lite = untrained("decoder-lite", tiny_sam).owned_parameters()
    assert same(decode(tiny_sam, adapter), decode(tiny_sam, None))
    own = adapter.owned_parameters().keys() - lite.keys()
    assert {name.split(".")[0] for name in own} == {"residual"} and lite.keys() < adapter.owned_parameters().keys()
    with torch.no_grad():
        for name in own:
            adapter.owned_parameters()[name].add_(0.3)
    changed = decode(tiny_sam, adapter)
    assert not same(changed, decode(tiny_sam, None))
    save_adapter(tmp_path, adapter, tiny_sam, {})
    assert same(decode(tiny_sam, load_adapter(tmp_path, tiny_sam)), changed)
    assert same(decode(tiny_sam, Scaled(adapter, 0.0, tiny_sam)), decode(tiny_sam, None))
    with pytest.raises(AdapterError, match="-1 channels"):
        build_adapter("decoder-lite", tiny_sam, image_residual=-1)


@pytest.mark.parametrize("options", [{"start": "zero"}, {"local": 2}, {"extra": -1}, {"maps": -1}, {"hidden": 0}])
def test_options_of_the_prompt_tuner_have_ranges(tiny_sam: Base, options: dict[str, Any]) -> None:
    with pytest.raises(AdapterError, match=next(iter(options))):
        build_adapter("prompt-tuner", tiny_sam, **options)


def test_parts_of_a_method_have_their_own_learning_rates(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path
) -> None:
    fit = trainer(tiny_sam, untrained("plm+lora", tiny_sam), shapes, cache, tmp_path, 1.0)
    fit.state.base = {"empty": 0.0}
    fit.state.step = 100
    fit._step(0.1)
    rate = learning_rate(LoRA.peak_rate, 100, 0.1)
    rates = {id(p): group["lr"] for group in fit.optimiser.param_groups for p in group["params"]}
    for name, p in fit.trained.owned_parameters().items():
        share = 1 if name.startswith("lora.") else PLM.peak_rate / LoRA.peak_rate
        assert rates[id(p)] == pytest.approx(rate * share), name
    assert PLM.peak_rate < LoRA.peak_rate


class Helped(PLM):
    """A method with a part that is dropped after training."""

    method: ClassVar[str] = "helped"

    def __init__(self, width: int, **config: Any) -> None:
        super().__init__(width, **config)
        self.helper = nn.Linear(width, 1)

    def kept_parameters(self) -> dict[str, nn.Parameter]:
        return {k: p for k, p in self.owned_parameters().items() if not k.startswith("helper.")}

    def extra_terms(self, step: TrainingStep) -> dict[str, Tensor]:
        out = step.decoded
        n, side = step.truth.shape[:2]
        assert out.logits.shape[:3] == (1, n, 1)
        assert step.valid.shape == (side, side)
        assert out.whole().shape == (1, n, 1, side, side)
        assert out.blocks(torch.zeros(1, n, 3, dtype=torch.int64)).shape[:4] == (1, n, 3, 16)
        received.append((step.progress, step.seed))
        return {"help": (self.helper.weight.square().mean() + out.logits.mean()).expand(n)}


received: list[tuple[float, int]] = []


def test_parts_that_only_training_needs_are_not_saved(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "helped", Method(f"{__name__}.Helped", "for tests"))
    received.clear()
    config = dataclasses.replace(SHORT, method="helped")
    fit_task(shapes, tiny_sam, tmp_path / "run", config, cache=cache)
    adapter = load_adapter(tmp_path / "run", tiny_sam)
    assert read_card(tmp_path / "run")["parameters"] == PLM(width=tiny_sam.embed_dim).parameter_count()
    state = safetensors.torch.load_file(tmp_path / "run" / "state.safetensors")
    assert "now.helper.weight" in state
    assert "helper.weight" not in safetensors.torch.load_file(tmp_path / "run" / "adapter.safetensors")
    assert same(decode(tiny_sam, adapter), decode(tiny_sam, load_adapter(tmp_path / "run", tiny_sam)))
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    row = next(r for r in rows if "help" in r)
    weights = config.losses
    parts = weights.focal * row["focal"] + weights.dice * row["dice"] + weights.iou * row["iou_loss"]
    assert row["loss"] == pytest.approx(parts + row["help"], rel=1e-4)
    progress, seeds = zip(*received, strict=True)
    assert progress[0] == 1.0 and min(progress) == 0.0  # the estimate, then the first step
    assert len(set(seeds)) > len(seeds) / 2
    with pytest.raises(_StopError):
        fit_task(shapes, tiny_sam, tmp_path / "stopped", config, cache=cache, progress=stop_at_5)
    fit_task(shapes, tiny_sam, tmp_path / "stopped", config, cache=cache, resume=True)
    resumed = safetensors.torch.load_file(tmp_path / "stopped" / "state.safetensors")
    assert all(torch.equal(resumed[k], v) for k, v in state.items())


def test_a_base_without_a_tunable_decoder_raises_an_error(tiny_sam: Base) -> None:
    class OtherBase(Base):
        frame = encode = embed_prompts = decode = image_positions = None  # type: ignore[assignment]

    other = OtherBase()
    other.name, other.embed_dim = "other", tiny_sam.embed_dim
    for name in METHODS:
        if untrained(name, tiny_sam).decoder is None and name not in ("prompt-tuner", "words"):
            assert method_class(name).for_base(other).decoder is None
        else:
            with pytest.raises(AdapterError, match="the base 'other' cannot be tuned"):
                build_adapter(name, other)


def test_the_adapter_equals_the_base_if_nothing_beat_it(
    tiny_sam: Base, shapes: Task, cache: EmbeddingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    from samtailor.fitting import work
    from samtailor.fitting.validate import Validation

    scores = iter([0.5, 0.4, 0.3])
    monkeypatch.setattr(work, "validate", lambda *_: Validation(s := next(scores), s, 8))
    config = dataclasses.replace(SHORT, method=method, mask_token=0)  # otherwise the untrained adapter is scored too
    result = fit_task(shapes, tiny_sam, tmp_path, config, cache=cache)
    assert not result.beats_base and result.steps > 3
    for adapter in (result.adapter, load_adapter(tmp_path, tiny_sam)):
        assert same(decode(tiny_sam, adapter), decode(tiny_sam, None))
    resumed = fit_task(shapes, tiny_sam, tmp_path, config, cache=cache, resume=True)
    assert resumed == dataclasses.replace(result, adapter=resumed.adapter)


@pytest.mark.parametrize("kind", PROMPTS)
def test_token_kinds_agree_with_the_prompt_encoder(tiny_sam: Any, kind: str) -> None:
    """Changing the prompt encoder's embedding of a kind changes the tokens of this kind and no others."""
    prompts = PROMPTS[kind]
    tensors = PromptTensors.of(prompts, FRAME, torch.device("cpu"))
    kinds = tiny_sam.token_kinds(tensors)
    plain, _ = tiny_sam.embed_prompts(tensors)
    assert kinds.shape == plain.shape[:3]
    for index in range(len(TOKEN_KINDS)):
        copy = deepcopy(tiny_sam)
        encoder = copy.prompt_encoder
        pads, clicks = [encoder.not_a_point_embed], [encoder.point_embed[0], encoder.point_embed[1]]
        (clicks + pads + [encoder.point_embed[2], encoder.point_embed[3]])[index].weight += 1.0
        tokens, _ = copy.embed_prompts(tensors)
        changed = (tokens - plain).abs().amax(-1) > 0.5
        assert torch.equal(changed, kinds == index), TOKEN_KINDS[index]
