"""Placeholders in the findings, and the page that shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from experiments.__main__ import main
from experiments.pages.config_page import write_config_page
from experiments.pages.findings import fill_placeholders
from experiments.pages.results_page import write_pages
from experiments.specs.config import read_config
from experiments.specs.settings import ConfigError

from samtailor.cli.progress import duration
from samtailor.data.task import Task
from tests.experiments.helpers import Command, WriteConfig, lines_of


def test_placeholders_are_filled_with_numbers_from_the_lines(
    write_config: WriteConfig, command: Command, shapes: Task, tmp_path: Path
) -> None:
    task = shapes.root.name
    path = write_config([{"task": task, "method": ["base", "plm", "offset"]}], compare_with="plm", show=["miou"])
    later = write_config([{"task": task, "method": "plm", "seed": 5}], "later")
    assert main(command("run", path)) == 0
    results = tmp_path / "results"
    configs = [read_config(path), read_config(later)]
    column = f"{task}: test, click"

    def filled(rest: str, config: str = "small") -> str:
        return fill_placeholders(f"{{{{{config} | {column} | {rest}}}}}", configs, results)

    runs = {line["label"].split("/")[1]: line for line in lines_of(tmp_path) if line["kind"] == "run"}
    row = runs["plm"]["measures"][0]["rows"][0]
    low, high = row["miou_interval"]
    assert filled("plm | miou") == f"{row['miou']:.3f} ({low:.3f} to {high:.3f})"
    (change,) = [d["scores"]["boundary_f1_3"] for d in lines_of(tmp_path) if d.get("row") == "offset"]
    low, high = change["interval"]
    assert filled("offset - plm | boundary_f1_3") == f"{change['value']:+.3f} ({low:+.3f} to {high:+.3f})"
    assert filled("plm | miou", config="later") == "not run"
    assert filled("plm | trained") == f"{runs['plm']['fit']['parameters']['trained']:,}"
    label, class_scores = next(iter(row["per_class"].items()))
    assert filled(f"plm | IoU of {label}") == f"{class_scores['iou']:.3f}"
    assert filled(f"plm | n of {label}") == str(class_scores["n"])

    # Two rows that the config does not compare.
    evaluated = [r for name in ("base", "offset") for r in runs[name]["measures"][0]["rows"]]
    scores = {r["method"]: r["boundary_f1"]["3"] for r in evaluated}
    text = filled("offset - base-single | boundary_f1_3")
    value, low, high = (float(number) for number in re.findall(r"[+-][\d.]+", text))
    assert value == pytest.approx(scores["adapted"] - scores["base-single"], abs=6e-4) and low <= value <= high

    wrong = ("plm | mIoU", "lora | miou", "plm | IoU of hats", "plm - lora | miou", "plm - offset | trained")
    for text in ("small | x | plm | miou", "plm", *(f"small | {column} | {rest}" for rest in wrong)):
        with pytest.raises(ConfigError):
            fill_placeholders(f"{{{{{text}}}}}", configs, results)

    findings = f"It has {{{{small | {column} | plm | miou}}}}."
    for name in ("findings", "details"):
        (tmp_path / f"{name}.md").write_text(findings)
    short, long = write_pages(configs, results, tmp_path, tmp_path)
    page = long.read_text()
    assert f"It has {filled('plm | miou')}." in page and f"It has {filled('plm | miou')}." in short.read_text()
    assert "](results/small.md)" in page
    assert "* `later`" in page.split("## Not run yet")[1]
    picture = page.partition("![mIoU: small](")[2].partition(")")[0]
    write_config_page(configs[0], results)
    assert (tmp_path / picture).is_file()
    cost = page.split("## Cost")[1]
    seconds = sum(line["fit"]["seconds"] for line in runs.values() if line["fit"])
    assert f"| small | 3 of 3 | {duration(seconds)} |" in cost
    assert f"| plm | 1 | {runs['plm']['fit']['config']['precision']} |" in cost
