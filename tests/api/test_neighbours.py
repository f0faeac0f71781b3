"""Results do not depend on the PyTorch settings of the caller, nor on what other packages changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import timm.models
import torch
from PIL import Image
from timm.models import _registry

from samtailor import EmbeddingCache, Predictor, evaluate_task, fit_task, load_base
from samtailor.bases.base import Base
from samtailor.bases.mobile_sam.load import load_mobile_sam
from samtailor.data.task import Task
from samtailor.machine.undisturbed import undisturbed
from tests.api.conftest import SHORT


@contextmanager
def _changed(get: Callable[[], Any], put: Callable[[Any], None], value: Any) -> Iterator[None]:
    before = get()
    put(value)
    try:
        yield
    finally:
        put(before)


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "float64": lambda: _changed(torch.get_default_dtype, torch.set_default_dtype, torch.float64),
    "float16": lambda: _changed(torch.get_default_dtype, torch.set_default_dtype, torch.float16),
    "inference mode": torch.inference_mode,
    "no gradients": lambda: torch.set_grad_enabled(False),
    "no_grad": torch.no_grad,
    "another device": lambda: torch.device("meta"),
    "a default device": lambda: _changed(lambda: None, torch.set_default_device, "meta"),
    "fast products": lambda: _changed(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "medium"),
}


@pytest.fixture(scope="module")
def expected(run: Path, shapes: Task, tiny_sam_folder: Path, store: EmbeddingCache) -> dict[str, Any]:
    return _everything(run, shapes, tiny_sam_folder, store)


def _bits(entry: Path) -> dict[str, tuple[torch.dtype, bytes]]:
    """The tensors of an entry of the cache; the order of its metadata differs from file to file."""
    return {name: (t.dtype, t.numpy().tobytes()) for name, t in safetensors.torch.load_file(entry).items()}


def _everything(run: Path, shapes: Task, base: Path, store: EmbeddingCache) -> dict[str, Any]:
    predictor = Predictor(base, run, store)
    predictor.set_image(shapes.split("test")[0].path)
    prediction = predictor.predict(points=[[20, 20]], multimask=True)
    return {
        "scores": evaluate_task(shapes, base, run, cache=store).instances,
        "logits": prediction.logits,
        "iou": prediction.iou,
        "fingerprint": predictor.model.base.fingerprint,
        "weights": (run / "adapter.safetensors").read_bytes(),
        "stored": {p.name: _bits(p) for p in store.root.rglob("*.safetensors")},
    }


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_is_fitted_stored_and_predicted_does_not_depend_on_settings_of_the_caller(
    setting: str, expected: dict[str, Any], shapes: Task, tiny_sam_folder: Path, tmp_path: Path
) -> None:
    store = EmbeddingCache(tmp_path / "store")
    before = torch.get_default_dtype()
    with SETTINGS[setting]():
        inside = torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        result = fit_task(shapes, tiny_sam_folder, tmp_path / "run", SHORT, cache=store)
        found = _everything(tmp_path / "run", shapes, tiny_sam_folder, store)
        after = torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    assert inside == after and torch.get_default_dtype() == before
    assert not any(p.is_inference() or p.dtype != torch.float32 for p in result.adapter.parameters())
    assert found["weights"] == expected["weights"]
    assert found["stored"].items() <= expected["stored"].items()
    assert found["scores"] == expected["scores"]
    assert found["fingerprint"] == expected["fingerprint"]
    for name in ("logits", "iou"):
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_predictor_made_before_the_settings_changed_answers_the_same(
    setting: str, expected: dict[str, Any], run: Path, shapes: Task, tiny_sam: Base
) -> None:
    predictor = Predictor(tiny_sam, run, cache=False)
    with SETTINGS[setting]():
        predictor.set_image(shapes.split("test")[0].path)
        prediction = predictor.predict(points=[[20, 20]], multimask=True)
    np.testing.assert_array_equal(prediction.logits, expected["logits"])


def test_settings_of_the_caller_return_after_an_error() -> None:
    with SETTINGS["float64"](), torch.no_grad():
        with pytest.raises(ZeroDivisionError), undisturbed():
            assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
            raise ZeroDivisionError
        assert torch.get_default_dtype() == torch.float64 and not torch.is_grad_enabled()


def test_the_bundled_encoder_is_the_same_after_another_package_took_its_name(mobile_sam: Base) -> None:
    """MobileSAM's own package registers another model under the name of timm's; so does any rogue package."""
    name = "tiny_vit_5m_224"
    entries = _registry._model_entrypoints
    before = entries[name]

    def tiny_vit_5m_224(pretrained: bool = False, **options: Any) -> torch.nn.Module:
        return torch.nn.Linear(1, 1)

    try:
        entries[name] = tiny_vit_5m_224
        assert isinstance(timm.create_model(name), torch.nn.Linear)
        base = load_mobile_sam()
        image = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
        found = base.encode([image])["image"]
    finally:
        entries[name] = before
    assert torch.equal(found, mobile_sam.encode([image])["image"])


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "module://nowhere", "nonsense"])
def test_commands_work_under_the_plotting_backend_of_a_notebook(
    backend: str, run: Path, shapes: Task, tiny_sam_folder: Path, store: EmbeddingCache, tmp_path: Path
) -> None:
    script = (
        "import sys\n"
        "from samtailor.cli import main\n"
        "from samtailor.drawing.curve import plot_curve\n"
        "from samtailor.report.page.figures import colour_bar\n"
        f"plot_curve([{{'step': 1, 'loss': 0.5, 'lr': 0.1}}], {str(tmp_path / 'curve.png')!r})\n"
        "assert colour_bar()\n"
        "main()\n"
    )
    arguments = ["evaluate", str(shapes.root), "--adapter", str(run), "--cache", str(store.root)]
    environment = os.environ | {"MPLBACKEND": backend}
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert "adapted" in result.stdout
    assert Image.open(tmp_path / "curve.png").size[0] > 500


def test_reading_a_task_and_predicting_import_no_plotting(run: Path, shapes: Task, store: EmbeddingCache) -> None:
    script = (
        "import sys, samtailor\n"
        f"samtailor.inspect_task({str(shapes.root)!r}, progress=False)\n"
        f"samtailor.evaluate_task({str(shapes.root)!r}, adapter={str(run)!r}, cache={str(store.root)!r})\n"
        "import samtailor.fit, samtailor.report.run\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr


def test_a_base_that_was_loaded_under_other_settings_can_be_trained_on(tiny_sam_folder: Path, shapes: Task) -> None:
    with torch.inference_mode(), SETTINGS["float64"]():
        base = load_base(tiny_sam_folder, "cpu")
    assert all(p.dtype == torch.float32 and not p.is_inference() for p in base.parameters())
    assert safetensors.torch.save(base.state_dict())
