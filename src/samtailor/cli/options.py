"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from samtailor.adapters.methods import METHODS

__all__ = [
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
    "MethodOption",
    "MethodOptionsOption",
    "PromptsOption",
    "ReferenceOption",
    "SeedOption",
    "SensitivityOption",
    "SplitByOption",
    "SplitOption",
    "TaskArgument",
]

TaskArgument = Annotated[
    str, typer.Argument(help="Folder of the task (docs/guides/data.md says what it may hold), or `sample`.")
]
BaseOption = Annotated[
    str, typer.Option(help="mobile-sam (bundled), mobile-sam:FILE, a folder that transformers saved, or a hub id.")
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", help="Folder of the embedding cache.", show_default="the user's cache")
]
CacheTypeOption = Annotated[str, typer.Option(help="How embeddings are stored: float16 or float32.")]
MethodOption = Annotated[
    str, typer.Option(help=f"What is trained: {', '.join(METHODS)} (docs/guides/methods.md).", show_default=True)
]
MethodOptionsOption = Annotated[
    list[str] | None,
    typer.Option("--method-option", help="NAME=VALUE: a setting of the method's own (docs/guides/methods.md); repeat."),
]
ClassOption = Annotated[
    str | None, typer.Option("--class", help="Use only instances of this class.", show_default="all classes")
]
MeasuredClassOption = Annotated[
    str | None,
    typer.Option(
        "--class",
        help="Score only instances of this class; '*': of all.",
        show_default="the class that the adapter was fitted on alone, else all",
    ),
]
PromptsOption = Annotated[str, typer.Option(help="What is simulated from the masks: click, box or mix.")]
FormatOption = Annotated[
    str | None,
    typer.Option(
        help="Read the task as coco, folders, labelme, yolo, voc, celebamask or hf.", show_default="what is found"
    ),
]
SplitByOption = Annotated[
    str | None,
    typer.Option(
        help="Split anew so that images with the same match of this regular expression in their names stay together.",
        show_default="the task's own split",
    ),
]
BoxesOption = Annotated[
    bool, typer.Option("--boxes-as-masks", help="Fill rectangles in where annotations are only boxes.")
]
SplitOption = Annotated[str, typer.Option(help="train, val or test.")]
SensitivityOption = Annotated[
    int, typer.Option(min=0, help="Vary the prompts of so many instances, drawn by the seed; 0: of all.")
]
AlsoOption = Annotated[
    list[str] | None, typer.Option(help="Another task to score, such as one it was not fitted for; may be repeated.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Score only this class, named otherwise: eyes=left_eye+right_eye (docs/guides/evaluation.md); repeat."
    ),
]
DropOption = Annotated[
    bool, typer.Option("--drop-duplicates", help="Leave out val and test images that are copies from another split.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of everything drawn.")]
ReferenceOption = Annotated[
    bool, typer.Option("--reference-decoder", help="Decode with transformers' own forward: slower, the same masks.")
]
