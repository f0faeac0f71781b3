"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samtailor.bases.registry import DEFAULT_BASE, list_bases
from samtailor.bases.sources import base_name, check_base
from samtailor.cli.help import COMPUTING
from samtailor.evaluation.questions import ALL_CLASSES

__all__ = [
    "CACHE_TYPE",
    "AdapterBaseOption",
    "AlsoOption",
    "BaseOption",
    "CacheOption",
    "CacheTypeOption",
    "ClassOption",
    "DeviceOption",
    "DropOption",
    "InputSizeOption",
    "InstancesOption",
    "MapOption",
    "MeasuredClassOption",
    "MeasuredTaskArgument",
    "NoCacheOption",
    "PerInstanceOption",
    "PromptsOption",
    "ReferenceOption",
    "SeedOption",
    "SensitivityInstancesOption",
    "SplitOption",
    "TaskArgument",
]

CACHE_TYPE = "float16"
"""Number type of stored embeddings."""


def _checked_base(name: str | None) -> str | None:
    """Check a base before anything else happens, so that a wrong name is answered at once."""
    if name is None:
        return None
    name = base_name(name)
    check_base(name)
    return name


TaskArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help="Folder of the dataset, or `sample` for the bundled one. The documentation on data lists the supported "
        "layouts.",
    ),
]
MeasuredTaskArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="TASK",
        help="Folder of the dataset, or `sample` for the bundled one. With --adapter it may be left out: the dataset "
        "that the adapter was fitted on.",
    ),
]
ClassOption = Annotated[
    str | None,
    typer.Option("--class", metavar="NAME", help="Use only the objects of this class.", show_default="all classes"),
]
MeasuredClassOption = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="NAME",
        help=f"Score only the objects of this class; '{ALL_CLASSES}' scores all classes.",
        show_default="the class that the adapter was fitted on, or all",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NEW=OLD",
        help="Score only the classes given here, under new names. With eyes=left_eye+right_eye, both eyes of an image "
        "count as one object, `eyes`. The documentation on evaluation has more examples.",
    ),
]
SplitOption = Annotated[str, typer.Option(metavar="NAME", help="Part of the dataset to score: train, val or test.")]
PromptsOption = Annotated[
    str,
    typer.Option(
        metavar="KIND",
        help="Prompts to simulate from the true masks: click, box, mix (either) or '3 clicks'; for an adapter of the "
        "method words also word (the class name alone, for all of the class in an image), word+click, or 'wrong "
        "word+click'.",
    ),
]
PerInstanceOption = Annotated[int, typer.Option(min=1, metavar="N", help="Number of prompts for each object.")]
InstancesOption = Annotated[
    int | None,
    typer.Option(
        "--instances",
        min=1,
        metavar="N",
        help="Score only N randomly chosen objects of the split.",
        show_default="all objects",
    ),
]
SensitivityInstancesOption = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", help="Number of randomly chosen objects whose prompts are varied; 0 takes all objects."
    ),
]
AlsoOption = Annotated[
    list[str] | None,
    typer.Option(metavar="TASK", help="Score another dataset too, such as one that the adapter was not fitted on."),
]
DropOption = Annotated[
    bool,
    typer.Option(
        "--drop-duplicates", help="Leave out val and test images whose file is also in an earlier split (train, val)."
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, metavar="N", help="Random seed.")]
BaseOption = Annotated[
    str,
    typer.Option(
        callback=_checked_base,
        metavar="BASE",
        help="Base model: " + ", ".join(f"{name} ({text})" for name, text in list_bases().items()) + ".",
    ),
]
AdapterBaseOption = Annotated[
    str | None,
    typer.Option(
        "--base",
        callback=_checked_base,
        metavar="BASE",
        help="Base model; `samtailor fit --help` lists the choices.",
        show_default=f"the adapter's base; without an adapter {DEFAULT_BASE}",
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FOLDER",
        help="Folder of the embedding cache, which saves encoding an image twice.",
        show_default="your user's cache folder",
        rich_help_panel=COMPUTING,
    ),
]
NoCacheOption = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        help="Keep embeddings in memory, and write none to the disk.",
        rich_help_panel=COMPUTING,
    ),
]
CacheTypeOption = Annotated[
    str,
    typer.Option(
        metavar="TYPE", help="Number type of stored embeddings: float16 or float32.", rich_help_panel=COMPUTING
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(metavar="NAME", help="Device to compute on: auto, cpu, cuda or mps.", rich_help_panel=COMPUTING),
]
InputSizeOption = Annotated[
    int | None,
    typer.Option(
        "--input-size",
        min=1,
        metavar="N",
        help="Let the base see images of at most N pixels along the longer side: faster and coarser. The same as "
        "--base NAME@N.",
        show_default="the base's own size",
        rich_help_panel=COMPUTING,
    ),
]
ReferenceOption = Annotated[
    bool,
    typer.Option(
        "--reference-decoder",
        help="Decode with the code of the transformers library: slower, the same masks.",
        rich_help_panel=COMPUTING,
    ),
]
