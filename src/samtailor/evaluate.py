"""Base against adapted model, on the same prompts, at the image's own resolution."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Base
from samtailor.data.task import ImageRecord, Task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.embeddings.embedder import Embedder
from samtailor.errors import DataError
from samtailor.evaluation.journal import Journal, identity
from samtailor.evaluation.names import image_names
from samtailor.evaluation.scoring import METHODS, InstanceScore, score_image
from samtailor.evaluation.summary import gains, method_rows
from samtailor.metrics.scores import BOUNDARY_SETTINGS
from samtailor.prompts import AskedKind, check_asked

__all__ = ["METHODS", "Evaluation", "InstanceScore", "evaluate_task"]


@dataclass(frozen=True)
class Evaluation:
    """All scores and what they were made of; ``seconds`` are those of this run, not of what it took up."""

    task: str
    split: str
    prompts: dict[str, Any]
    base: dict[str, str]
    instances: list[InstanceScore] = field(default_factory=list)
    seconds: float = 0.0

    def rows(self) -> list[dict[str, Any]]:
        """One row per method; see ``studies.summary``."""
        return method_rows(self.instances)

    def to_dict(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "split": self.split,
            "prompts": self.prompts,
            "base": self.base,
            "images": len({i.image for i in self.instances}),
            "seconds": round(self.seconds, 1),
            "boundary": BOUNDARY_SETTINGS,
            "rows": self.rows(),
            "gains": gains(self.instances),
        }


def evaluate_task(
    task: Task,
    base: Base,
    adapter: Adapter | None = None,
    *,
    split: str = "test",
    prompts: AskedKind = "click",
    per_instance: int = 1,
    seed: int = 0,
    cache: EmbeddingCache | None = None,
    progress: Callable[[int, int], None] | None = None,
    keep: Path | None = None,
    base_rows: bool = True,
) -> Evaluation:
    """Score base and adapted model on every instance of a split that can be prompted.

    Args:
        task: the task.
        base: the frozen model.
        adapter: without it there is no ``adapted`` row.
        split: train, val or test.
        prompts: kind of prompt; ``3 clicks`` is one prompt of three random clicks.
        per_instance: how many prompts each instance gets; each counts once.
        seed: of the prompts.
        cache: default: the user's cache.
        progress: called with (images done, images in all).
        keep: folder for the scores of each image, from which a killed evaluation goes on; None: nothing is kept.
        base_rows: whether the base is scored too; without an adapter it always is.

    Raises:
        DataError: no such split, or nothing in it can be scored.
        PromptError: no such kind of prompt.
    """
    check_asked(prompts)
    images = task.split(split)
    if not any(r.promptable for r in images):
        raise DataError(f"Split {split!r} of task {task.name!r} has no instance to score.", "Give it masks.")
    cache = cache or EmbeddingCache()
    embedder, names = Embedder(base, cache), image_names(task, split)
    asked = {"kind": prompts, "per_instance": per_instance, "seed": seed}
    base_rows = base_rows or adapter is None
    about = identity(task, split, base, adapter, cache) | asked | ({} if base_rows else {"base_rows": False})
    journal = Journal(keep, "evaluation", about)

    def scored(record: ImageRecord) -> list[dict[str, Any]]:
        if not record.promptable:
            return []  # nor is it encoded
        turns = (score_image(record, base, adapter, embedder, prompts, r, seed, base_rows) for r in range(per_instance))
        return [score.to_dict() for turn in turns for score in turn]

    began = time.perf_counter()
    found = [InstanceScore.from_dict(row) for row in journal.by_image(images, names, scored, progress)]
    seconds = time.perf_counter() - began
    return Evaluation(
        task.name, split, asked, {"name": base.name, "fingerprint": base.fingerprint}, found, round(seconds, 1)
    )
