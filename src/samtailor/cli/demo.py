"""``samtailor demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samtailor.cli.options import CacheOption, DeviceOption, NoCacheOption, SeedOption
from samtailor.fitting.config import FitConfig

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(metavar="RUN", help="Folder to write.")] = Path("runs/demo"),
    minutes: Annotated[float, typer.Option(metavar="X", help="Budget of fitting time in minutes.")] = 6.0,
    seed: SeedOption = FitConfig.seed,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Fit an adapter on the bundled sample, compare it with the base and draw pictures."""
    from samtailor.adapters.answer import AdaptedModel
    from samtailor.bases.registry import DEFAULT_BASE
    from samtailor.cli.fit import print_fit
    from samtailor.cli.fit_progress import FitDisplay
    from samtailor.cli.opening import open_base, open_cache, open_task
    from samtailor.cli.output import make_console, print_line
    from samtailor.cli.results import print_measured
    from samtailor.data.load import SAMPLE
    from samtailor.evaluate import measure_run
    from samtailor.evaluation.questions import Questions
    from samtailor.evaluation.results_json import file_json
    from samtailor.fit import fit_task
    from samtailor.machine.files import write_json
    from samtailor.report.comparisons import draw_comparisons, draw_sheet
    from samtailor.runs import Run

    console, run, sample = make_console(), Run.of(out, "out"), open_task(SAMPLE)
    base, store, questions = open_base(DEFAULT_BASE, device), open_cache(cache, no_cache=no_cache), Questions(seed=seed)
    with FitDisplay(console) as progress:
        config = FitConfig(minutes=minutes, seed=seed)
        result = fit_task(sample, base, out, config, cache=store, resume=True, progress=progress)
        print_fit(console, result, out)
        measured = measure_run(out, sample, questions, base=base, cache=store, progress=progress)
    print_measured(console, measured, questions)
    write_json(run.evaluation, file_json(measured.results))
    print_line(console, f"Written to {run.evaluation}")
    pictures = draw_comparisons(AdaptedModel.of(base, run.adapter(base), store), sample, out / "overlays", seed=seed)
    draw_sheet(pictures[:3], out / "comparison.png")
    print_line(console, f"{len(pictures)} pictures that compare base and adapter: {out / 'overlays'}")
