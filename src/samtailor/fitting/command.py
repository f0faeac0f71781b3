"""The command that continues a fit, as a user would type it."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

from samtailor.bases.base import Base
from samtailor.bases.registry import DEFAULT_BASE
from samtailor.data.task import Task
from samtailor.fitting.config import FitConfig

__all__ = ["resume_command"]

TASK_OPTIONS = {
    "format": "--format",
    "split_by": "--split-by",
    "only": "--class",
    "crowds": "--crowds",
    "mask_values": "--mask-values",
}
TASK_FLAGS = ("boxes_as_masks", "skip_broken", "split_masks")


def resume_command(task: Task, base: Base, folder: Path, config: FitConfig) -> str:
    """Return the line for a shell. Options with default values are left out, except the budget."""
    words = ["samtailor", "fit", str(task.source.get("path", task.root)), "--out", str(folder)]
    for name, option in TASK_OPTIONS.items():
        if task.source.get(name) is not None:
            words += [option, str(task.source[name])]
    for name in TASK_FLAGS:
        option = name.replace("_", "-")
        if task.source.get(name):
            words.append(f"--{option}")
        elif name == "split_masks" and task.source.get(name) is False:
            words.append(f"--no-{option}")
    if base.name != DEFAULT_BASE:
        words += ["--base", base.name]
    if base.reference_decoder:
        words.append("--reference-decoder")
    for field in dataclasses.fields(FitConfig):
        value = getattr(config, field.name)
        if field.name not in ("losses", "method_options") and value not in (field.default, None):
            words += [f"--{field.name.replace('_', '-')}", f"{value}"]
    for name, value in config.method_options.items():
        words += ["--method-option", f"{name}={value}"]
    return shlex.join([*words, "--resume"])
