"""``samtailor evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samtailor.cli.options import (
    CACHE_TYPE,
    AdapterBaseOption,
    AlsoOption,
    BoxesOption,
    CacheOption,
    CacheTypeOption,
    DeviceOption,
    DropOption,
    FormatOption,
    MapOption,
    MeasuredClassOption,
    NoCacheOption,
    PerInstanceOption,
    PromptsOption,
    ReferenceOption,
    SeedOption,
    SensitivityInstancesOption,
    SplitByOption,
    SplitOption,
    TaskArgument,
)
from samtailor.evaluation.questions import STUDY_INSTANCES, Questions

__all__ = ["evaluate"]


def evaluate(  # more than seven parameters: they are the options of the command
    task: TaskArgument,
    adapter: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Folder that `samtailor fit` wrote; without it, only the base is scored."),
    ] = None,
    split: SplitOption = Questions.split,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write all figures to this JSON file.")] = None,
    base: AdapterBaseOption = None,
    prompts: PromptsOption = Questions.prompts,
    per_instance: PerInstanceOption = Questions.per_instance,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="Also measure how much the masks depend on the prompt, and how many clicks a good mask takes.",
        ),
    ] = False,
    sensitivity_instances: SensitivityInstancesOption = STUDY_INSTANCES,
    class_: MeasuredClassOption = None,
    also: AlsoOption = None,
    map: MapOption = None,
    drop_duplicates: DropOption = False,
    format: FormatOption = None,
    split_by: SplitByOption = None,
    boxes_as_masks: BoxesOption = False,
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
    from samtailor.cli.opening import open_base, open_cache, open_task
    from samtailor.cli.output import make_console, print_line
    from samtailor.cli.progress import ProgressDisplay
    from samtailor.cli.results import print_measured
    from samtailor.evaluate import measure_base, measure_run
    from samtailor.evaluation.results_json import file_json
    from samtailor.machine.files import write_json
    from samtailor.runs import base_name_of

    opened = open_task(task, format, split_by, boxes_as_masks)
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
    )
    model = open_base(base or base_name_of(adapter), device, reference_decoder)
    console, store, keep = make_console(), open_cache(cache, cache_type, no_cache), json and json.parent / "studies"
    with ProgressDisplay(console) as progress:
        if adapter is None:
            measured = measure_base(model, opened, questions, cache=store, keep=keep, progress=progress)
        else:
            measured = measure_run(adapter, opened, questions, base=model, cache=store, keep=keep, progress=progress)
    print_measured(console, measured, questions)
    if json:
        write_json(json, file_json(measured.results))
        print_line(console, f"Written to {json}")
