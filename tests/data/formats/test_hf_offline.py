"""Reading a Hugging Face folder opens no connection, whatever its README.md asks for."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from samtailor.data import load_task
from tests.data.formats.test_hf import LABELS
from tests.data.helpers import picture, save, sizes_of, write

datasets = pytest.importorskip("datasets")

READMES = (
    "configs:\n- config_name: default\n  data_files: https://example.org/x.parquet\n",
    "configs:\n- config_name: default\n  data_files: hf://datasets/owner/name/x.parquet\n",
    "configs:\n- config_name: default\n  data_dir: https://example.org/\n",
    "dataset_info:\n  config_name: default\n  download_size: 1\n",
)


@pytest.mark.parametrize("readme", READMES)
def test_no_connection_is_opened(readme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    def refuse(self: socket.socket, address: Any) -> None:
        opened.append(address)
        raise OSError("no network in this test")

    monkeypatch.setenv("SAMTAILOR_PICTURES", str(tmp_path / "pictures"))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: opened.append(a) or [])
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    root = tmp_path / "cells"
    lines = []
    for n in range(2):
        picture(root / f"{n}.jpg")
        save(root / f"{n}_mask.png", LABELS)
        lines.append(json.dumps({"file_name": f"{n}.jpg", "mask_file_name": f"{n}_mask.png"}))
    write(root / "metadata.jsonl", "\n".join(lines) + "\n")
    write(root / "README.md", f"---\n{readme}---\n")
    assert sum(sizes_of(load_task(root)).values()) == 2
    assert opened == []
