"""Evaluate a base and an adapted model on the same prompts, at the image's own resolution."""

from __future__ import annotations

from samtailor.data.opening import AnyTask, as_task
from samtailor.embeddings.opening import AnyCache
from samtailor.evaluation.measure import Measured, measure
from samtailor.evaluation.questions import Questions, as_questions
from samtailor.evaluation.rows import ROWS
from samtailor.evaluation.scoring import InstanceScore
from samtailor.evaluation.split_scores import Evaluation, evaluate_split
from samtailor.evaluation.subject import task_of_run, task_to_measure
from samtailor.machine.arguments import AnyPath
from samtailor.machine.display import ShownProgress, showing
from samtailor.machine.undisturbed import undisturbed
from samtailor.opening import AnyAdapter, AnyBase, AnyDevice, AnyRun, as_folder, open_model, run_of
from samtailor.prompts import EvaluatedKind
from samtailor.runs import Run

__all__ = [
    "ROWS",
    "Evaluation",
    "InstanceScore",
    "Measured",
    "Questions",
    "evaluate_task",
    "measure_base",
    "measure_run",
]


@undisturbed()
def evaluate_task(  # more than seven parameters: a public verb; its keyword arguments are its options
    task: AnyTask,
    base: AnyBase | None = None,
    adapter: AnyAdapter | Run | None = None,
    *,
    split: str = Questions.split,
    prompts: EvaluatedKind = Questions.prompts,
    per_instance: int = Questions.per_instance,
    seed: int = Questions.seed,
    only: str | None = None,
    device: AnyDevice = "auto",
    cache: AnyCache = None,
    progress: ShownProgress = True,
    keep: AnyPath | None = None,
    base_rows: bool = True,
    instances: int | None = None,
) -> Evaluation:
    """Score base and adapted model on every instance of a split that can be prompted.

    Example:
        >>> evaluation = evaluate_task("DATA", adapter="runs/mine")

    Args:
        task: a task, or a path that ``load_task`` reads.
        base: a base, or its name; None takes the adapter's base, or the default one without an adapter.
        adapter: an adapter, or the folder of a run; without one there is no ``adapted`` row.
        split: train, val or test.
        prompts: kind of prompt; ``3 clicks`` is one prompt of three random clicks. ``Questions`` has those with words.
        per_instance: number of prompts per instance; each counts once.
        seed: random seed of the prompts.
        only: the one class to score; ``"*"`` scores all classes. None scores the class that a run was fitted on, or all
            classes.
        device: where to load a base that is given by name: auto, cpu, cuda, cuda:1 or mps.
        cache: a cache or its folder; None is the user's own, False keeps embeddings in memory alone.
        progress: True shows a bar in a terminal or a notebook, False shows nothing. A function receives a ``Count``
            after each image.
        keep: folder for the scores of each image, from which a killed evaluation continues; None keeps nothing.
        base_rows: whether the base is scored too; without an adapter it always is.
        instances: score at most this many instances, for a quick look. They are drawn by seed and instance id.

    Raises:
        ArgumentError: an argument is of a wrong type.
        AdapterError: there is no adapter, or it belongs to another base.
        BaseModelError: the base cannot be loaded.
        DataError: the split does not exist or has no instance to score, or ``instances`` is below 1.
        PromptError: the kind of prompt is unknown, or has words that the model does not read.
    """
    questions = Questions(split, prompts, per_instance, seed, base_rows=base_rows, only=only, instances=instances)
    folder, run, opened = as_folder(keep, "keep"), run_of(adapter), as_task(task)
    with showing(progress) as shown:
        model = open_model(base, adapter, cache, device)
        part = task_to_measure(opened, questions, shown) if run is None else task_of_run(run, opened, questions, shown)
        return evaluate_split(model, part, questions, keep=folder, progress=shown)


@undisturbed()
def measure_run(  # more than seven parameters: a public verb; its keyword arguments are its options
    run: AnyRun,
    task: AnyTask | None = None,
    questions: Questions | None = None,
    *,
    base: AnyBase | None = None,
    device: AnyDevice = "auto",
    cache: AnyCache = None,
    keep: AnyPath | None = None,
    progress: ShownProgress = True,
) -> Measured:
    """Measure the adapter of a run beside its base, on the same prompts; ``samtailor evaluate --adapter`` does this.

    Results are kept image by image, so that the next call with the same arguments continues after a kill.

    Example:
        >>> measured = measure_run("runs/mine", questions=Questions(sensitivity=200))

    Args:
        run: a run, or the folder that ``fit_task`` wrote.
        task: a task, or a path that ``load_task`` reads; None takes the task that the run was fitted on.
        questions: what to measure; None scores one click per instance on the test split. If the adapter was fitted on
            one class, only that class is scored unless ``questions.only`` says otherwise.
        base: the run's base, or its name; None takes the one that the run names.
        device: where to load a base that is given by name: auto, cpu, cuda, cuda:1 or mps.
        cache: a cache or its folder; None is the user's own, False keeps embeddings in memory alone.
        keep: folder for results of each image if the run's own folder cannot be written; None keeps nothing then.
        progress: True shows bars in a terminal or a notebook, False shows nothing. A function receives a ``Count``
            after each image and a ``Note`` for each choice that is not the caller's.

    Returns:
        The measured task, the scores of each instance, and everything summarised.

    Raises:
        ArgumentError: an argument is of a wrong type.
        AdapterError: the folder holds no adapter, or one of another base.
        BaseModelError: the base cannot be loaded.
        DataError: the task, the split or a class is missing.
        PromptError: the kind of prompt is unknown.
    """
    folder, questions = Run.of(run), as_questions(questions)
    kept = folder.studies if folder.writable else as_folder(keep, "keep")
    with showing(progress) as shown:
        model = open_model(base, folder, cache, device)
        part = task_of_run(folder, task, questions, shown)
        return measure(model, part, questions, keep=kept, progress=shown)


@undisturbed()
def measure_base(  # more than seven parameters: a public verb; its keyword arguments are its options
    base: AnyBase,
    task: AnyTask,
    questions: Questions | None = None,
    *,
    device: AnyDevice = "auto",
    cache: AnyCache = None,
    keep: AnyPath | None = None,
    progress: ShownProgress = True,
) -> Measured:
    """Measure a base alone; arguments as ``measure_run``, except that ``keep`` is always used."""
    questions, kept = as_questions(questions), as_folder(keep, "keep")
    with showing(progress) as shown:
        model = open_model(base, None, cache, device)
        part = task_to_measure(task, questions, shown)
        return measure(model, part, questions, keep=kept, progress=shown)
