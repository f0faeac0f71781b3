"""A file that a family's own code saved, loaded by ours, answers as the original: embeddings, logits, estimates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from samtailor.bases.base import Base
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.registry import load_base
from tests.bases import originals
from tests.bases.originals import ORIGINALS, PROMPTS, Original, randomised

SIZES = {"landscape": (300, 200), "portrait": (150, 320), "tiny": (7, 5)}
SLOW = ("mobile_sam", "sam2")  # their code knows one size of images, 1024 pixels


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in ORIGINALS],
)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Original, Base]:
    """A random model of the original code, and what we load of the file that it saves."""
    return _pair(ORIGINALS[request.param](), tmp_path_factory.mktemp("original") / "weights.pth")


def _pair(original: Original, path: Path) -> tuple[Original, Base]:
    randomised(original.model)
    base = load_base(original.save(path), "cpu")
    path.unlink()  # the base has its own copy
    return original, base


def agreement(values: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest value."""
    assert values.shape == expected.shape
    return float((values - expected).abs().max() / expected.abs().max())


def check_image(original: Original, base: Base, width: int, height: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected, embeddings = original.embeddings(image), base.encode([image])
    for name, tensor in expected.items():
        assert agreement(embeddings[name], tensor) < 1e-4, name
    frame = base.frame(width, height)
    sides = torch.tensor([width, height])
    mask = 3 * torch.randn(1, 1, 4 * base.grid, 4 * base.grid, generator=torch.Generator().manual_seed(0))
    for name, prompt in PROMPTS.items():
        points = None if prompt.points is None else torch.tensor([prompt.points]) * sides
        labels = None if prompt.labels is None else torch.tensor([prompt.labels])
        boxes = None if prompt.box is None else torch.tensor([prompt.box]) * sides.repeat(2)
        theirs = {"points": points, "labels": labels, "boxes": boxes, "masks": mask if prompt.mask else None}
        ours = PromptTensors(
            None if points is None else frame.points_to_input(points[None]) + 0.5,
            None if labels is None else labels[None],
            None if boxes is None else frame.boxes_to_input(boxes[None]) + 0.5,
            mask if prompt.mask else None,
        )
        for reference in (False, True):
            base.reference_decoder = reference
            with torch.no_grad():
                every = base.decode(embeddings, *base.embed_prompts(ours), "all")
            for several in (False, True):
                logits, iou = original.decode(theirs, several)
                rows = slice(1, None) if several else slice(0, 1)
                masks, estimates = every.logits[0, 0, rows], every.iou[0, 0, rows]
                if several and original.finer:  # their code returns the best of several alone
                    best = estimates.argmax()
                    masks, estimates = masks[best][None], estimates[best][None]
                assert agreement(masks, logits) < 1e-4, (name, several, reference)
                assert agreement(estimates, iou) < 1e-4, (name, several, reference)
    base.reference_decoder = False


@pytest.mark.parametrize("size", SIZES)
def test_a_published_file_answers_as_its_own_code(pair: tuple[Original, Base], size: str) -> None:
    check_image(*pair, *SIZES[size])


@pytest.mark.slow
def test_a_full_size_vit_b_answers_as_its_own_code(tmp_path: Path) -> None:
    check_image(*_pair(originals.sam("vit_b"), tmp_path / "sam_vit_b.pth"), 300, 200)
