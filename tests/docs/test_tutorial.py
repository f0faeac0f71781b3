"""Run the steps of the tutorial on a tiny dataset and a tiny base."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tools import tutorial_outputs

from samtailor.data.task import Task

PAGE = tutorial_outputs.PAGE.read_text()


def test_the_tutorial_covers_the_commands_of_a_first_run_and_shows_their_outputs() -> None:
    steps = [step.name for step in tutorial_outputs.steps(PAGE)]
    commands = [name.split()[1] for name in steps if name != "python"]
    assert commands == ["convert", "inspect", "fit", "evaluate", "report", "predict"]
    assert tutorial_outputs.output_commands(PAGE) == steps


@pytest.mark.slow
@pytest.mark.timeout(900)  # it starts the command line seven times
def test_every_step_of_the_tutorial_runs(shapes: Task, tiny_sam_folder: Path, tmp_path: Path) -> None:
    environment = os.environ | {"SAMTAILOR_CACHE": str(tmp_path / "cache")}
    picture = tmp_path / re.findall(r"nuclei/images/\w+\.webp", PAGE)[0]
    tiny = {
        "convert sample": f"convert {shapes.root}",
        "--steps 60": f"--steps 2 --base {tiny_sam_folder}",
        '"mobile-sam"': repr(str(tiny_sam_folder)),
    }
    outputs = []
    for step in tutorial_outputs.steps(PAGE):
        code = step.code
        for shown, replacement in tiny.items():
            code = code.replace(shown, replacement)
        outputs.append((step, tutorial_outputs.run(replace(step, code=code), tmp_path, environment)))
        if "convert" in step.name:  # the page names a picture of the bundled sample
            Image.open(shapes.split("test")[0].path).resize((256, 256)).save(picture)
    for name in ("evaluation.json", "report.html", "adapter.safetensors"):
        assert (tmp_path / "runs" / "first" / name).stat().st_size > 0
    assert (tmp_path / "masks" / f"{picture.stem}_mask_0.png").exists()

    page = tutorial_outputs.replace_outputs(PAGE, outputs)
    assert "prompts x masks x height x width: (1, 1, 256, 256)" in page


def test_outputs_replace_the_blocks_of_their_commands() -> None:
    page = "```bash\nrun a # why\nrun b\n```\n\n<!-- output: run b -->\n```text\nold\n```\n"
    first, second = tutorial_outputs.steps(page)
    assert (first.code, second.code) == ("run a", "run b")
    assert "```text\nnew\n```" in tutorial_outputs.replace_outputs(page, [(first, "x\n"), (second, "new\n")])
    with pytest.raises(ValueError, match="No step before its output runs: run b"):
        tutorial_outputs.replace_outputs(page, [(first, "x\n")])


def test_a_step_that_fails_is_an_error(tmp_path: Path) -> None:
    step = tutorial_outputs.Step("python", "raise SystemExit(3)", 0)
    with pytest.raises(RuntimeError, match="exits with 3"):
        tutorial_outputs.run(step, tmp_path, os.environ)
