"""The options that say how to read a dataset, the same for every command that opens one."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from samtailor.cli.expanding import expand
from samtailor.cli.help import READING

__all__ = ["READ", "ReadingOptions", "option_words", "with_reading"]

FORMATS = (
    "coco, folders, celebamask, voc, yolo, labelme, hf, cvat, via, label-studio, sa1b, supervisely, datumaro, darwin, "
    "qupath, xml or street"
)


@dataclass(frozen=True)
class ReadingOptions:
    """How to read a dataset; the fields are keyword arguments of ``load_task`` with the same defaults."""

    format: str | None = None
    split_by: str | None = None
    boxes_as_masks: bool = False
    skip_broken: bool = False
    crowds: str = "auto"
    split_masks: bool | None = None
    mask_values: str = "auto"

    @property
    def given(self) -> dict[str, Any]:
        """The options that differ from the defaults, by keyword of ``load_task``."""
        defaults = asdict(ReadingOptions())
        return {name: value for name, value in asdict(self).items() if value != defaults[name]}


READ = ReadingOptions()
"""Read a dataset with the defaults."""


def option_words(options: dict[str, Any]) -> str:
    """Write keyword arguments of ``load_task`` as options, without defaults: ``--crowds objects``.

    Args:
        options: keyword -> value; other keywords than those of ``ReadingOptions`` are passed over.
    """
    defaults, words = asdict(READ), []
    for name, default in defaults.items():
        value, option = options.get(name, default), name.replace("_", "-")
        if value == default:
            continue
        if value is True or value is False:
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", str(value)]
    return shlex.join(words)


def with_reading(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command: it gets these options, whose values it receives as ``ReadingOptions``.

    Args:
        command: a function with a parameter ``reading``, in whose place the options appear.
    """
    options = [
        _option(
            "format", str | None, "NAME", f"Read the dataset in this format: {FORMATS}.", "detected from the files"
        ),
        _option(
            "split_by",
            str | None,
            "REGEX",
            "Split the images again by groups: images in whose names this regular expression matches the same text, "
            "such as a patient or a place, go to the same split.",
            "keep the splits of the dataset",
        ),
        _option("boxes_as_masks", bool, None, "Use filled rectangles as masks if the dataset has only boxes."),
        _option("skip_broken", bool, None, "Leave out broken entries, however many there are; a finding lists them."),
        _option(
            "crowds",
            str,
            "KIND",
            "What iscrowd 1 means in COCO files: keep (regions, which are not prompted), objects, or auto.",
        ),
        _option(
            "split_masks",
            bool | None,
            None,
            "Make an object of each separate piece in mask pictures, or never do it.",
            "only if the pieces look like objects",
        ),
        _option(
            "mask_values",
            str,
            "KIND",
            "What the values in mask pictures are if no table names them: objects, classes or auto.",
        ),
    ]
    return expand(command, "reading", options, lambda values: ReadingOptions(**values))


def _option(name: str, kind: Any, metavar: str | None, text: str, default: str | bool = True) -> inspect.Parameter:
    words = name.replace("_", "-")
    declared = f"--{words}/--no-{words}" if kind == bool | None else f"--{words}"
    option = typer.Option(declared, metavar=metavar, help=text, show_default=default, rich_help_panel=READING)
    value = getattr(ReadingOptions, name)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=Annotated[kind, option])
