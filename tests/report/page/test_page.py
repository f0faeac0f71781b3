"""The report's page: its texts, what it leaves out, and that it is one safe file."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from samtailor.errors import ImageError
from samtailor.evaluation.results import EvaluationSummary, OtherTask, PromptSettings, Results, ScoreRow
from samtailor.evaluation.results_json import read_results
from samtailor.evaluation.study_results import GroupStability, Sensitivity
from samtailor.metrics.bootstrap import UNKNOWN, Estimate
from samtailor.report import page
from samtailor.report.content import PagePictures, Report
from samtailor.report.content_json import read_report
from samtailor.report.page.blocks import Message
from samtailor.report.page.figures import heat_map, mean_inside
from samtailor.report.page.numbers import DASH, score
from samtailor.report.page.render import render_page
from samtailor.report.page.verdict import verdict_of
from samtailor.report.page.warnings import warnings_of
from samtailor.report.page.words import SENSITIVITY
from tests.report.page import page_data
from tests.report.page.page_data import NAN, around, click_map, encoded, evaluation, photograph, with_gain, with_row

VOID = {"meta", "link", "img", "br", "hr", "input"}
RESULTS = Path(__file__).parents[3] / "experiments" / "results" / "evaluations"


class Reader(HTMLParser):
    """Checks that tags are balanced; collects tags, ids and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    def ids(self) -> list[str]:
        return [own["id"] for _, own in self.tags if own.get("id")]  # type: ignore[misc]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def full() -> Report:
    return page_data.report()


@pytest.fixture(scope="module")
def pictures() -> PagePictures:
    return page_data.pictures()


@pytest.fixture(scope="module")
def html(full: Report, pictures: PagePictures) -> str:
    return render_page(full, pictures)


def of(evaluation: EvaluationSummary) -> Report:
    """A report of scores alone."""
    return Report(Results(evaluation))


def with_results(report: Report, **changes: object) -> Report:
    return replace(report, results=replace(report.results, **changes))


def test_contents_list_all_sections(html: str) -> None:
    reader = Reader(html)
    ids = reader.ids()
    keys = "verdict warnings scores classes boundaries prompts clicks click-maps gallery other-tasks fit data making"
    assert ids == keys.split()
    assert [own["href"] for tag, own in reader.tags if tag == "a"][1:] == [f"#{i}" for i in ids]
    assert [tag for tag, _ in reader.tags].count("h1") == 1


def _without(part: str, report: Report, pictures: PagePictures) -> str:
    if part == "click maps":
        return render_page(replace(report, click_maps=()), replace(pictures, crops=()))
    if part == "gallery":
        return render_page(report, replace(pictures, gallery=()))
    if part == "data":
        return render_page(replace(report, inspection=None), pictures)
    if part == "fit":
        return render_page(replace(report, run=None), replace(pictures, curve=None))
    return render_page(with_results(report, **{part: None if part == "sensitivity" else ()}), pictures)


PARTS = {
    "sensitivity": {"prompts", "clicks"},
    "click maps": {"click-maps"},
    "gallery": {"gallery"},
    "also": {"other-tasks"},
    "data": {"data"},
    "fit": {"fit"},
}


@pytest.mark.parametrize("part", PARTS)
def test_missing_parts_have_no_section(full: Report, pictures: PagePictures, html: str, part: str) -> None:
    without = Reader(_without(part, full, pictures))
    assert set(Reader(html).ids()) - set(without.ids()) == PARTS[part]


def test_the_smallest_report() -> None:
    reader = Reader(render_page(of(EvaluationSummary("x"))))
    assert reader.ids() == ["verdict", "making"]
    assert "no instance was scored with both base and adapter" in reader.text
    assert "table" not in {tag for tag, _ in reader.tags}


EVALUATIONS = sorted(p.stem for p in RESULTS.glob("*.json") if p.read_text().startswith("{"))


