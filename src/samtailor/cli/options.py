"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samtailor.bases.registry import DEFAULT_BASE, list_bases
from samtailor.cli.help import COMPUTING, READING
from samtailor.evaluation.questions import ALL_CLASSES

__all__ = [
    "CACHE_TYPE",
    "AdapterBaseOption",
    "AlsoOption",
    "BaseOption",
    "BoxesOption",
    "CacheOption",
    "CacheTypeOption",
    "ClassOption",
    "DeviceOption",
    "DropOption",
    "FormatOption",
    "MapOption",
    "MeasuredClassOption",
    "NoCacheOption",
    "PerInstanceOption",
    "PromptsOption",
    "ReferenceOption",
    "SeedOption",
    "SensitivityInstancesOption",
    "SplitByOption",
    "SplitOption",
    "TaskArgument",
]

CACHE_TYPE = "float16"
"""Number type of stored embeddings."""

TaskArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help="Folder of the dataset, or `sample` for the bundled one. The documentation on data lists the supported "
        "layouts.",
    ),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Read the dataset in this format: coco, folders, labelme, yolo, voc, celebamask or hf.",
        show_default="detected from the files",
        rich_help_panel=READING,
    ),
]
SplitByOption = Annotated[
    str | None,
    typer.Option(
        metavar="REGEX",
        help="Split the images again by groups: images in whose names this regular expression matches the same text, "
        "such as a patient or a place, go to the same split.",
        show_default="keep the splits of the dataset",
        rich_help_panel=READING,
    ),
]
BoxesOption = Annotated[
    bool,
    typer.Option(
        "--boxes-as-masks",
        help="Use filled rectangles as masks if the dataset has only boxes.",
        rich_help_panel=READING,
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
        metavar="KIND", help="Prompts to simulate from the true masks: click, box, mix (either) or '3 clicks'."
    ),
]
PerInstanceOption = Annotated[int, typer.Option(min=1, metavar="N", help="Number of prompts for each object.")]
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
        metavar="BASE",
        help="Base model: " + ", ".join(f"{name} ({text})" for name, text in list_bases().items()) + ".",
    ),
]
AdapterBaseOption = Annotated[
    str | None,
    typer.Option(
        "--base",
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
ReferenceOption = Annotated[
    bool,
    typer.Option(
        "--reference-decoder",
        help="Decode with the code of the transformers library: slower, the same masks.",
        rich_help_panel=COMPUTING,
    ),
]
