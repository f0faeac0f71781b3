"""``samtailor report``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from samtailor.cli.options import (
    CACHE_TYPE,
    AlsoOption,
    CacheOption,
    CacheTypeOption,
    DeviceOption,
    DropOption,
    InstancesOption,
    MapOption,
    MeasuredClassOption,
    NoCacheOption,
    PerInstanceOption,
    PromptsOption,
    ReferenceOption,
    SeedOption,
    SensitivityInstancesOption,
    SplitOption,
)
from samtailor.cli.reading import READ, ReadingOptions, with_reading
from samtailor.evaluation.questions import CLICK_MAPS, STUDY_INSTANCES, Questions

__all__ = ["report"]


@with_reading
def report(  # more than seven parameters: they are the options of the command
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="Folder that `samtailor fit` wrote. report.html and report.json are written into it."
        ),
    ],
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="Folder of the dataset to measure on.",
            show_default="the one that the run was fitted on",
        ),
    ] = None,
    split: SplitOption = Questions.split,
    prompts: PromptsOption = Questions.prompts,
    per_instance: PerInstanceOption = Questions.per_instance,
    instances: InstancesOption = None,
    sensitivity_instances: SensitivityInstancesOption = STUDY_INSTANCES,
    click_maps: Annotated[
        int, typer.Option(min=0, metavar="N", help="Number of objects with a map of IoU by place of the click.")
    ] = CLICK_MAPS,
    click_map: Annotated[
        list[str] | None,
        typer.Option(metavar="IMAGE", help="Draw click maps for all objects of this image (its file name) instead."),
    ] = None,
    also: AlsoOption = None,
    class_: MeasuredClassOption = None,
    strengths: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="With --also: turn the adapter down step by step on N objects of each dataset."
        ),
    ] = STUDY_INSTANCES,
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
    """Run all measurements on a fitted adapter and write one HTML page that opens offline."""
    from samtailor.cli.checks import check_cache_type, check_questions
    from samtailor.cli.opening import open_base, open_cache, open_task, open_task_of_run
    from samtailor.cli.output import make_console, print_line
    from samtailor.cli.progress import ProgressDisplay
    from samtailor.cli.results import print_measured
    from samtailor.machine.progress import Event
    from samtailor.report.run import Scored, report_run
    from samtailor.runs import base_name_of

    console = make_console()
    check_cache_type(cache_type)
    opened = open_task_of_run(run, task, reading, console)
    questions = Questions(
        split=split,
        prompts=prompts,  # type: ignore[arg-type]  # checked by report_run
        per_instance=per_instance,
        seed=seed,
        class_map=tuple(map or ()),
        sensitivity=sensitivity_instances or None,
        also=tuple(open_task(path) for path in also or ()),
        strengths=strengths,
        only=class_,
        drop_duplicates=drop_duplicates,
        instances=instances,
    )
    check_questions(opened, questions)
    model = open_base(base_name_of(run), device, reference_decoder)
    with ProgressDisplay(console) as display:

        def progress(event: Event) -> None:
            if isinstance(event, Scored):
                print_measured(console, event.measured, questions)
            else:
                display(event)

        page = report_run(
            run,
            opened,
            questions,
            click_maps=click_map or click_maps,
            base=model,
            cache=open_cache(cache, cache_type, no_cache),
            command=shlex.join(["samtailor", *sys.argv[1:]]),
            progress=progress,
        )
    print_line(console, f"Report: {page}")
