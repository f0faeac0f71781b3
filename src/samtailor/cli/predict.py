"""``samtailor predict``. It imports little, so that a prediction from the cache is fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from samtailor.cli.options import AdapterBaseOption, CacheOption, DeviceOption, NoCacheOption, ReferenceOption
from samtailor.errors import PromptError, SamtailorError

__all__ = ["predict"]


def predict(  # more than seven parameters: they are the options of the command
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE", help="Image files; all of them get the same prompts.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write: masks as PNG files, and overlays.")],
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
    adapter: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Folder that `samtailor fit` wrote; without it, the base alone is used."),
    ] = None,
    base: AdapterBaseOption = None,
    multimask: Annotated[
        bool, typer.Option("--multimask", help="Write three alternative masks per prompt instead of one.")
    ] = False,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    device: DeviceOption = "auto",
    reference_decoder: ReferenceOption = False,
) -> None:
    """Segment images from clicks and boxes.

    All clicks together are one prompt, with at most one box. Without clicks, each box is a prompt.
    """
    from samtailor.cli.opening import open_base, open_cache
    from samtailor.cli.output import make_console, print_line
    from samtailor.cli.progress import ProgressDisplay
    from samtailor.data.pixels.images import read_image
    from samtailor.machine.progress import counted
    from samtailor.predict import Predictor
    from samtailor.prompts import check_prompts
    from samtailor.report.predictions import write_prediction
    from samtailor.runs import base_name_of

    prompt = _prompt(
        [_numbers(t, "--point", (2, 3)) for t in point or []], [_numbers(t, "--box", (4,)) for t in box or []]
    )
    model = open_base(base or base_name_of(adapter), device, reference_decoder)
    _check_names(images)
    console, predictor = make_console(), Predictor(model, adapter, open_cache(cache, no_cache=no_cache))
    with ProgressDisplay(console) as progress:
        for image in counted(images, "Predicting", progress):
            pixels = read_image(image)
            predictor.set_image(image)
            prediction = predictor.predict(**prompt, multimask=multimask)
            prompts = check_prompts(**prompt, frame=model.frame(pixels.shape[1], pixels.shape[0]))
            for path, text in write_prediction(image.stem, pixels, prediction, prompts, out):
                print_line(console, f"{path}  ({text})")


def _prompt(points: list[list[float]], boxes: list[list[float]]) -> dict[str, Any]:
    """Return the prompt as arguments of ``Predictor.predict``."""
    if points and len(boxes) > 1:
        raise PromptError(
            f"Points and {len(boxes)} boxes were given.",
            "Points go with at most one box: run the command once for each box.",
        )
    prompt: dict[str, Any] = {"points": None, "labels": None, "boxes": boxes or None}
    if points:
        prompt |= {"points": [p[:2] for p in points], "labels": [p[2] if len(p) == 3 else 1 for p in points]}
    return prompt


def _check_names(images: list[Path]) -> None:
    stems = [image.stem for image in images]
    repeated = sorted({stem for stem in stems if stems.count(stem) > 1})
    if repeated:
        raise SamtailorError(
            f"Several images are called {repeated[0]!r}; their masks would overwrite each other.",
            "Write them into different folders.",
        )


def _numbers(text: str, option: str, counts: tuple[int, ...]) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        form = {"--point": "X,Y or X,Y,0", "--box": "X0,Y0,X1,Y1"}[option]
        raise PromptError(f"{option} got {text!r}.", f"Expected {form}: numbers with commas and no spaces.")
    return values
