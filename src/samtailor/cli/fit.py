"""``samtailor fit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samtailor.bases.registry import DEFAULT_BASE
from samtailor.cli.options import (
    CACHE_TYPE,
    BaseOption,
    BoxesOption,
    CacheOption,
    CacheTypeOption,
    ClassOption,
    DeviceOption,
    FormatOption,
    ReferenceOption,
    SplitByOption,
    TaskArgument,
)
from samtailor.cli.settings import with_settings

if TYPE_CHECKING:
    from rich.console import Console

    from samtailor.fit import FitResult

__all__ = ["fit", "print_fit"]


@with_settings
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
        bool, typer.Option("--resume", help="Continue the fit in --out if there is one, with the same options.")
    ] = False,
    format: FormatOption = None,
    split_by: SplitByOption = None,
    boxes_as_masks: BoxesOption = False,
    cache: CacheOption = None,
    cache_type: CacheTypeOption = CACHE_TYPE,
    device: DeviceOption = "auto",
    reference_decoder: ReferenceOption = False,
) -> None:
    """Train an adapter on the train split and keep the best one by validation.

    If no adapter beats the base on the val split, the one that is written leaves the base unchanged.
    """
    from samtailor.cli.fit_progress import FitDisplay
    from samtailor.cli.method_options import method_options
    from samtailor.cli.opening import open_base, open_cache, open_task
    from samtailor.cli.output import make_console
    from samtailor.fit import fit_task
    from samtailor.fitting.config import DEFAULT_MINUTES, FitConfig

    if all(settings[budget] is None for budget in ("minutes", "epochs", "steps")):
        settings["minutes"] = DEFAULT_MINUTES
    config = FitConfig(**settings, method_options=method_options(settings["method"], method_option or ()))
    opened = open_task(task, format, split_by, boxes_as_masks, class_)
    console, model = make_console(), open_base(base, device, reference_decoder)
    with FitDisplay(console) as progress:
        store = open_cache(cache, cache_type)
        result = fit_task(opened, model, out, config, cache=store, resume=resume, progress=progress)
    print_fit(console, result, out)


def print_fit(console: Console, result: FitResult, out: Path) -> None:
    """Print how a fit ended."""
    from samtailor.cli.output import print_line, print_text
    from samtailor.runs import Run

    print_text(console, f"Ended after {result.steps} steps: {result.reason}.")
    if result.beats_base:
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
    print_line(console, f"Adapter: {Run(out).weights}")
