"""Damaged pictures print nothing to stderr; our errors say what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_SCRIPT = """
import sys
from samtailor.data import read_image, image_size
from samtailor.errors import ImageError
for path in sys.argv[1:]:
    for read in (image_size, read_image):
        try:
            read(path)
        except ImageError as error:
            print(str(error).splitlines()[0])
"""


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "jpeg", "group4"])
def test_damaged_pictures_print_nothing(tmp_path: Path, compression: str) -> None:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (60, 80, 3)).astype(np.uint8))
    picture = picture.convert("1") if compression == "group4" else picture
    picture.save(tmp_path / "whole.tif", compression=compression)
    whole, paths = (tmp_path / "whole.tif").read_bytes(), []
    for n in range(12):
        content = bytearray(whole if n % 3 else whole[: len(whole) * (n + 1) // 14])
        for _ in range(6):
            content[rng.integers(8, len(content))] = rng.integers(256)
        paths.append(tmp_path / f"{n}.tif")
        paths[-1].write_bytes(content)
    command = [sys.executable, "-c", _SCRIPT, *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert run.stderr == ""
    assert "cannot be read" in run.stdout or "damaged" in run.stdout
