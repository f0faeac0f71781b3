"""What is wrong with a base is one clear sentence: no traceback, no table, no advice to load unsafely."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from samtailor import Predictor, load_base
from samtailor.adapters.io import load_adapter, save_adapter
from samtailor.adapters.plm import PLM
from samtailor.bases import hub
from samtailor.bases.base import Base
from samtailor.bases.locate import find_base
from samtailor.bases.mobile_sam.load import bundled_weights
from samtailor.errors import BaseModelError

LFS = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1\nsize 40728226\n"
)
EDGETAM = ("image_encoder.trunk.body.x", "sam_prompt_encoder.x", "sam_mask_decoder.x", "memory_encoder.x")
LIGHT_HQ = ("image_encoder.layers.0.x", "prompt_encoder.x", "mask_decoder.hf_token.weight")
TENSORS = {"a.weight": torch.zeros(3), "b.bias": torch.zeros(2)}


def _zip_of_text(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "weights inside")


def _cut(path: Path, save: Callable[[Path], object], share: float) -> None:
    save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def _big(path: Path) -> None:
    torch.save({"w": torch.zeros(5000)}, path)


FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "empty": ("a.pt", lambda p: p.write_bytes(b""), r"is empty \(0 bytes\)"),
    "empty safetensors": ("a.safetensors", lambda p: p.touch(), r"is empty \(0 bytes\)"),
    "page": ("a.pth", lambda p: p.write_text("\n<!DOCTYPE html><html><head>Sign in"), "web page"),
    "page with a comment": ("a.safetensors", lambda p: p.write_text("<!-- x -->\n<html lang='en'>"), "web page"),
    "server error": ("a.pt", lambda p: p.write_text("<?xml version='1.0'?><Error><Code>AccessDenied"), "XML"),
    "pointer": ("a.safetensors", lambda p: p.write_text(LFS), "git-lfs pointer"),
    "pointer pt": ("mobile_sam.pt", lambda p: p.write_text(LFS), "git-lfs pointer"),
    "text": ("weights.pth", lambda p: p.write_text("see the wiki\nfor more"), "text that begins with 'see the wiki'"),
    "json": ("a.pt", lambda p: p.write_text('{"error": "not found"}'), "text that begins with"),
    "cut zip": ("a.pt", lambda p: _cut(p, _big, 0.7), "not complete"),
    "cut safetensors": (
        "a.safetensors",
        lambda p: _cut(p, lambda q: safetensors.torch.save_file({"w": torch.zeros(5000)}, q), 0.7),
        "not complete.*bytes are missing",
    ),
    "cut header": (
        "a.safetensors",
        lambda p: _cut(p, lambda q: safetensors.torch.save_file(TENSORS, q), 0.3),
        "not complete",
    ),
    "cut legacy": (
        "a.pth",
        lambda p: _cut(p, lambda q: torch.save(TENSORS, q, _use_new_zipfile_serialization=False), 0.5),
        "damaged, or no PyTorch checkpoint",
    ),
    "noise": ("a.pt", lambda p: p.write_bytes(np.random.default_rng(0).bytes(999)), "cannot be read"),
    "other zip": ("a.pt", _zip_of_text, "zip archive, but not a PyTorch checkpoint"),
    "gzip": ("a.pt", lambda p: p.write_bytes(b"\x1f\x8b\x08" + bytes(99)), "gzip archive"),
    "picture": ("a.pt", lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99)), "PNG picture"),
    "lightning": (
        "last.ckpt",
        lambda p: torch.save({"epoch": 3, "pytorch-lightning_version": "2.4.0", "state_dict": TENSORS}, p),
        r"no known segmentation model; its tensors are a\.weight, b\.bias",
    ),
    "training state": (
        "a.pth",
        lambda p: torch.save({"model": OrderedDict(TENSORS), "optimizer": {"step": 1}, "epoch": 2}, p),
        r"no known segmentation model; its tensors are a\.weight, b\.bias",
    ),
    "namespace": (
        "a.pth",
        lambda p: torch.save({"model": TENSORS, "args": argparse.Namespace(lr=0.1)}, p),
        r"holds more than tensors: argparse\.Namespace.*could run code",
    ),
    "a whole model": ("a.pt", lambda p: torch.save(torch.nn.Linear(2, 2), p), "more than tensors.*could run code"),
    "a list": ("a.pt", lambda p: torch.save([torch.zeros(2)], p), "an object of type list"),
    "another SAM": (
        "sam_vit_b_01ec64.pth",
        lambda p: torch.save({"image_encoder.blocks.0.norm1.weight": torch.zeros(3)}, p),
        "holds a part of a SAM; prompt_encoder, mask_decoder is missing",
    ),
    "another network": ("resnet.pth", lambda p: torch.save(TENSORS, p), "no known segmentation model"),
    "optimiser": (
        "optimizer.pt",
        lambda p: torch.save({"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]}, p),
        "state of an optimiser, but no weights",
    ),
    "optimiser in a table": (
        "last.pth",
        lambda p: torch.save({"optimizer": {"state": {0: {"m": torch.zeros(2)}}, "param_groups": []}, "epoch": 3}, p),
        "state of an optimiser, but no weights",
    ),
    "numbers alone": ("log.pt", lambda p: torch.save({"loss": 0.3, "epoch": 3}, p), "no tensors; it holds 'loss'"),
    "an empty table": ("a.pt", lambda p: torch.save({}, p), "holds no tensors; it holds nothing"),
    "video alone": (
        "sam2_video.pt",
        lambda p: torch.save({"model": {"memory_attention.layers.0.norm1.weight": torch.zeros(3)}}, p),
        "serve videos, but not image_encoder, sam_prompt_encoder, sam_mask_decoder",
    ),
    "SAM 3": ("sam3.pt", lambda p: torch.save({"detector.a": torch.zeros(2)}, p), "SAM 3 as its authors published"),
    "EdgeTAM": (
        "edgetam.pt",
        lambda p: torch.save({"model": dict.fromkeys(EDGETAM, torch.zeros(2))}, p),
        "EdgeTAM as its authors published",
    ),
    "Light HQ-SAM": (
        "sam_hq_vit_tiny.pth",
        lambda p: torch.save(dict.fromkeys(LIGHT_HQ, torch.zeros(2)), p),
        "Light HQ-SAM, whose image encoder is not supported",
    ),
    "decoder of HQ-SAM": (
        "epoch_11.pth",
        lambda p: torch.save({"mask_decoder.hf_token.weight": torch.zeros(1, 256)}, p),
        "image_encoder, prompt_encoder is missing",
    ),
    "transformers' names": (
        "model.pt",
        lambda p: torch.save({"vision_encoder.pos_embed": torch.zeros(2)}, p),
        r"names of transformers, but no config\.json is beside it",
    ),
    "two models": (
        "gan.pt",
        lambda p: torch.save({"a": {"mask_decoder.x": torch.zeros(2)}, "b": {"mask_decoder.x": torch.zeros(2)}}, p),
        "several models: 'a', 'b'",
    ),
    "two prefixes": (
        "both.pt",
        lambda p: torch.save({"student.mask_decoder.x": torch.zeros(2), "teacher.mask_decoder.x": torch.zeros(2)}, p),
        r"several models, under the prefixes 'student\.', 'teacher\.'",
    ),
    "quantised": (
        "int8.safetensors",
        lambda p: safetensors.torch.save_file({"mask_decoder.x": torch.zeros(2, dtype=torch.int8)}, p),
        "no floating-point numbers, such as 'mask_decoder.x' of int8",
    ),
}  # fmt: skip


def _sentence(error: BaseModelError) -> str:
    """The message, after checks that hold for each."""
    text = str(error)
    assert "weights_only" not in text and "trust_remote_code" not in text and "allow_pickle" not in text
    assert "\x1b" not in text and "\n" not in text and len(text) < 700, text
    assert error.hint
    assert error.__cause__ is None or "weights_only" not in str(error.__cause__)
    return text


@pytest.mark.parametrize("form", ["name", "path", "prefix"])
@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_checkpoint_is_named(
    case: str, form: str, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    name, write, words = FILES[case]
    path = tmp_path / name
    write(path)
    given = {"name": str(path), "path": path, "prefix": f"mobile-sam:{path}"}[form]
    with pytest.raises(BaseModelError, match=words) as caught:
        load_base(given)
    assert name in _sentence(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_checkpoint_may_have_any_suffix_and_needs_no_prefix(mobile_sam: Base, tmp_path: Path) -> None:
    shutil.copy(bundled_weights(), tmp_path / "mobile_sam.bin")
    assert load_base(tmp_path / "mobile_sam.bin", "cpu").fingerprint == mobile_sam.fingerprint


def _without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _nested(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "config.json").rename(folder / "inner/config.json")


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _other_keys(folder: Path) -> None:
    state = safetensors.torch.load_file(folder / "model.safetensors")
    renamed = {f"module.{name}": tensor for name, tensor in state.items()}
    safetensors.torch.save_file(renamed, folder / "model.safetensors", {"format": "pt"})


def _other_size(folder: Path) -> None:
    state = safetensors.torch.load_file(folder / "model.safetensors")
    state["mask_decoder.iou_token.weight"] = torch.zeros(2, 32)
    safetensors.torch.save_file(state, folder / "model.safetensors", {"format": "pt"})


def _other_kind(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))


def _no_kind(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"name": "thing"}))


def _cut_weights(folder: Path) -> None:
    _cut(folder / "model.safetensors", lambda p: p.write_bytes(p.read_bytes()), 0.9)


FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (_without_config, r"no config\.json \(it holds model\.safetensors\)"),
    "one folder too high": (_nested, r"no config\.json.*Pass .*inner"),
    "pickled weights": (_pickled, r"no model\.safetensors \(but pytorch_model\.bin"),
    "pointer": (lambda f: (f / "model.safetensors").write_text(LFS), "git-lfs pointer"),
    "pointer config": (lambda f: (f / "config.json").write_text(LFS), r"config\.json is a git-lfs pointer"),
    "page": (lambda f: (f / "config.json").write_text("<html>"), r"config\.json is a web page"),
    "broken config": (lambda f: (f / "config.json").write_text('{"model_type":'), r"config\.json is not a table"),
    "cut weights": (_cut_weights, "not complete"),
    "other keys": (_other_keys, r"do not fit SAM: \d+ missing .*unexpected"),
    "other size": (_other_size, r"1 of another size than in config\.json \(mask_decoder\.iou_token\.weight \(2, 32\)"),
    "other kind": (_other_kind, "type 'bert'"),
    "no kind": (_no_kind, "does not say what kind"),
    "empty": (lambda f: [p.unlink() for p in f.iterdir()], "holds nothing"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_that_is_no_sam_is_named_and_nothing_else_is_printed(
    case: str, tiny_sam_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    change, words = FOLDERS[case]
    folder = tmp_path / "sam"
    shutil.copytree(tiny_sam_folder, folder)
    change(folder)
    level = logging.getLogger("transformers").level
    with pytest.raises(BaseModelError, match=words) as caught:
        load_base(folder)
    _sentence(caught.value)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("transformers").level == level


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mobile_sam", "mobile-sam"),
        ("MobileSAM", "mobile-sam"),
        ("vit_b", "facebook/sam-vit-base"),
        ("sam_vit_h", "facebook/sam-vit-huge"),
        ("mobil-sam", "mobile-sam"),
        ("sam2.1_hiera_small", "facebook/sam2.1-hiera-small"),
        ("sam2_b+_base", "facebook/sam2.1-hiera-base-plus"),
        ("SAM2", "facebook/sam2.1-hiera-tiny"),
        ("sam3", "facebook/sam3"),
        ("sam_hq_vit_b", "syscv-community/sam-hq-vit-base"),
        ("EdgeTAM", "yonigozlan/EdgeTAM-hf"),
    ],
)
def test_a_name_that_is_nearly_right_gets_the_right_one(name: str, hint: str) -> None:
    with pytest.raises(BaseModelError) as caught:
        load_base(name)
    assert caught.value.hint == f"Did you mean {hint}?"


def test_without_a_network_an_unknown_hub_id_is_answered_quickly_and_quietly(tmp_path: Path) -> None:
    """The hub's address is one where nothing listens; its client alone would try for 23 seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = (
        "import time, sys\n"
        "from samtailor.bases.registry import load_base\n"
        "from samtailor.errors import BaseModelError\n"
        "import huggingface_hub\n"
        "began = time.perf_counter()\n"
        "try:\n"
        "    load_base('someone/unknown-sam')\n"
        "except BaseModelError as error:\n"
        "    print(time.perf_counter() - began, 'torch' in sys.modules, error)\n"
    )
    environment = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | environment, capture_output=True, text=True, timeout=120
    )
    assert result.stderr == ""
    seconds, with_torch, text = result.stdout.split(maxsplit=2)
    assert float(seconds) < 3 and with_torch == "False"
    assert len(text.splitlines()) == 1 and "no connection" in text and "someone/unknown-sam" in text


