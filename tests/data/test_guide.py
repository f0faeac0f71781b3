"""The Python examples in the guide to data formats print what the guide shows."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "data.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```\n\n^```text\n(.*?)^```", GUIDE, flags=re.M | re.S)


@pytest.mark.parametrize(("code", "output"), EXAMPLES)
def test_an_example_prints_the_output_beside_it(code: str, output: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == output


def test_every_example_has_an_output() -> None:
    assert len(EXAMPLES) == GUIDE.count("```python") == 2


def test_every_link_inside_the_guide_has_a_heading() -> None:
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)", GUIDE, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", GUIDE)) <= headings
