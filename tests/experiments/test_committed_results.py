"""The committed configs, lines and pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from experiments.__main__ import RESULTS, shipped_configs
from experiments.pages.results_page import experiments_page, results_page
from experiments.records.lines import Lines
from experiments.records.rows import sections
from experiments.specs.config import read_config
from experiments.specs.settings import FIT_DEFAULTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "experiments" / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_configs_can_be_read(path: Path, tmp_path: Path) -> None:
    config = read_config(path)
    assert config.runs
    all_sections = sections(config, Lines(tmp_path / "none.jsonl"))
    has_reference = any(s.reference(row) for s in all_sections for row in s.rows)
    assert has_reference or not config.compare_with, "nothing is compared"
    for run in config.runs:
        assert run.method == "base" or (run["minutes"] or 60) <= 60
        assert run.method == "base" or run["minutes"] or run["steps"] <= 1000
    settings = {k for r in config.runs for k in r.settings}
    assert settings <= {*FIT_DEFAULTS, "base", "task", "class", "drop_duplicates"}


def test_the_pages_of_results_are_up_to_date() -> None:
    configs, texts, docs = shipped_configs(), ROOT / "experiments", ROOT / "docs"
    details = (texts / "details.md").read_text()
    pages = {
        "results.md": results_page(configs, RESULTS, (texts / "findings.md").read_text()),
        "experiments.md": experiments_page(configs, RESULTS, details, Path("../experiments/results")),
    }
    for name, page in pages.items():
        filled = page.partition("## Configs")[0]
        assert "{{" not in page and ": failed" not in filled
        assert "not run" not in filled.replace("of 3 not run", ""), "a placeholder has no number"
        assert page == (docs / name).read_text(), "run `python -m experiments results`"
    assert len(pages["results.md"].splitlines()) <= 120, "the findings are one page"
