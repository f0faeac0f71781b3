"""The report's page: what it says, what it leaves out, and that it is one safe file."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samtailor.errors import ImageError
from samtailor.report import page
from samtailor.report.page.charts import bars, difference_axis, difference_scale, differences, lines
from samtailor.report.page.figures import click_map as draw_click_map
from samtailor.report.page.figures import mean_inside
from samtailor.report.page.numbers import DASH, count, duration, interval, score, share, signed
from samtailor.report.page.render import render_page
from samtailor.report.page.verdict import verdict_of
from samtailor.report.page.warnings import warnings_of
from samtailor.report.page.words import listed
from tests.report.page.page_data import NAN, click_map, data, encoded, evaluation, photograph

VOID = {"meta", "link", "img", "br", "hr", "input"}
RESULTS = Path(__file__).parents[3] / "experiments" / "results" / "evaluations"


class Reader(HTMLParser):
    """Checks that tags are balanced and gathers what the tests ask for."""

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
def full() -> dict[str, Any]:
    return data()


@pytest.fixture(scope="module")
def html(full: dict[str, Any]) -> str:
    return render_page(full)


def test_all_sections_stand_in_the_contents(html: str) -> None:
    reader = Reader(html)
    ids = reader.ids()
    wanted = "verdict warnings scores classes boundaries prompts clicks click-maps gallery other-tasks fit data making"
    assert ids == wanted.split()
    assert [own["href"] for tag, own in reader.tags if tag == "a"][1:] == [f"#{i}" for i in ids]
    assert [tag for tag, _ in reader.tags].count("h1") == 1


PARTS = {
    "sensitivity": {"prompts", "clicks"},
    "click_maps": {"click-maps"},
    "gallery": {"gallery"},
    "also": {"other-tasks"},
    "data": {"data"},
}


@pytest.mark.parametrize("key", PARTS)
def test_what_is_absent_has_no_section(full: dict[str, Any], html: str, key: str) -> None:
    without = Reader(render_page({k: v for k, v in full.items() if k != key}))
    assert set(Reader(html).ids()) - set(without.ids()) == PARTS[key]


def test_only_what_is_required() -> None:
    reader = Reader(render_page({"evaluation": {"task": "x", "rows": []}}))
    assert reader.ids() == ["verdict", "making"]
    assert "no instance was scored with both base and adapter" in reader.text
    assert "table" not in {tag for tag, _ in reader.tags}


@pytest.mark.parametrize("name", ["faces", "nuclei", "plates"])
def test_results_without_intervals_still_render(name: str) -> None:
    found = json.loads((RESULTS / f"{name}_click.json").read_text())
    for row in found["rows"]:
        for key in [k for k in row if k.endswith("_interval")]:
            del row[key]
    text = Reader(render_page({"evaluation": found | {"gains": []}})).text
    assert "chance is not ruled out" in text and "whiskers" not in text


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
    text = Reader(render_page({"evaluation": evaluation()})).text
    assert (
        "The adapter helps: mean IoU 0.190 → 0.517 on 1,989 test instances (+0.327, 95 % interval +0.312 to +0.342)."
    ) in text


def test_the_verdict_without_an_adapter_or_with_several_prompts() -> None:
    own = evaluation()
    own["rows"] = own["rows"][:3]
    assert "no adapter was scored" in verdict_of(own).rest
    own = evaluation()
    own["prompts"]["per_instance"] = 3
    assert "1,989 prompts on 663 test instances" in verdict_of(own).rest


def test_warnings_come_ranked(full: dict[str, Any]) -> None:
    found = warnings_of(full)
    assert [f["severity"] for f in found] == ["error", "warning", "warning", "warning"]
    assert "Worse than the base by over 0.01 in 1 of 18 classes: neck" in found[2]["what"]
    assert found[3]["what"].startswith("Forgetting on coco-mini: mean IoU 0.190 → 0.149 (−0.041")


def test_more_warnings() -> None:
    small = evaluation(n=12)
    small["rows"][1]["iou_instances"] = 0.6
    small["gains"][0] |= {"miou": -0.02, "miou_interval": [-0.03, -0.01]}
    small["gains"][1]["iou_instances_interval"] = [-0.1, -0.07]
    other = evaluation() | {"adapter_off_bit_equal": False}
    found = warnings_of({"evaluation": small, "also": [other]})
    assert found[0]["severity"] == "error" and "adapter off" in found[0]["what"]
    text = " ".join(f["what"] for f in found)
    assert "Only 12 test instances" in text and "base-best is not beaten" in text and "(mIoU) falls: −0.020" in text


# Safety


def test_names_are_escaped(full: dict[str, Any]) -> None:
    bad = '<script>alert("x")</script>'
    hostile = copy.deepcopy(full)
    hostile |= {"title": bad, "command": bad, "settings": {bad: bad}, "hardware": {"cpu": bad}, "created": f'"{bad}'}
    own = hostile["evaluation"]
    own |= {"task": bad, "split": bad, "map": [bad]}
    for row in own["rows"]:
        row["per_class"][bad] = {"iou": 0.5, "n": 9}
    hostile["gallery"][0] |= {"image": f'"{bad}', "label": bad, "group": bad}
    hostile["click_maps"][0] |= {"image": bad, "label": f'"{bad}'}
    hostile["also"][0]["task"] = bad
    for method in hostile["sensitivity"]["methods"].values():
        method["by_prompt"][bad] = {"value": 0.5, "interval": [0.4, 0.6]}
    hostile["sensitivity"]["clicks_to_quality"]["curve"][f'"/>{bad}'] = [0.1, 0.2]
    hostile["data"]["findings"][0] |= {"what": bad, "files": [bad, [bad, bad]]}
    reader = Reader(render_page(hostile))
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


def test_missing_figures_are_dashes(full: dict[str, Any]) -> None:
    blank = json.loads(json.dumps(full["evaluation"]), parse_float=lambda _: NAN)
    text = Reader(render_page({"evaluation": blank})).text
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", text)
    page_text = Reader(render_page(full)).text
    assert DASH in page_text and not re.search(r"\bnan\b|\bNone\b", page_text)


def test_how_figures_are_written() -> None:
    assert (score(0.5166), score(NAN), score(None), score("x"), score(-0.0001)) == ("0.517", DASH, DASH, DASH, "0.000")
    assert (signed(0.3271), signed(-0.012), signed(0.0)) == ("+0.327", "−0.012", "0.000")
    assert (count(1989), count(None), share(0.714)) == ("1,989", DASH, "71.4 %")
    assert (interval([0.2, 0.1]), interval([NAN, 1]), interval(None)) == ("0.100 to 0.200", "", "")
    assert (duration(2707.6), duration(3.21), duration(7260), duration(None)) == (
        "45 min 8 s",
        "3.2 s",
        "2 h 1 min",
        DASH,
    )
    assert (listed("ab"), listed("abc"), listed("abcdefgh")) == ("a and b", "a, b and c", "a, b, c, d, e, f and 2 more")


def test_a_class_with_few_instances_is_marked(html: str) -> None:
    text = Reader(html).text.replace("\xa0", " ")
    assert "necklace n = 4, too few" in text and "nose n = 152 0.176" in text


def test_many_classes_show_only_the_ends() -> None:
    own = evaluation()
    for row in own["rows"]:
        row["per_class"] = {f"c{i}": {"iou": i / 100 if row["method"] == "adapted" else 0, "n": 9} for i in range(80)}
    text = render_page({"evaluation": own})
    assert "15 largest and 15 smallest gains of 80 classes" in text
    assert text.count(">c40<") == 1 and text.count(">c79<") == 2  # the folded table has all


@pytest.mark.parametrize(("value", "ends"), [(0.5, (0.4, 0.6)), (1.3, (-0.2, 1.7)), (-0.3, (-2.0, -1.0)), (None, None)])
def test_nothing_is_drawn_outside_the_plot(value: float | None, ends: tuple[float, float] | None) -> None:
    drawings = [
        bars([("base-single", value, ends), ("adapted", value, ends)]),
        differences(value, ends, (-0.02, 0.05)),
        lines([("adapted", [value, None, value])], [1, 2, 3], label="", x_title="", y_title=""),
    ]
    for drawing in drawings:
        places = [float(p) for p in re.findall(r'(?:x|x1|x2|cx|cy|y1|y2)="(-?[\d.]+)%"', str(drawing))]
        assert places and all(0 <= p <= 100 for p in places)
        width = re.findall(r'rect[^>]* width="(-?[\d.]+)%"', str(drawing))
        assert all(0 <= float(w) <= 100 for w in width)


def test_the_scale_of_differences() -> None:
    assert difference_scale([0.31, 0.342, None]) == (0, 0.4)
    assert difference_scale([-0.01, 0.06]) == (-0.02, 0.1)
    assert difference_scale([]) == (-0.02, 0.02)
    assert "−0.02" in difference_axis((-0.02, 0.1)) and ">+0.1<" in difference_axis((-0.02, 0.1))


def test_click_maps() -> None:
    item = click_map(photograph(None, 0), 0)
    assert mean_inside(item, "adapted") > mean_inside(item, "base")
    shown = draw_click_map(item, "base", "alt")
    assert (shown.width, shown.height) == (300, 240)
    with pytest.raises(ImageError, match="one row per y"):
        draw_click_map(item | {"base": [[0.1]]}, "base", "alt")
    with pytest.raises(ImageError, match="cannot be read"):
        render_page({"evaluation": evaluation(), "curve": b"no picture"})


def test_a_small_report_is_small() -> None:
    assert len(render_page({"evaluation": evaluation(), "curve": encoded(np.zeros((9, 9, 3), np.uint8))})) < 90_000


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


def _contrast(one: str, other: str) -> float:
    """WCAG 2 contrast of two colours ``#rrggbb``."""
    levels = []
    for colour in (one, other):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        levels.append(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    return (max(levels) + 0.05) / (min(levels) + 0.05)


def test_kinds_of_prompt_that_lose_are_warned_of(full: dict[str, Any]) -> None:
    data = copy.deepcopy(full)
    loss = {"mean": {"value": -0.2, "interval": [-0.3, -0.1]}}
    data["sensitivity"]["paired"]["adapted - base-single"]["box"] = loss
    (warning,) = [w for w in warnings_of(data) if "kind" in w["what"]]
    assert "box" in warning["what"] and "--prompts mix" in warning["hint"]
    data["sensitivity"]["paired"]["adapted - base-single"]["box"]["mean"]["interval"] = [-0.3, 0.1]
    assert not [w for w in warnings_of(data) if "kind" in w["what"]]


@pytest.mark.parametrize(
    ("adapted", "first"), [([0.6, 0.55, 0.5], "click 3"), ([0.3, 0.3, 0.3], "click 1"), ([0.6, 0.4, 0.7], None)]
)
def test_corrections_that_the_base_takes_better(full: dict[str, Any], adapted: list[float], first: str | None) -> None:
    data = copy.deepcopy(full)
    data["sensitivity"]["clicks_to_quality"]["curve"] = {"base-single": [0.4, 0.5, 0.6], "adapted": adapted}
    found = [w["what"] for w in warnings_of(data) if "corrective" in w["what"]]
    assert found == [] if first is None else first in found[0]
