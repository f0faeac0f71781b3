"""A prediction from a cached embedding is fast, because it imports little."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samtailor.adapters.io import save_adapter
from samtailor.adapters.methods import method_class
from samtailor.bases.base import Base
from samtailor.data.pixels.images import image_key, read_image
from samtailor.embeddings.cache import EmbeddingCache

SLOW = (
    "accelerate",
    "matplotlib",
    "peft",
    "scipy",
    "supervision",
    "timm",
    "torch._dynamo",
    "torchvision",
    "transformers",
)
"""Imports that take tenths of a second or more each."""

CODE = f"""
import sys
from samtailor.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print("loaded:", *(name for name in {SLOW} if name in sys.modules))
"""


@pytest.mark.parametrize("method", [None, "plm", "decoder"])
def test_predicting_from_the_cache_loads_no_slow_library(
    method: str | None, mobile_sam: Base, cache: EmbeddingCache, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(picture)
    cache.embed(mobile_sam, image_key(picture), lambda: read_image(picture))
    words = ["predict", str(picture), "--point", "20,20", "--out", str(tmp_path / "masks"), "--cache", str(cache.root)]
    if method:
        save_adapter(tmp_path / "adapter", method_class(method).for_base(mobile_sam), mobile_sam, {})
        words += ["--adapter", str(tmp_path / "adapter")]
    env = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", CODE, *words], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "masks" / "picture_mask_0.png").is_file()
    assert done.stdout.splitlines()[-1] == "loaded:"
