"""What this machine can do."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest
import torch

from samtailor import doctor
from samtailor.doctor import check_machine
from samtailor.machine import memory
from samtailor.machine.survey import PeakMemory, survey


def test_the_machine_is_described(tmp_path: Path) -> None:
    facts = survey(tmp_path / "not" / "yet" / "there")
    assert 0 < facts.free_memory <= facts.memory and facts.free_disk > 0
    assert int(facts.hardware["cores"]) > 0 and facts.versions["torch"] == torch.__version__.partition("+")[0]
    assert {"formats", "onnx"} <= set(facts.extras)


def test_memory_is_that_of_a_container_if_it_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, used = tmp_path / "max", tmp_path / "current"
    limit.write_text("2000000000\n")
    used.write_text("1500000000\n")
    monkeypatch.setattr(memory, "_CGROUPS", ((str(limit), str(used), "inactive_file"),))
    assert survey(tmp_path).memory == 2_000_000_000 and memory.available_memory() == 500_000_000
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 100000000\n")
    assert memory.available_memory() == 600_000_000  # the cache of files makes room
    limit.write_text("max\n")
    assert survey(tmp_path).memory > 2_000_000_000 and memory.available_memory() > 0


def test_the_peak_of_a_block_is_measured() -> None:
    with PeakMemory() as peak, mmap.mmap(-1, 60_000_000) as block:  # new pages, whatever the allocator has kept
        block.write(b"1" * 60_000_000)
    assert 40e6 < peak.grown < 400e6


def test_a_base_is_measured(tiny_sam_folder: Path, tmp_path: Path) -> None:
    (check,) = check_machine([tiny_sam_folder], device="cpu", cache=tmp_path).bases
    assert check.problem == "" and check.seconds is not None and check.seconds > 0
    from samtailor.bases.registry import load_base

    base = load_base(str(tiny_sam_folder), "cpu")
    shape = base.embedding_shapes()["image"]
    assert check.parameters == sum(p.numel() for p in base.parameters())
    assert check.disk == 2 * int(np.prod(shape))  # float16


def test_other_bases_are_found_but_not_loaded(
    tiny_sam_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    (tmp_path / "weights").mkdir()
    shutil.copytree(tiny_sam_folder, tmp_path / "weights" / "mine")
    (tmp_path / "weights" / "sam_vit_b.pth").write_bytes(b"0" * 100)
    (tmp_path / "weights" / "resnet.pth").write_bytes(b"0" * 100)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    found = dict(check_machine([tiny_sam_folder], device="cpu").found)
    names = {Path(name).name: size for name, size in found.items() if tmp_path in Path(name).parents}
    assert names["sam_vit_b.pth"] == 100 and names["mine"] > 1000 and "resnet.pth" not in names


def test_a_base_that_does_not_fit_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big = tmp_path / "big.safetensors"
    with big.open("wb") as file:
        file.truncate(2_400_000_000)  # sparse: it takes no space
    monkeypatch.setattr(doctor, "available_memory", lambda: 2_000_000_000)
    (check,) = check_machine([big], device="cpu").bases
    assert "takes about 5.3 GB of memory; 2.0 GB are free" in check.problem
    assert check.seconds is None


def test_a_base_that_cannot_be_loaded_is_part_of_the_result(tmp_path: Path, tiny_sam_folder: Path) -> None:
    text = tmp_path / "weights.pth"
    text.write_text("<html>not found</html>")
    bad, good = check_machine([text, tiny_sam_folder], device="cpu").bases
    assert "web page" in bad.problem and good.problem == ""
