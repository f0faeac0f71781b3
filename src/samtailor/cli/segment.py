"""``samtailor segment`` and ``samtailor fit-automatic``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from samtailor.cli.exit_codes import ExitCode
from samtailor.cli.options import CacheOption, DeviceOption, NoCacheOption

__all__ = ["fit_automatic", "segment"]


def fit_automatic(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `samtailor fit` wrote.")],
    task: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="Dataset to learn from.", show_default="the one that the run was fitted on"),
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, metavar="X", help="Budget of the proposal head's fit.")] = 3.0,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Random seed.")] = 0,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Teach a run to find every instance of its classes without clicks; `samtailor segment` then does it.

    A small head proposes places, the adapter's decoder makes the masks, and rules are chosen on the val split. If the
    command is stopped, the next call continues.
    """
    from samtailor.cli.fit_progress import FitDisplay
    from samtailor.cli.opening import open_cache
    from samtailor.cli.output import make_console, print_line, print_text
    from samtailor.machine.memory import keep_freed_memory
    from samtailor.segment import DEFAULT
    from samtailor.segment import fit_automatic as fit

    keep_freed_memory()
    console, store = make_console(), open_cache(cache, no_cache=no_cache)
    config = replace(DEFAULT, minutes=minutes, seed=seed)
    with FitDisplay(console) as progress:
        result = fit(run, task, config, device=device, cache=store, progress=progress)
    score = "a learned score" if result.learned_score else "the model's own estimates as scores"
    print_text(
        console,
        f"Ended after {result.steps} steps. On val, {result.seed_f1:.0%} of seeds and instances agree (F1), and the "
        f"mean segmentation accuracy is {result.accuracy:.3f}, with {score}.",
    )
    print_line(console, f"Use it: samtailor segment IMAGES --adapter {run} --out FOLDER")


def segment(  # more than seven parameters: they are the options of the command
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE", help="Image files, folders, and patterns in quotes such as 'photos/**/*.jpg'."),
    ],
    adapter: Annotated[Path, typer.Option(metavar="RUN", help="Folder of a run, after `samtailor fit-automatic`.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write.")],
    overlays: Annotated[bool, typer.Option("--overlays/--no-overlays", help="Paint the masks over the images.")] = True,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out images that are finished, to continue a stopped run.")
    ] = False,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Find every instance of the classes of a run, without clicks.

    Writes label maps, overlays, coco.json, instances.csv with measurements, and counts.csv. An image that cannot be
    read does not stop the others; it is listed at the end, and the exit code is 1.
    """
    from samtailor.cli.opening import open_cache
    from samtailor.cli.output import make_console, print_failed, print_line, print_text
    from samtailor.cli.progress import ProgressDisplay
    from samtailor.data.findings import times
    from samtailor.machine.memory import keep_freed_memory
    from samtailor.prediction.sources import find_sources
    from samtailor.report.segments import write_segments
    from samtailor.segment import Segmenter

    keep_freed_memory()
    console, sources = make_console(), find_sources(images, out)
    segmenter = Segmenter(adapter, open_cache(cache, no_cache=no_cache), device)
    with ProgressDisplay(console) as progress:
        done = write_segments(
            segmenter, sources.images, out, overlays=overlays, skip_existing=skip_existing, progress=progress
        )
    skipped = f"; {times(done.skipped, 'image')} were finished before" if done.skipped else ""
    print_text(
        console, f"{times(done.instances, 'instance')} in {times(done.images + done.skipped, 'image')}{skipped}."
    )
    print_line(console, f"Measurements: {out / 'instances.csv'}, counts: {out / 'counts.csv'}")
    print_failed(console, done.failed, len(sources.images))
    if done.failed:
        raise typer.Exit(ExitCode.INCOMPLETE)
