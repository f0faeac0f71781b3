"""Scores of base and adapted model on the instances of one image, under the same prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from samtailor.adapters.answer import answer_in_chunks
from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base
from samtailor.data.task import ImageRecord, Instance
from samtailor.embeddings.embedder import Embedder
from samtailor.evaluation.classmap import pieces
from samtailor.evaluation.fixed_prompts import fixed_prompts
from samtailor.frames import Frame
from samtailor.metrics import Boundary, boundary_of, count_pixels, iou
from samtailor.metrics.scores import MaskScores, score_mask
from samtailor.prompts import AskedKind

__all__ = ["METHODS", "InstanceScore", "adapted_ious", "masks_of", "score_image"]

METHODS = ("base-single", "base-best", "base-oracle", "adapted")

_Chooser = Callable[[np.ndarray, np.ndarray, Instance], dict[str, np.ndarray]]
"""From the masks (M, H, W) of one answer, their own estimates (M,) and what was prompted: method -> mask."""


@dataclass(frozen=True)
class InstanceScore:
    """Scores of one instance under one prompt, by method; ``repeat`` counts the prompts of an instance from 0."""

    image: str
    instance: int
    label: str
    scores: dict[str, MaskScores]
    area: int = 0
    repeat: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> InstanceScore:
        scores = {m: MaskScores(**{**s, "boundary_f1": tuple(s["boundary_f1"])}) for m, s in row["scores"].items()}
        return cls(**{**row, "scores": scores})


def score_image(
    record: ImageRecord,
    base: Base,
    adapter: Adapter | None,
    embedder: Embedder,
    kind: AskedKind,
    repeat: int,
    seed: int,
    base_rows: bool = True,
) -> list[InstanceScore]:
    """One prompt (one per piece, where an instance has several) for each instance of an image.

    Without ``base_rows`` the adapter alone is scored, where there is one.
    """
    instances = record.promptable
    outlines: dict[int, Boundary] = {}
    scores: list[dict[str, MaskScores]] = [{} for _ in instances]
    passes: list[tuple[Adapter | None, _Chooser]] = []
    if base_rows or adapter is None:
        passes.append((None, _base_masks))
    if adapter is not None:
        passes.append((adapter, _adapted_mask))
    for who, choose in passes:
        for row, drawn in _answers(record, instances, base, who, choose, embedder, kind, repeat, seed):
            truth = instances[row].mask()
            if row not in outlines:
                outlines[row] = boundary_of(truth)
            scores[row] |= {method: score_mask(mask, truth, outlines[row]) for method, mask in drawn.items()}
    return [
        InstanceScore(record.path.name, i.id, i.label, s, i.area, repeat)
        for i, s in zip(instances, scores, strict=True)
    ]


def _answers(
    record: ImageRecord,
    instances: Sequence[Instance],
    base: Base,
    who: Adapter | None,
    choose: _Chooser,
    embedder: Embedder,
    kind: AskedKind,
    repeat: int,
    seed: int,
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """(position of the instance, method -> mask), once all of its pieces are answered; their masks are united."""
    frame = Frame(record.width, record.height, base.input_size)
    embeddings = embedder.of(record)
    owned = [(row, piece) for row, instance in enumerate(instances) for piece in pieces(instance)]
    missing = np.bincount([row for row, _ in owned], minlength=len(instances))
    united: dict[int, dict[str, np.ndarray]] = {}
    for rows, prompts in fixed_prompts([piece for _, piece in owned], kind, seed, repeat):
        for answer in answer_in_chunks(base, who, embeddings, prompts, frame, "all" if who is None else "single"):
            for place, masks, own in zip(rows[answer.rows], answer.masks, answer.iou, strict=True):
                row, piece = owned[place]
                drawn = choose(masks, own, piece)
                so_far = united.pop(row, None)
                united[row] = drawn if so_far is None else {m: mask | so_far[m] for m, mask in drawn.items()}
                missing[row] -= 1
                if missing[row] == 0:
                    yield row, united.pop(row)


def _base_masks(masks: np.ndarray, own: np.ndarray, prompted: Instance) -> dict[str, np.ndarray]:
    """``masks`` (4, H, W): the single mask, then the three of the ambiguous answer."""
    truth = prompted.mask()
    oracle = max(masks[1:], key=lambda mask: iou(count_pixels(mask, truth)))
    return {"base-single": masks[0], "base-best": masks[1 + int(own[1:].argmax())], "base-oracle": oracle}


def _adapted_mask(masks: np.ndarray, _own: np.ndarray, _prompted: Instance) -> dict[str, np.ndarray]:
    return {"adapted": masks[0]}


def adapted_ious(record: ImageRecord, base: Base, adapter: Adapter, embedder: Embedder, seed: int) -> list[float]:
    """IoU of the adapted model alone, one click for each instance of an image."""
    instances = record.promptable
    answers = _answers(record, instances, base, adapter, _adapted_mask, embedder, "click", 0, seed)
    return [iou(count_pixels(drawn["adapted"], instances[row].mask())) for row, drawn in answers]


def masks_of(
    record: ImageRecord,
    instance: Instance,
    base: Base,
    adapter: Adapter,
    embedder: Embedder,
    kind: AskedKind,
    repeat: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Method -> mask (H, W) of one instance: those that ``score_image`` scored."""
    found: dict[str, np.ndarray] = {}
    passes: tuple[tuple[Adapter | None, _Chooser], ...] = ((None, _base_masks), (adapter, _adapted_mask))
    for who, choose in passes:
        for _, drawn in _answers(record, [instance], base, who, choose, embedder, kind, repeat, seed):
            found |= drawn
    return found
