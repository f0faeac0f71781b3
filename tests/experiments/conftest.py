"""Fixtures of the experiments' tests: configs of a tiny base, and commands on a task of discs and bars."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from samtailor.data.task import Task
from tests.experiments.helpers import SHORT_FIT, Command, WriteConfig


@pytest.fixture
def write_config(tmp_path: Path, tiny_sam_folder: Path) -> WriteConfig:
    """A function that writes a config of short fits of the tiny base and returns its path."""

    def write(runs: list[dict[str, object]], name: str = "small", **top: object) -> Path:
        path = tmp_path / f"{name}.yaml"
        content = {"defaults": {"base": str(tiny_sam_folder), **SHORT_FIT}, "runs": runs} | top
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


@pytest.fixture
def command(tmp_path: Path, shapes: Task) -> Command:
    """A function that returns the arguments of ``python -m experiments`` with folders below ``tmp_path``."""

    def build(verb: str, *words: object) -> list[str]:
        folders = ["--out", tmp_path / "out", "--results", tmp_path / "results"]
        data = ["--data", shapes.root.parent, "--cache", tmp_path / "cache", "--device", "cpu"]
        return [str(word) for word in (verb, *words, *folders, *(data if verb == "run" else []))]

    return build