@pytest.mark.parametrize("name", EVALUATIONS)
def test_kept_results_are_rendered(name: str) -> None:
    """Some of these files are of older versions, without intervals or boundary scores."""
    content = json.loads((RESULTS / f"{name}.json").read_text())
    report = read_report(content) if "evaluation" in content else Report(read_results(content))
    reader = Reader(render_page(report))
    rows = report.results.evaluation.rows
    assert {"verdict", "scores", "making"} <= set(reader.ids())
    assert (
        len(rows) == 4 and f"{score(rows[0].iou_instances.value)} → {score(rows[3].iou_instances.value)}" in reader.text
    )
    assert ("boundaries" in reader.ids()) == (name != "faces_click_float32")
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", reader.text)


@pytest.mark.parametrize("name", ["faces", "nuclei", "plates"])
def test_results_without_intervals_are_rendered(name: str) -> None:
    evaluation = read_results(json.loads((RESULTS / f"{name}_click.json").read_text())).evaluation
    rows = tuple(
        replace(
            row, **{k: Estimate(getattr(row, k).value, NAN, NAN) for k in ("miou", "iou_instances", "boundary_iou")}
        )
        for row in evaluation.rows
    )
    text = Reader(render_page(of(replace(evaluation, rows=rows, gains=())))).text
    assert "may be due to chance" in text and "whiskers" not in text


# The verdict


@pytest.mark.parametrize(
    ("gain", "word", "lead"),
    [
        (0.327, "helps", "The adapter helps:"),
        (0.004, "unclear", "No clear difference:"),
        (-0.05, "hurts", "The adapter hurts:"),
    ],
)
def test_the_verdict_follows_the_interval(gain: float, word: str, lead: str) -> None:
    verdict = verdict_of(evaluation(gain))
    assert (verdict.word, verdict.lead) == (word, lead)
    assert len(verdict.bars) == 2


def test_the_verdict_in_full() -> None:
    text = Reader(render_page(of(evaluation()))).text
    assert (
        "The adapter helps: mean IoU 0.190 → 0.517 on 1,989 test instances (+0.327, 95 % interval +0.312 to +0.342)."
    ) in text


def test_the_verdict_without_an_adapter_or_with_several_prompts() -> None:
    own = evaluation()
    assert "no adapter was scored" in verdict_of(replace(own, rows=own.rows[:3])).rest
    several = replace(own, prompts=PromptSettings("click", 3, 0))
    assert "1,989 prompts on 663 test instances" in verdict_of(several).rest


def test_warnings_come_in_order_of_severity(full: Report) -> None:
    warnings = warnings_of(full)
    assert [w.severity for w in warnings] == ["error", "warning", "warning", "warning"]
    assert "Worse than the base by more than 0.01 in 1 of 18 classes: neck" in warnings[2].what
    assert warnings[3].what.startswith("Forgetting on coco-mini: mean IoU 0.190 → 0.149 (−0.041")


def test_more_warnings() -> None:
    small = with_row(evaluation(n=12), "base-best", iou_instances=Estimate(0.6, 0.588, 0.612))
    small = with_gain(small, "base-single", miou=Estimate(-0.02, -0.03, -0.01))
    small = with_gain(small, "base-best", iou_instances=Estimate(0.372, -0.1, -0.07))
    warnings = warnings_of(Report(Results(small, also=(OtherTask(evaluation(), adapter_off_bit_equal=False),))))
    assert warnings[0].severity == "error" and "adapter off" in warnings[0].what
    text = " ".join(w.what for w in warnings)
    assert "Only 12 test instances" in text and "(mIoU) falls: −0.020" in text
    assert "does not beat base-best: 0.517 against 0.600" in text
    lower = replace(evaluation(), rows=(*evaluation().rows, ScoreRow("adapted-best", 1989, around(0.4), around(0.4))))
    (outranked,) = [w.what for w in warnings_of(Report(Results(lower))) if "outranks" in w.what]
    assert "has 0.400, the adapted mask 0.517" in outranked


