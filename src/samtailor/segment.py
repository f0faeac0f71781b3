"""Find every instance of the classes of a run, without a click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.automatic.finder import Finder, Found
from samtailor.automatic.head import ProposalHead
from samtailor.automatic.quality import Quality
from samtailor.automatic.storage import is_there, load_finder, save_finder
from samtailor.automatic.tuning import answer_image, best_ious, tuned
from samtailor.automatic.work import HeadWork
from samtailor.data.opening import AnyTask
from samtailor.data.task import ImageRecord
from samtailor.embeddings.encoding import encode_images
from samtailor.embeddings.opening import AnyCache
from samtailor.embeddings.reading import ReadPicture
from samtailor.errors import FitError
from samtailor.evaluation.questions import Questions
from samtailor.evaluation.subject import task_of_run
from samtailor.fitting.config import FitConfig
from samtailor.fitting.context import context_of, continuation
from samtailor.fitting.lock import locked
from samtailor.fitting.loop import Trainer
from samtailor.fitting.stop import stop_on_signals
from samtailor.machine.display import ShownProgress, showing
from samtailor.machine.progress import Progress, counted
from samtailor.machine.randomness import own_randomness
from samtailor.machine.undisturbed import undisturbed
from samtailor.opening import AnyDevice, AnyRun, open_model
from samtailor.runs import Run

__all__ = ["AutomaticFit", "Segmenter", "fit_automatic"]

FOLDER = "automatic"
QUALITY_IMAGES = 40
"""Training images whose answers the quality score is fitted to."""
DEFAULT = FitConfig(minutes=3, batch=2, validations=6, patience=6, precision="float32")
"""Settings of the head's fit; ``batch`` counts images."""


@dataclass(frozen=True)
class AutomaticFit:
    """Outcome of ``fit_automatic``.

    Attributes:
        steps: of the head's fit.
        seed_f1: F1 of its seeds on the val split, mean over classes.
        accuracy: mean segmentation accuracy on the val split with the chosen rules.
        accuracy_by_estimate: the same with the model's own estimates as scores.
        learned_score: whether the learned score was better and is used.
    """

    steps: int
    seed_f1: float
    accuracy: float
    accuracy_by_estimate: float
    learned_score: bool


class Segmenter:
    """Finds the instances of an image.

    Example:
        >>> segmenter = Segmenter("runs/mine")
        >>> for found in segmenter.segment("field.png"):
        ...     print(found.label, found.score, found.patch.whole().sum())

    Args:
        run: the run folder of a fit, after ``fit_automatic``.
        cache: a cache or its folder; None is the user's own, False keeps embeddings in memory alone.
        device: where to load the base: auto, cpu, cuda, cuda:1 or mps.

    Raises:
        AdapterError: the run has no adapter, or ``fit_automatic`` was not run.
    """

    def __init__(self, run: AnyRun, cache: AnyCache = None, device: AnyDevice = "auto") -> None:
        folder = Run.of(run)
        self.model = open_model(None, folder, cache, device)
        self.finder = load_finder(folder.folder / FOLDER, self.model, str(folder.card()["weights_digest"]))

    def __repr__(self) -> str:
        return f"<Segmenter of {', '.join(self.finder.classes)}, with {self.model.base!r}>"

    @undisturbed()
    def segment(self, image: str | Path | Image.Image | np.ndarray) -> list[Found]:
        """Find the instances of an image, the best scores first.

        Args:
            image: as ``Predictor.prepare`` takes it.

        Raises:
            ImageError: it cannot be read or is not an image.
        """
        return self.finder.find(self.model.embedder.open_picture(image))

    @undisturbed()
    def segment_picture(self, picture: ReadPicture) -> list[Found]:
        """Find the instances of a picture that was read already."""
        return self.finder.find(self.model.embedder.embed_picture(picture))


@undisturbed()
def fit_automatic(
    run: AnyRun,
    task: AnyTask | None = None,
    config: FitConfig = DEFAULT,
    *,
    device: AnyDevice = "auto",
    cache: AnyCache = None,
    progress: ShownProgress = True,
) -> AutomaticFit:
    """Teach a run to find instances by itself: a proposal head, a score for its masks, and rules chosen on val.

    Everything is written into the folder ``automatic`` of the run. A killed call continues there.

    Args:
        run: the run folder of a fit.
        task: a task, or what ``load_task`` reads; None takes the one that the run was fitted on.
        config: budget, seed and ``batch`` (images per step) of the head's fit; the rest of it is not used.
        device: where to load the base: auto, cpu, cuda, cuda:1 or mps.
        cache: a cache or its folder; None is the user's own, False keeps embeddings in memory alone.
        progress: as in ``fit_task``.

    Raises:
        AdapterError: the folder holds no adapter.
        DataError: the task has no train or val split.
        FitError: another fit is writing there, or it was started with other settings.
    """
    folder = Run.of(run)
    own = Run(folder.folder / FOLDER)
    with showing(progress) as shown:
        model = open_model(None, folder, cache, device)
        opened = task_of_run(folder, task, Questions(split="val"), shown)
        train, val = opened.split("train"), opened.split("val")
        if is_there(own.folder):
            raise FitError(f"{folder.folder} finds instances already.", f"Remove {own.folder} to fit it again.")
        encode_images(model.base, [*train, *val], model.cache, progress=shown)
        with own_randomness(config.seed):
            head = ProposalHead(model.base.embed_dim, len(opened.classes)).to(model.base.device)
        work = HeadWork(model, head, opened.classes, train, val, config)
        with stop_on_signals() as stop:
            own.prepare(resume=True)
            with locked(own.folder, shown):
                own.start_log()
                context = context_of(opened, model.base, config, work.peak_rate)
                going_on = continuation(own, context, work.steps_per_epoch)
                trainer = Trainer(work, work.steps_per_epoch, config, own, context, shown)
                trainer.stop = stop
                if going_on.state:
                    trainer.resume()
                state = trainer.run()
                trainer.finish()
                finder, result = _scored(Finder(model, head, opened.classes), train, val, shown)
                outcome = AutomaticFit(state.step, state.best["miou"], *result)
                facts = {"val": {"seed_f1": outcome.seed_f1, "accuracy": outcome.accuracy}, "steps": state.step}
                save_finder(own.folder, finder, str(folder.card()["weights_digest"]), facts)
    return outcome


def _scored(
    finder: Finder, train: Sequence[ImageRecord], val: Sequence[ImageRecord], progress: Progress
) -> tuple[Finder, tuple[float, float, bool]]:
    """Choose rules on val with the model's own estimates, then with a learned score; keep the better one."""
    by_estimate, before = tuned(finder, val, progress)
    answered = []
    for record in counted(train[:QUALITY_IMAGES], "Answering the seeds of training images", progress):
        answered.append(answer_image(by_estimate, record))
    features = [c.features for one in answered for c in one.candidates]
    if not features:
        return by_estimate, (before, before, False)
    quality = Quality.fitted(np.stack(features), np.concatenate([best_ious(one) for one in answered]))
    learned, after = tuned(replace(by_estimate, quality=quality), val, progress)
    if after > before:
        return learned, (after, before, True)
    return by_estimate, (before, before, False)
