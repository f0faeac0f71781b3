"""Scores of base and adapted model on all instances of a split."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from samtailor.adapters.answer import AdaptedModel
from samtailor.data.task import ImageRecord, Task
from samtailor.errors import DataError
from samtailor.evaluation.choose import drawn_part
from samtailor.evaluation.fixed_prompts import PromptPlan
from samtailor.evaluation.journal import Journal, identity
from samtailor.evaluation.names import image_names
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.results import BaseIdentity, EvaluationSummary, PromptSettings, ScoreRow
from samtailor.evaluation.results_json import to_json
from samtailor.evaluation.scoring import InstanceScore, score_image
from samtailor.evaluation.summary import gains, score_rows
from samtailor.evaluation.word_prompts import check_words_asked, note_unknown_names, scored_task, words_of
from samtailor.machine.progress import Progress, silent
from samtailor.metrics.scores import BOUNDARY_SETTINGS
from samtailor.prompts import check_evaluated_kind

__all__ = ["Evaluation", "evaluate_split"]


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Scores of all instances of a split.

    Attributes:
        task: name of the task.
        split: train, val or test.
        prompts: how the prompts were made.
        base: which base was evaluated.
        instances: one entry per instance and prompt.
        seconds: duration of this run, without scores that an earlier, killed run had kept.
        drawn: number of instances that were drawn from the split for a quick look; None if all were scored.
        unscored: classes of the task without a scored instance.
    """

    task: str
    split: str
    prompts: PromptSettings
    base: BaseIdentity
    instances: list[InstanceScore] = field(default_factory=list)
    seconds: float = 0.0
    drawn: int | None = None
    unscored: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Say in one line what was scored and the mean IoU over instances of each row."""
        count = len(self.instances)
        names = self.instances[0].scores if count else ()
        means = (f"{name} {sum(i.scores[name].iou for i in self.instances) / count:.3f}" for name in names)
        return f"<Evaluation of {self.task!r}, split {self.split!r}, {count} prompts; mean IoU: {', '.join(means)}>"

    def rows(self) -> tuple[ScoreRow, ...]:
        """Mean scores with intervals: three rows of the base, and two of the adapted model if there is an adapter."""
        return score_rows(self.instances)

    def summary(self, class_map: tuple[str, ...] = ()) -> EvaluationSummary:
        """Mean scores, gains and settings; ``class_map`` is noted in the summary."""
        return EvaluationSummary(
            task=self.task,
            split=self.split,
            prompts=self.prompts,
            base=self.base,
            images=len({i.image for i in self.instances}),
            seconds=round(self.seconds, 1),
            boundary=BOUNDARY_SETTINGS,
            rows=self.rows(),
            gains=gains(self.instances),
            class_map=class_map,
            drawn=self.drawn,
            unscored=self.unscored,
        )

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON types."""
        return to_json(self.summary())


def evaluate_split(
    model: AdaptedModel,
    task: Task,
    questions: Questions,
    *,
    keep: Path | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Score base and adapted model on every instance of a split that can be prompted.

    Args:
        model: a base, with an adapter if there should be an ``adapted`` row.
        task: the task.
        questions: split, kind and number of prompts, seed, number of instances and whether the base is scored; the rest
            is not used.
        keep: folder for the scores of each image, from which a killed evaluation continues; None keeps nothing.
        progress: receives a ``Count`` after each image.

    Raises:
        DataError: the split does not exist or has no instance to score, or fewer than 1 instance is asked for.
        PromptError: the kind of prompt is unknown, or has words that the model does not read.
    """
    check_evaluated_kind(questions.prompts)
    check_words_asked(model, questions)
    note_unknown_names(model, task, questions, progress)
    split, seed = questions.split, questions.seed
    whole = scored_task(task, questions)
    task = drawn_part(whole, split, questions.instances, seed)
    images, names = task.split(split), image_names(task, split)
    if not any(r.promptable for r in images):
        raise DataError(f"Split {split!r} of task {task.name!r} has no instance to score.", "Give it masks.")
    prompts = PromptSettings(questions.prompts, questions.per_instance, seed)
    base_rows = (questions.base_rows or model.adapter is None) and questions.prompts != "word"  # it reads no words
    header = identity(model, task, split) | asdict(prompts) | ({} if base_rows else {"base_rows": False})
    journal = Journal(keep, "evaluation", header)

    def scored(record: ImageRecord) -> list[dict[str, Any]]:
        if not record.promptable:
            return []  # such an image is not even encoded
        plans = (PromptPlan(questions.prompts, seed, k, words_of(model)) for k in range(questions.per_instance))
        return [score.to_dict() for plan in plans for score in score_image(model, record, plan, base_rows)]

    began = time.perf_counter()
    scores = [
        InstanceScore.from_dict(row)
        for row in journal.by_image(images, names, scored, f"Evaluating on {task.name}", progress)
    ]
    seconds = time.perf_counter() - began
    base = BaseIdentity(model.base.name, model.base.fingerprint)
    drawn = sum(len(r.promptable) for r in images)
    labels = {score.label for score in scores}
    return Evaluation(
        task=task.name,
        split=split,
        prompts=prompts,
        base=base,
        instances=scores,
        seconds=round(seconds, 1),
        drawn=drawn if drawn < sum(len(r.promptable) for r in whole.split(split)) else None,
        unscored=tuple(label for label in task.classes if label not in labels),
    )
