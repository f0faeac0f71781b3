"""``samtailor evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samtailor.cli.json_output import STDOUT, JsonOption, console_beside, write_output
from samtailor.cli.options import (
    CACHE_TYPE,
    AdapterBaseOption,
    AlsoOption,
    CacheOption,
    CacheTypeOption,
    DeviceOption,
    DropOption,
    InstancesOption,
    MapOption,
    MeasuredClassOption,
    MeasuredTaskArgument,
    NoCacheOption,
    PerInstanceOption,
    PromptsOption,
    ReferenceOption,
    SeedOption,
    SensitivityInstancesOption,
    SplitOption,
)
from samtailor.cli.reading import READ, ReadingOptions, with_reading
from samtailor.evaluation.questions import STUDY_INSTANCES, Questions

__all__ = ["evaluate"]


@with_reading
def evaluate(  # more than seven parameters: they are the options of the command
    task: MeasuredTaskArgument = None,
    adapter: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Folder that `samtailor fit` wrote; without it, only the base is scored."),
    ] = None,
    split: SplitOption = Questions.split,
    json: JsonOption = None,
    base: AdapterBaseOption = None,
    prompts: PromptsOption = Questions.prompts,
    per_instance: PerInstanceOption = Questions.per_instance,
    instances: InstancesOption = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="Also measure how much the masks depend on the prompt, and how many clicks a good mask takes.",
        ),
    ] = False,
    sensitivity_instances: SensitivityInstancesOption = STUDY_INSTANCES,
    clicks: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Count the corrective clicks that a good mask takes, on N randomly chosen objects; "
            "0 counts none, unless with --sensitivity.",
        ),
    ] = 0,
    class_: MeasuredClassOption = None,
    also: AlsoOption = None,
    map: MapOption = None,
    drop_duplicates: DropOption = False,
    reading: ReadingOptions = READ,
    seed: SeedOption = Questions.seed,
    cache: CacheOption = None,
    cache_type: CacheTypeOption = CACHE_TYPE,
    no_cache: NoCacheOption = False,
    device: DeviceOption = "auto",
    reference_decoder: ReferenceOption = False,
) -> None:
    """Score the base and the adapted model on the same prompts.

    Masks are compared at the full resolution of the images.
    """
    from samtailor.cli.checks import check_cache_type, check_output, check_questions
    from samtailor.cli.opening import open_base, open_cache, open_task, open_task_of_run

    console, keep = console_beside(json), json and json != STDOUT and json.parent / "studies"
    check_output(json)
    check_cache_type(cache_type)
    if adapter is not None:
        opened = open_task_of_run(adapter, task, reading, console)
    elif task is not None:
        opened = open_task(task, reading)
    else:
        raise typer.BadParameter("name the dataset, or a run with --adapter", param_hint="TASK")
    questions = Questions(
        split=split,
        prompts=prompts,  # type: ignore[arg-type]  # checked by measure_run
        per_instance=per_instance,
        seed=seed,
        class_map=tuple(map or ()),
        sensitivity=(sensitivity_instances or None) if sensitivity else 0,
        also=tuple(open_task(path) for path in also or ()),
        only=class_,
        drop_duplicates=drop_duplicates,
        instances=instances,
        clicks=clicks,
    )
    check_questions(opened, questions)

    from samtailor.cli.progress import ProgressDisplay
    from samtailor.cli.results import print_measured
    from samtailor.evaluate import measure_base, measure_run
    from samtailor.evaluation.results_json import file_json
    from samtailor.runs import base_name_of

    model = open_base(base or base_name_of(adapter), device, reference_decoder)
    store = open_cache(cache, cache_type, no_cache)
    with ProgressDisplay(console) as progress:
        if adapter is None:
            measured = measure_base(model, opened, questions, cache=store, keep=keep or None, progress=progress)
        else:
            measured = measure_run(
                adapter, opened, questions, base=model, cache=store, keep=keep or None, progress=progress
            )
    print_measured(console, measured, questions)
    write_output(json, file_json(measured.results), console)