# Safety


def test_names_are_escaped(full: Report, pictures: PagePictures) -> None:
    bad = '<script>alert("x")</script>'
    results, sensitivity, data = full.results, full.results.sensitivity, full.inspection
    assert sensitivity is not None and sensitivity.clicks is not None and data is not None
    rows = tuple(replace(r, per_class=r.per_class | {bad: r.per_class["skin"]}) for r in results.evaluation.rows)
    prompts = {
        name: replace(row, by_prompt=row.by_prompt | {bad: Estimate(0.5, 0.4, 0.6)})
        for name, row in sensitivity.rows.items()
    }
    curve = sensitivity.clicks.curve | {f'"/>{bad}': (0.1, 0.2)}
    other = results.also[0]
    hostile = with_results(
        full,
        evaluation=replace(results.evaluation, task=bad, split=bad, class_map=(bad,), rows=rows),
        sensitivity=replace(sensitivity, rows=prompts, clicks=replace(sensitivity.clicks, curve=curve)),
        also=(replace(other, evaluation=replace(other.evaluation, task=bad)),),
    )
    hostile = replace(
        hostile,
        title=bad,
        command=bad,
        settings={bad: bad},
        hardware={"cpu": bad},
        created=f'"{bad}',
        click_maps=(replace(full.click_maps[0], image=bad, label=f'"{bad}'), *full.click_maps[1:]),
        inspection=replace(data, findings=(replace(data.findings[0], what=bad, files=(bad, bad)), *data.findings[1:])),
    )
    first = replace(pictures.gallery[0], image=f'"{bad}', label=bad, group=bad)
    reader = Reader(render_page(hostile, replace(pictures, gallery=(first, *pictures.gallery[1:]))))
    assert "script" not in {tag for tag, _ in reader.tags}
    assert reader.text.count(bad) > 12


def test_no_request_leaves_the_page(html: str) -> None:
    for _, own in Reader(html).tags:
        for key in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            assert not own.get(key) or own[key].startswith(("data:", "#")), own[key]  # type: ignore[union-attr]
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in html and "@import" not in html and "http" not in style
    assert "default-src 'none'" in html and "<script" not in html


# Figures


def test_unknown_figures_are_dashes(html: str) -> None:
    own = evaluation()
    estimates = {"miou": UNKNOWN, "iou_instances": UNKNOWN, "boundary_iou": UNKNOWN}
    rows = tuple(
        replace(
            row, **estimates, dice=NAN, hd95=NAN, boundary_f1={1: NAN}, per_class=dict.fromkeys(row.per_class, blank)
        )
        for row, blank in ((r, replace(r.per_class["skin"], iou=NAN, boundary_iou=NAN)) for r in own.rows)
    )
    gains = tuple(replace(gain, **estimates, better=NAN, worse=NAN) for gain in own.gains)
    for text in (Reader(render_page(of(replace(own, rows=rows, gains=gains, seconds=NAN)))).text, Reader(html).text):
        assert DASH in text and not re.search(r"\bnan\b|\bNone\b|\binf\b", text)


def test_a_class_with_few_instances_is_marked(html: str) -> None:
    text = Reader(html).text.replace("\xa0", " ")
    assert "necklace n = 4, too few" in text and "nose n = 152 0.176" in text


def test_many_classes_show_only_both_ends() -> None:
    own = evaluation()

    def many(row: ScoreRow) -> ScoreRow:
        iou = 0.01 if row.name == "adapted" else 0.0
        blank = row.per_class["skin"]
        return replace(row, per_class={f"c{i}": replace(blank, iou=i * iou, n=9) for i in range(80)})

    text = render_page(of(replace(own, rows=tuple(map(many, own.rows)))))
    assert "15 largest and 15 smallest gains of 80 classes" in text
    assert text.count(">c40<") == 1 and text.count(">c79<") == 2  # the folded table has all


