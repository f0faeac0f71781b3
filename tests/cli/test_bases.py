"""``samtailor bases``, and what a command says about a base that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from samtailor.bases.families import FAMILIES
from tests.cli.conftest import Ran


def test_every_family_is_listed_with_size_input_and_licence(run: Callable[..., Ran]) -> None:
    result = run("bases")
    assert result.returncode == 0 and result.stderr == ""
    for family in FAMILIES:
        lines = [line.split() for line in result.stdout.splitlines() if line.startswith(family.title)]
        for size, millions in family.sizes.items():
            (line,) = (line for line in lines if size in line)
            assert {f"{millions:.1f}", str(family.input_size), family.licence.split()[0]} <= set(line)
        assert family.examples[0] in result.stdout
    assert "military" in " ".join(result.stdout.split())


def test_the_list_can_be_read_by_programs(run: Callable[..., Ran]) -> None:
    families = {f["name"]: f for f in json.loads(run("bases", "--json", "-").stdout)["families"]}
    assert families["sam"]["sizes"][0] == {"name": "vit_b", "parameters": 93_700_000}
    assert families["sam3"]["restriction"] and families["sam"]["restriction"] is None
    assert families["sam2"]["model_types"] == ["sam2", "sam2_video"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("notes about weights", "is a text that begins with"),
        ({"optimizer": {"state": {}, "param_groups": []}}, "state of an optimiser"),
        ({"memory_encoder.x": torch.zeros(2)}, "serve videos"),
    ],
)
def test_a_file_that_is_no_base_is_one_sentence_and_exit_code_2(
    content: object, words: str, run: Callable[..., Ran], tmp_path: Path
) -> None:
    path = tmp_path / "sam.pth"
    path.write_text(content) if isinstance(content, str) else torch.save(content, path)
    result = run("evaluate", "sample", "--base", path, cache=tmp_path / "cache")
    assert result.returncode == 2
    assert result.stderr.startswith("Error: ") and words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
