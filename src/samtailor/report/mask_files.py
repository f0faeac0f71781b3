"""Write the masks of one image as pictures while they are predicted, one at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.adapters.answer import Answer
from samtailor.drawing.overlay import draw_overlay, save_png, shrink_mask, shrink_picture
from samtailor.errors import SamtailorError
from samtailor.machine.files import write_atomically
from samtailor.prompts import Prompts

__all__ = ["LabelMap", "Overlay", "PredictedMask", "best_masks", "predicted_masks", "write_mask"]

MOST_LABELS = 65535


@dataclass(frozen=True)
class PredictedMask:
    """One mask at the size of the image.

    Attributes:
        place: number of its prompt among those of the image.
        number: of the mask among those of the prompt; None if there is only one.
        pixels: (H, W) bool.
        score: the model's own estimate of its IoU.
        trained: whether it is the one of several that the adapter was trained for.
        best: whether its score is the highest of the prompt.
    """

    place: int
    number: int | None
    pixels: np.ndarray
    score: float
    trained: bool
    best: bool


def predicted_masks(answer: Answer, places: np.ndarray, best_only: bool) -> Iterator[PredictedMask]:
    """Make the masks of an answer, one at a time: a photo of 108 million pixels takes 108 MB for each.

    Args:
        answer: of n prompts.
        places: (n,) numbers of the prompts among those of the image.
        best_only: leave out all but the best mask of each prompt.
    """
    best = best_masks(answer.iou).tolist()
    count = answer.iou.shape[1]
    for row, place in enumerate(places.tolist()):
        for j in [best[row]] if best_only else range(count):
            number, trained = (None, False) if count == 1 else (j, answer.trained[j])
            yield PredictedMask(place, number, answer.mask(row, j), float(answer.iou[row, j]), trained, j == best[row])


def best_masks(iou: np.ndarray) -> np.ndarray:
    """Return, for each of (n, M) estimates, the position of the highest one; (n,) int."""
    best: np.ndarray = np.where(np.isnan(iou), -np.inf, iou).argmax(axis=1)
    return best


def write_mask(stem: str, mask: PredictedMask, folder: Path) -> tuple[Path, str]:
    """Write ``STEM_mask_I[_J].png`` (0 and 255, size of the image) of prompt I and mask J.

    Of several masks, the one that the adapter was trained for is ``STEM_mask_I_J_trained.png``.

    Args:
        stem: beginning of the name; may contain folders.
        mask: the mask.
        folder: where to write.

    Returns:
        The path, and a short description.
    """
    suffix = "" if mask.number is None else f"_{mask.number}_trained" if mask.trained else f"_{mask.number}"
    path = folder / f"{stem}_mask_{mask.place}{suffix}.png"
    _write_grey(path, mask.pixels.view(np.uint8) * np.uint8(255))
    own = "the adapter's own mask, " if mask.trained else ""
    return path, f"{own}{int(mask.pixels.sum())} pixels, estimated IoU {mask.score:.2f}"


@dataclass
class LabelMap:
    """One picture with the number of the prompt, from 1, at each pixel of its mask; 0 elsewhere.

    Where masks overlap, the smaller one is on top.
    """

    height: int
    width: int
    prompts: int
    _labels: np.ndarray = field(init=False)
    _areas: dict[int, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.prompts > MOST_LABELS:
            raise SamtailorError(
                f"{self.prompts} prompts do not fit one label picture; it holds {MOST_LABELS}.",
                "Write --format coco or --format rle.",
            )
        self._labels = np.zeros((self.height, self.width), np.uint8 if self.prompts < 256 else np.uint16)

    def add(self, place: int, mask: np.ndarray) -> None:
        """Add the mask (H, W) bool of prompt ``place``."""
        area = int(mask.sum())
        smaller = [label for label, other in self._areas.items() if other < area or (other == area and label > place)]
        free = mask & ~np.isin(self._labels, smaller) if smaller else mask
        self._labels[free] = place + 1
        self._areas[place + 1] = area

    def write(self, path: Path) -> None:
        """Write the picture, 8 bits for up to 255 prompts, else 16."""
        _write_grey(path, self._labels)


@dataclass
class Overlay:
    """A picture with masks and prompts painted over it; only shrunk masks are kept.

    Args:
        pixels: (H, W, 3) uint8.
        longest: longer side of the overlay, pixels; larger pictures are shrunk.
    """

    pixels: np.ndarray
    longest: int
    _masks: dict[int, np.ndarray] = field(init=False, default_factory=dict)

    def add(self, place: int, mask: np.ndarray) -> None:
        """Add the mask (H, W) bool of prompt ``place``."""
        self._masks[place] = shrink_mask(mask, self.longest).copy()

    def write(self, path: Path, groups: list[Prompts]) -> None:
        """Paint masks and prompts, and write the picture."""
        small = shrink_picture(self.pixels, self.longest)
        scale = np.array([small.shape[1] / self.pixels.shape[1], small.shape[0] / self.pixels.shape[0]])
        points = [g.points.reshape(-1, 2) * scale for g in groups if g.points is not None]
        labels = [g.labels.reshape(-1) for g in groups if g.labels is not None]
        boxes = [g.boxes * np.tile(scale, 2) for g in groups if g.boxes is not None]
        masks = [self._masks[place] for place in sorted(self._masks)]
        drawn = draw_overlay(
            small,
            np.stack(masks) if masks else np.zeros((0, *small.shape[:2]), bool),
            points=np.concatenate(points) if points else None,
            labels=np.concatenate(labels) if labels else None,
            boxes=np.concatenate(boxes) if boxes else None,
        )
        save_png(path, drawn)


def _write_grey(path: Path, values: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