def test_click_maps() -> None:
    clicks = click_map(photograph(None, 0), 0)
    assert mean_inside(clicks, "adapted") > mean_inside(clicks, "base")
    drawn = heat_map(clicks, "base", "alt")
    assert (drawn.width, drawn.height) == (300, 240)
    with pytest.raises(ImageError, match="one row per y"):
        heat_map(replace(clicks, base=((0.1,),)), "base", "alt")
    with pytest.raises(ImageError, match="cannot be read"):
        render_page(of(evaluation()), PagePictures(curve=b"no picture"))


def test_a_small_report_is_small() -> None:
    pictures = PagePictures(curve=encoded(np.zeros((9, 9, 3), np.uint8)))
    assert len(render_page(of(evaluation()), pictures)) < 90_000


# Reading it


def test_every_picture_has_words_and_every_heading_a_scope(html: str) -> None:
    reader = Reader(html)
    assert all(own.get("alt") for tag, own in reader.tags if tag == "img")
    assert all(own.get("scope") in ("row", "col", "rowgroup") for tag, own in reader.tags if tag == "th")
    for tag, own in reader.tags:
        if tag == "svg":
            assert own.get("aria-hidden") == "true" or own.get("aria-label")


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_contrast(theme: str) -> None:
    style = (Path(page.__file__).parent / "templates" / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[("light", "dark", "print").index(theme)]))
    for ground in ("page", "raised"):
        for ink in ("ink", "muted", "accent", "error", "warning", "note"):
            assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for mark in ("base", "accent"):
        assert _contrast(colours[mark], colours["page"]) >= 3, mark


def _contrast(ink: str, ground: str) -> float:
    """WCAG 2 contrast of two colours ``#rrggbb``."""
    levels = []
    for colour in (ink, ground):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        levels.append(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    return (max(levels) + 0.05) / (min(levels) + 0.05)


def test_a_loss_for_one_kind_of_prompt_is_a_warning(full: Report) -> None:
    sensitivity = full.results.sensitivity
    assert sensitivity is not None

    def warnings(high: float) -> list[Message]:
        loss = GroupStability(mean=Estimate(-0.2, -0.3, high))
        paired = sensitivity.paired | {"base-single": sensitivity.paired["base-single"] | {"box": loss}}
        report = with_results(full, sensitivity=replace(sensitivity, paired=paired))
        return [w for w in warnings_of(report) if "kind" in w.what]

    (warning,) = warnings(-0.1)
    assert "box" in warning.what and "--prompts interactive" in warning.hint
    assert warnings(0.1) == []


@pytest.mark.parametrize(
    ("adapted", "first"), [((0.6, 0.55, 0.5), "click 3"), ((0.3, 0.3, 0.3), "click 1"), ((0.6, 0.4, 0.7), None)]
)
def test_a_base_that_ends_ahead_after_clicks_is_a_warning(
    full: Report, adapted: tuple[float, ...], first: str | None
) -> None:
    sensitivity = full.results.sensitivity
    assert sensitivity is not None and sensitivity.clicks is not None
    curve = {"base-single": (0.4, 0.5, 0.6), "adapted": adapted}
    clicks = replace(sensitivity.clicks, curve=curve)
    warnings = warnings_of(with_results(full, sensitivity=replace(sensitivity, clicks=clicks)))
    texts = [w.what for w in warnings if "corrective" in w.what]
    assert texts == [] if first is None else first in texts[0]


def test_an_empty_study_has_no_section(full: Report) -> None:
    empty = with_results(full, sensitivity=Sensitivity())
    assert not {"prompts", "clicks"} & set(Reader(render_page(empty)).ids())


def test_every_figure_of_stability_has_a_meaning() -> None:
    assert [f.name for f in fields(GroupStability)] == list(SENSITIVITY)
