"""``samtailor predict``. It imports little, so that a prediction from the cache is fast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samtailor.cli.options import AdapterBaseOption, CacheOption, DeviceOption, NoCacheOption, ReferenceOption
from samtailor.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from samtailor.prediction.jobs import Job, PromptRow
    from samtailor.report.predictions import Written

__all__ = ["predict"]

WRITING = "Writing the masks"


def predict(  # more than seven parameters: they are the options of the command
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE",
            help="Image files, folders, and patterns in quotes such as 'photos/**/*.jpg'. With --prompts they may be "
            "left out.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write.")] = ...,  # type: ignore[assignment]
    point: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y",
            help="Click on the object, in pixels from the upper left corner; X,Y,0 is a background click.",
        ),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(metavar="X0,Y0,X1,Y1", help="Box around the object, in pixels. Each box gets its own mask."),
    ] = None,
    word: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Class name, for an adapter of the method words. Alone it means all objects of the class, and each "
            "word gets its own mask; with clicks or boxes it says what they are on.",
        ),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Prompts for each image: a CSV table with the columns image,x,y,label,prompt or image,x0,y0,x1,y1, or "
            "a COCO json with boxes. The documentation on predicting many images has examples.",
        ),
    ] = None,
    adapter: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Folder that `samtailor fit` wrote; without it, the base alone is used."),
    ] = None,
    base: AdapterBaseOption = None,
    multimask: Annotated[
        bool, typer.Option("--multimask", help="Write the alternative masks too; with an adapter, its own comes first.")
    ] = False,
    format: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT",
            help="png: a picture per mask. labels: a picture per image with the number of the prompt, from 1, at each "
            "pixel. coco: one COCO dataset, coco.json. rle: one list of COCO results, rle.json.",
            show_default="png",
            rich_help_panel=WRITING,
        ),
    ] = None,
    overlay: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="Pictures of the masks painted over the image: screen (at most 1600 pixels wide and high), full (the "
            "image's size) or none.",
            rich_help_panel=WRITING,
        ),
    ] = "screen",
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Leave out images whose results are in the folder already, to continue a stopped run.",
            rich_help_panel=WRITING,
        ),
    ] = False,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    device: DeviceOption = "auto",
    reference_decoder: ReferenceOption = False,
) -> None:
    """Segment images from clicks, boxes and words.

    All clicks together are one prompt, with at most one box. Without clicks, each box is a prompt. Without both, each
    word is a prompt. All images get the
    same prompts, unless a file has prompts for each. An image that cannot be read does not stop the others; it is
    listed at the end, and the exit code is 1.
    """
    from samtailor.cli.output import make_console, print_line, print_text
    from samtailor.prediction.jobs import with_words

    rows = _rows([_numbers(t, "--point", (2, 3)) for t in point or []], [_numbers(t, "--box", (4,)) for t in box or []])
    rows = with_words(rows, word or [])
    console = make_console()
    jobs, categories, notes = _jobs(images or [], rows, prompts, out)
    for note in notes:
        print_text(console, note)

    from samtailor.cli.opening import open_base, open_cache
    from samtailor.cli.progress import ProgressDisplay
    from samtailor.machine.progress import Event, Note
    from samtailor.predict import Predictor
    from samtailor.report.predictions import Outputs, write_predictions
    from samtailor.runs import base_name_of

    outputs = Outputs(out, format or ["png"], overlay, categories, skip_existing)  # type: ignore[arg-type]
    model = open_base(base or base_name_of(adapter), device, reference_decoder)
    predictor = Predictor(model, adapter, open_cache(cache, no_cache=no_cache))
    if any(row.word for job in jobs for row in job.prompts):
        predictor.model.check_reads_words()
    with ProgressDisplay(console) as display:

        def show(event: Event) -> None:
            if isinstance(event, Note):  # a path, which must not be broken into lines
                print_line(console, event.text)
            else:
                display(event)

        written = write_predictions(predictor, jobs, outputs, multimask, show)
    _print_summary(console, written, len(jobs), out)
    if written.failed:
        raise typer.Exit(1)


def _jobs(
    words: list[str], rows: list[PromptRow], prompts: Path | None, out: Path
) -> tuple[list[Job], Mapping[str, int], list[str]]:
    """Return images with their prompts, classes, and notes on what was left out."""
    from samtailor.data.findings import listed, times
    from samtailor.prediction.jobs import Job
    from samtailor.prediction.match import jobs_of_file
    from samtailor.prediction.prompt_file import read_prompt_file
    from samtailor.prediction.sources import find_sources

    if not words and prompts is None:
        raise PromptError("No image was given.", "Give files, folders or patterns, or --prompts FILE.")
    if prompts is not None and rows:
        raise PromptError("Prompts were given twice.", "Give --prompts FILE, or --point, --box and --word.")
    if prompts is None and not rows:
        raise PromptError("No prompt was given.", "Give --point, --box, --word or --prompts FILE.")
    sources = find_sources(words, out) if words else None
    notes = []
    if sources is not None and sources.others:
        notes.append(f"Left out: {times(sources.others, 'file')} in the folders that cannot be an image.")
    if prompts is None:
        assert sources is not None
        categories = {row.word: number for number, row in enumerate(rows, 1) if row.word}
        return [Job(s.path, s.name, s.stem, tuple(rows)) for s in sources.images], categories, notes
    file = read_prompt_file(prompts)
    matched = jobs_of_file(file, None if sources is None else sources.images)
    if matched.without_prompts:
        notes.append(f"Left out: {times(matched.without_prompts, 'image')} without prompts in {prompts}.")
    if matched.without_image:
        notes.append(
            f"{prompts} also has prompts for {times(len(matched.without_image), 'image')} that you did not give: "
            f"{listed(matched.without_image, 1)}."
        )
    return list(matched.jobs), file.categories, notes


def _print_summary(console: Console, written: Written, images: int, out: Path) -> None:
    from samtailor.cli.output import print_failed, print_text
    from samtailor.data.findings import times

    for text, count in written.warnings.items():
        print_text(console, f"Warning: {text}" + (f" ({times(count, 'image')})" if images > 1 else ""))
    if images > 1:
        done = f"{times(written.masks, 'mask')} of {times(written.images, 'image')}, {times(written.files, 'file')}"
        skipped = f"; left out {times(written.skipped, 'image')} whose results were there" if written.skipped else ""
        print_text(console, f"{done} in {out}{skipped}.")
    print_failed(console, written.failed, images)


def _rows(points: list[list[float]], boxes: list[list[float]]) -> list[PromptRow]:
    """Return the prompts of --point and --box."""
    from samtailor.prediction.jobs import PromptRow

    if points and len(boxes) > 1:
        raise PromptError(
            f"Points and {len(boxes)} boxes were given.",
            "Points go with at most one box: run the command once for each box.",
        )
    corners = [(box[0], box[1], box[2], box[3]) for box in boxes]
    if not points:
        return [PromptRow(box=corner) for corner in corners]
    labels = [point[2] if len(point) == 3 else 1.0 for point in points]
    if not set(labels) <= {0.0, 1.0}:
        raise PromptError(
            f"--point got the label {next(iter(set(labels) - {0.0, 1.0})):g}.", "Expected 1 (the object) or 0."
        )
    clicks = tuple((point[0], point[1]) for point in points)
    return [PromptRow(clicks, tuple(map(int, labels)), corners[0] if corners else None)]


def _numbers(text: str, option: str, counts: tuple[int, ...]) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        form = {"--point": "X,Y or X,Y,0", "--box": "X0,Y0,X1,Y1"}[option]
        raise PromptError(f"{option} got {text!r}.", f"Expected {form}: numbers with commas and no spaces.")
    return values
