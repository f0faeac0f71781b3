"""A state file that was damaged or edited is refused whole, and the message names the field."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from samtailor.adapters.contract import Adapter
from samtailor.adapters.io import build_adapter, load_adapter
from samtailor.adapters.plm import PLM
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import AdapterError, FitError
from samtailor.fit import fit_task
from samtailor.fitting.config import FitConfig
from samtailor.fitting.state import load_state, read_state
from samtailor.machine.tensors import digest_of
from samtailor.runs import Run

SHORT = FitConfig(method="plm", steps=4, precision="float32", batch=4, lr=1e-3, val_prompts=8, validations=2)


@pytest.fixture(scope="module")
def fitted(tiny_sam: Base, shapes: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fitted")
    fit_task(shapes, tiny_sam, folder / "run", SHORT, cache=EmbeddingCache(folder / "cache"))
    return folder / "run"


@pytest.fixture
def run(fitted: Path, tmp_path: Path) -> Run:
    """A copy that a test may damage."""
    for path in fitted.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    return Run(tmp_path)


def load(run: Run, base: Base) -> Adapter:
    adapter = build_adapter("plm", base)
    load_state(run, adapter, torch.optim.AdamW(adapter.owned_parameters().values()))
    return adapter


def parts(run: Run) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    content = run.state.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["state"]), safetensors.torch.load(content)


def write(run: Run, state: Any, tensors: dict[str, torch.Tensor], checksum: bool = True) -> None:
    """Write a state file as somebody would who knows the checksum."""
    metadata = {"state": state if isinstance(state, str) else json.dumps(state)}
    whole = metadata | ({"checksum": digest_of(metadata, tensors)} if checksum else {})
    run.state.write_bytes(safetensors.torch.save(tensors, whole))


def test_a_changed_byte_of_a_state_never_passes(run: Run, tiny_sam: Base) -> None:
    content, rng = run.state.read_bytes(), random.Random(0)
    for _ in range(300):
        at = rng.randrange(len(content))
        run.state.write_bytes(content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :])
        with pytest.raises(FitError, match=r"The state of the fit, .* cannot be used"):
            load(run, tiny_sam)
    for length in (0, 7, 8, 9, 100, len(content) - 1):
        run.state.write_bytes(content[:length])
        with pytest.raises(FitError, match="cannot be used"):
            load(run, tiny_sam)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("step", -1),
        ("step", 1.5),
        ("step", True),
        ("step", "4"),
        ("step", 10**400),
        ("elapsed", float("nan")),
        ("elapsed", None),
        ("rate_scale", 7),
        ("best_step", 99),
        ("anchor", 99),
        ("base", {}),
        ("base", {"miou": "high"}),
        ("best", {"miou": 0.5}),
        ("best", []),
        ("token_scores", [0.1, None]),
        ("token_scores", "0.1"),
        ("finished", 0),
        ("format", 3),
        ("context", "config"),
        ("extended_at", {"a": 1}),
        ("nonsense", 1),
    ],
)
def test_a_wrong_field_of_a_state_is_named(run: Run, tiny_sam: Base, field: str, value: object) -> None:
    state, tensors = parts(run)
    write(run, state | {field: value}, tensors)
    with pytest.raises(FitError, match=field if value == value else "JSON"):  # NaN is not equal to itself
        load(run, tiny_sam)


def test_a_missing_field_of_a_state_is_named(run: Run) -> None:
    state, tensors = parts(run)
    del state["best"]
    write(run, state, tensors)
    with pytest.raises(FitError, match="best is missing"):
        read_state(run)


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, '{"step": }', "\ud800"[:0] + "4"])
def test_a_state_that_is_no_object_is_refused(run: Run, text: str) -> None:
    write(run, text, parts(run)[1])
    with pytest.raises(FitError, match="cannot be used"):
        read_state(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[:1], "now.norm_self.weight"),
        (lambda t: t.double(), "float64"),
        (lambda t: t.to(torch.float8_e4m3fn), "float8"),
        (lambda t: torch.full_like(t, float("nan")), "NaN or infinity"),
        (None, "missing tensors"),
    ],
)
def test_wrong_tensors_of_a_state_are_refused_and_nothing_is_loaded(
    run: Run, tiny_sam: Base, change: Callable[[torch.Tensor], torch.Tensor] | None, message: str
) -> None:
    state, tensors = parts(run)
    name = "now.norm_self.weight"
    if change is None:
        del tensors[name]
    else:
        tensors[name] = change(tensors[name])
    write(run, state, tensors)
    adapter = build_adapter("plm", tiny_sam)
    before = {k: v.clone() for k, v in adapter.state_dict().items()}
    with pytest.raises(FitError, match=message):
        load_state(run, adapter, torch.optim.AdamW(adapter.owned_parameters().values()))
    assert all(torch.equal(v, before[k]) for k, v in adapter.state_dict().items())


def test_a_state_of_an_older_version_still_continues(
    run: Run, tiny_sam: Base, shapes: Task, cache: EmbeddingCache
) -> None:
    state, tensors = parts(run)
    new = ("format", "prompt_limit", "extended_at")
    state["context"]["config"]["validations"] = 20  # the former default
    write(run, {k: v for k, v in state.items() if k not in new}, tensors, checksum=False)
    config = dataclasses.replace(SHORT, validations=None)
    assert fit_task(shapes, tiny_sam, run.folder, config, cache=cache, resume=True).steps == 4
    write(run, state, tensors, checksum=False)  # a new one without its checksum
    with pytest.raises(FitError, match="it has no checksum"):
        read_state(run)


# --- the files of an adapter


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": True}, "format is True"),
        ({"format": 3}, "Update samtailor"),
        ({"method": 7}, "method is 7"),
        ({"method": "x" * 10_000}, "unknown method"),
        ({"config": []}, "config is a list"),
        ({"config": {"width": 32, "heads": 10**9}}, r"config\.heads is 1000000000"),
        ({"config": {"width": 32, "self": 1}}, "no option 'self'"),
        ({"config": {"width": 32, "seed": 1}}, "no option 'seed'"),
        ({"config": {"width": 32, "heads": [8]}}, r"config\.heads is a list"),
        ({"mask_token": "1"}, "mask_token is '1'"),
        ({"mask_token": 99}, "mask token 99"),
        ({"parameters": 3}, "has 3 parameters"),
        ({"base": {"name": "x"}}, r"base\.fingerprint is missing"),
        ({"base": None}, "base is None"),
        ({"weights_digest": None}, "weights_digest is None"),
        ({"task": [1]}, "task is a list"),
        ({"task": {"only": 3}}, r"task\.only is 3"),
        ({"fit": "long"}, "fit is 'long'"),
    ],
)
def test_a_wrong_field_of_a_card_is_named(run: Run, tiny_sam: Base, change: dict[str, Any], message: str) -> None:
    card = json.loads(run.card_file.read_text())
    run.card_file.write_text(json.dumps(card | change))
    with pytest.raises(AdapterError, match=message) as refused:
        load_adapter(run.folder, tiny_sam)
    assert len(str(refused.value)) < 800


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b'{"format": NaN}', b"4", b"null"])
def test_a_card_that_is_no_object_is_refused(run: Run, tiny_sam: Base, content: bytes) -> None:
    run.card_file.write_bytes(content)
    with pytest.raises(AdapterError, match="is not the card of an adapter"):
        load_adapter(run.folder, tiny_sam)


def test_a_folder_or_a_pipe_in_place_of_a_card_is_refused(run: Run, tiny_sam: Base) -> None:
    run.card_file.unlink()
    run.card_file.mkdir()
    with pytest.raises(AdapterError, match="expected a file"):
        load_adapter(run.folder, tiny_sam)


def test_weights_of_another_number_type_are_refused(run: Run, tiny_sam: Base) -> None:
    from samtailor.adapters.io import _digest

    card = json.loads(run.card_file.read_text())
    for dtype in (torch.float16, torch.float64, torch.int64, torch.float8_e4m3fn, torch.complex64):
        tensors = {k: v.to(dtype) for k, v in safetensors.torch.load_file(run.weights).items()}
        content = safetensors.torch.save(tensors)
        run.weights.write_bytes(content)
        run.card_file.write_text(json.dumps(card | {"weights_digest": _digest(content)}))
        with pytest.raises(AdapterError, match="does not fit the method"):
            load_adapter(run.folder, tiny_sam)


def test_loading_does_not_use_the_global_generator(run: Run, tiny_sam: Base) -> None:
    before = torch.get_rng_state()
    assert isinstance(load_adapter(run.folder, tiny_sam), PLM)
    assert torch.equal(torch.get_rng_state(), before)
