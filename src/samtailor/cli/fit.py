"""``samtailor fit``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samtailor.bases.registry import DEFAULT_BASE
from samtailor.cli.options import (
    CACHE_TYPE,
    BaseOption,
    CacheOption,
    CacheTypeOption,
    ClassOption,
    DeviceOption,
    InputSizeOption,
    NoCacheOption,
    ReferenceOption,
    TaskArgument,
)
from samtailor.cli.reading import READ, ReadingOptions, with_reading
from samtailor.cli.settings import with_settings

if TYPE_CHECKING:
    from rich.console import Console

    from samtailor.fit import FitResult

__all__ = ["fit", "print_fit"]


@with_settings
@with_reading
def fit(  # more than seven parameters: they are the options of the command
    task: TaskArgument,
    out: Annotated[
        Path, typer.Option(metavar="RUN", help="Folder to write: the adapter, its metrics, and what --resume needs.")
    ],
    settings: dict[str, Any],
    method_option: Annotated[
        list[str] | None, typer.Option("--method-option", metavar="NAME=VALUE", help="Set an option of the method.")
    ] = None,
    base: BaseOption = DEFAULT_BASE,
    class_: ClassOption = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the fit in --out if there is one, with the same options. The budget may be larger; "
            "without one, the fit keeps its own.",
        ),
    ] = False,
    reading: ReadingOptions = READ,
    cache: CacheOption = None,
    cache_type: CacheTypeOption = CACHE_TYPE,
    no_cache: NoCacheOption = False,
    device: DeviceOption = "auto",
    input_size: InputSizeOption = None,
    reference_decoder: ReferenceOption = False,
) -> None:
    """Train an adapter on the train split and keep the best one by validation.

    If no adapter beats the base on the val split, the one that is written leaves the base unchanged.
    """
    from samtailor.bases.input_size import sized_name
    from samtailor.cli.checks import check_cache_type, check_splits
    from samtailor.cli.method_options import method_options
    from samtailor.cli.opening import open_base, open_cache, open_task
    from samtailor.fitting.config import FitConfig

    keeps_budget = resume and all(settings[budget] is None for budget in ("minutes", "epochs", "steps"))
    config = FitConfig(**settings, method_options=method_options(settings["method"], method_option or ()))
    check_cache_type(cache_type)
    opened = open_task(task, reading, class_)
    check_splits(opened, ("train", "val"))

    from samtailor.cli.fit_progress import FitDisplay
    from samtailor.cli.output import make_console, print_line
    from samtailor.fit import fit_task
    from samtailor.fitting.context import budget_of_run
    from samtailor.fitting.stop import FitInterrupted
    from samtailor.runs import Run

    run = Run.of(out, "out")
    run.check_free(resume)
    if keeps_budget and (budget := budget_of_run(run)):
        config = replace(config, **budget)

    console, model = make_console(), open_base(sized_name(base, input_size), device, reference_decoder)
    store = open_cache(cache, cache_type, no_cache)
    try:
        with FitDisplay(console) as progress:
            result = fit_task(opened, model, out, config, cache=store, resume=resume, progress=progress)
    except FitInterrupted as error:
        for line in (error.what, error.hint):
            print_line(make_console(stderr=True), line)
        raise typer.Exit(error.exit_code) from None
    print_fit(console, result, out)


def print_fit(console: Console, result: FitResult, out: Path) -> None:
    """Print how a fit ended."""
    from samtailor.cli.output import print_line, print_text
    from samtailor.runs import Run

    print_text(console, f"Ended after {result.steps} steps: {result.reason}.")
    if result.beats_base and result.best_step == 0:
        warning = "Training improved nothing:"
        text = (
            f"{warning} the adapter that was written is the untrained base with its mask {result.adapter.mask_token} "
            f"instead of its single mask, val mIoU {result.best['miou']:.3f}, base {result.base['miou']:.3f} "
            f"(n {result.base['n']}). More data, more time or another kind of prompt may help."
        )
        print_text(console, text, style="bold yellow", styled=warning)
    elif result.beats_base:
        text = (
            f"Best at step {result.best_step}: val mIoU {result.best['miou']:.3f} (standard error "
            f"{result.best.get('miou_error', 0.0):.3f}), base {result.base['miou']:.3f} "
            f"(n {result.base['n']})."
        )
        print_text(console, text)
    else:
        warning = "No adapter beat the base on the val split:"
        text = (
            f"{warning} the one that was written leaves the base unchanged. More data, more time or another kind of "
            "prompt may help."
        )
        print_text(console, text, style="bold yellow", styled=warning)
    run = Run.of(out, "out")
    if result.best_step:
        print_line(console, f"Adapter: {run.weights}")
        print_line(console, f"Images and masks as they were read: {run.preview}")
    else:
        print_line(console, f"Are images and masks read as you mean them? Look at {run.preview}")
