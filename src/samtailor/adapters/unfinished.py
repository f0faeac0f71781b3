"""Say how far an unfinished fit is, and how to continue it, instead of "there is no adapter"."""

from __future__ import annotations

import shlex
from pathlib import Path

from samtailor.machine.fields import FieldError, Fields, parse_object
from samtailor.machine.tensors import TensorsError, read_metadata

__all__ = ["SOURCE_FILE", "STATE_FILE", "budget_text", "resume_line", "unfinished"]

STATE_FILE, SOURCE_FILE = "state.safetensors", "run.json"
HEADER_BYTES = 1 << 22


def unfinished(folder: Path) -> tuple[str, str] | None:
    """Describe the unfinished fit in a folder.

    Returns:
        What came, and what to do; None if no fit has begun there.
    """
    started = (folder / SOURCE_FILE).is_file()
    try:
        with (folder / STATE_FILE).open("rb") as file:
            state = Fields(parse_object(read_metadata(file.read(HEADER_BYTES)).get("state", "")))
        done = f"it is at step {state.whole('step')} of a budget of {budget_text(_budget(state))}"
    except (OSError, TensorsError, FieldError):
        if not started:
            return None
        done = "it has not saved a state yet"
    return (
        f"The fit in {folder} is unfinished: {done}, and there is no adapter yet.",
        f"Continue it: {resume_line(folder)}",
    )


def resume_line(folder: Path) -> str:
    """Return the command that continues the fit in ``folder``, also if the folder was moved."""
    try:
        words = shlex.split(Fields(parse_object((folder / SOURCE_FILE).read_bytes())).text("resume"))
        words[words.index("--out") + 1] = str(folder)
        return shlex.join(words)
    except (OSError, FieldError, ValueError, IndexError):  # an older run does not have the line
        return f"samtailor fit TASK --out {shlex.quote(str(folder))} --resume, with the options it was started with."


def budget_text(config: dict[str, float]) -> str:
    """Describe a budget, such as ``100 steps`` or ``15 minutes or 3 epochs``."""
    limits = [f"{config[name]:g} {name}" for name in ("minutes", "epochs", "steps") if config.get(name)]
    return " or ".join(limits) or "unknown size"


def _budget(state: Fields) -> dict[str, float]:
    config = state.inside("context").inside("config")
    return {name: config.number(name) for name in ("minutes", "epochs", "steps") if config.values.get(name) is not None}
