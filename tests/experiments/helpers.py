"""Helpers of the experiments' tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

WriteConfig = Callable[..., Path]
Command = Callable[..., list[str]]

SHORT_FIT = {"epochs": 2, "batch": 4, "val_prompts": 4, "validations": 1, "lr": 1e-3}


def lines_of(tmp_path: Path, name: str = "small") -> list[dict[str, Any]]:
    """The lines that the command wrote for a config."""
    return [json.loads(line) for line in (tmp_path / "results" / f"{name}.jsonl").read_text().splitlines()]