@pytest.mark.parametrize("name", ["someone/unknown-sam", "mobile_sam", "/nowhere/sam.pt"])
@pytest.mark.parametrize("command", ["fit sample --out run", "encode sample", "evaluate sample"])
def test_a_command_refuses_a_wrong_base_before_torch_is_imported(command: str, name: str, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        f"sys.argv = ['samtailor', *{command.split()!r}, '--base', {name!r}]\n"
        "from samtailor.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as ended:\n"
        "    print(ended.code, 'torch' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.stdout == "2 False\n"
    assert result.stderr.startswith(("Error: There is no base", "Error: The base"))
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_never_answers_is_given_up_after_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "_last", (-hub.REMEMBERED, False))
    monkeypatch.setattr(hub, "_ask", lambda address, answers: time.sleep(20))
    began = time.monotonic()
    assert not hub.hub_answers()
    assert time.monotonic() - began < 3
    assert not hub.hub_answers() and time.monotonic() - began < 3  # remembered


def test_a_moved_base_is_found_by_its_fingerprint(
    tiny_sam_folder: Path,
    tmp_path: Path,
    moved_plm: PLM,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, run = tmp_path / "old" / "sam", tmp_path / "project" / "run"
    shutil.copytree(tiny_sam_folder, old)
    base = load_base(old, "cpu")
    save_adapter(run, moved_plm, base, {})
    found = old
    for place in ("project/sam", "project/models/renamed", "project/run/weights/x"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(found, tmp_path / place)
        found = tmp_path / place
        with caplog.at_level(logging.WARNING):
            predictor = Predictor(adapter=run, cache=False)
        assert Path(predictor.model.base.name) == found
        assert str(found) in caplog.text and "same fingerprint" in caplog.text
        assert load_adapter(run).base_fingerprint == base.fingerprint
        caplog.clear()
    other = tmp_path / "far/away/sam"
    other.parent.mkdir(parents=True)
    shutil.move(found, other)
    with pytest.raises(BaseModelError, match=r"fingerprint [0-9a-f]{16}.*Pass its new place") as caught:
        Predictor(adapter=run)
    assert str(old) in str(caught.value)
    assert Predictor(other, run, cache=False).model.adapter is not None
    monkeypatch.chdir(other.parent)
    assert Path(find_base(str(old), base.fingerprint)) == other


def test_a_moved_copy_of_the_bundled_base_is_the_bundled_one(mobile_sam: Base, tmp_path: Path) -> None:
    fingerprint: str = mobile_sam.fingerprint
    assert find_base(f"mobile-sam:{tmp_path / 'gone.pt'}", fingerprint) == "mobile-sam"


def test_a_moved_checkpoint_is_found_among_others(tmp_path: Path) -> None:
    state = safetensors.torch.load_file(bundled_weights())
    state["mask_decoder.iou_token.weight"] += 1
    (tmp_path / "weights").mkdir()
    torch.save(state, tmp_path / "weights/tuned.pt")
    (tmp_path / "weights/notes.pt").write_text("not weights")
    safetensors.torch.save_file(TENSORS, tmp_path / "weights/other.safetensors")
    fingerprint = load_base(tmp_path / "weights/tuned.pt", "cpu").fingerprint
    found = find_base("mobile-sam:/nowhere/at/all/tuned.pt", fingerprint, [tmp_path])
    assert found == str(tmp_path / "weights/tuned.pt")
