"""The sections of pictures: click maps and the gallery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samtailor.report.page.blocks import Block, Grid, Pictures, Section, Text
from samtailor.report.page.figures import click_map, colour_bar, mean_inside, picture
from samtailor.report.page.numbers import higher, score, signed

__all__ = ["click_maps", "gallery"]

_GROUPS = {
    "best": "Best, by the adapted model's IoU",
    "median": "Median, by the adapted model's IoU",
    "worst": "Worst, by the adapted model's IoU",
    "most gained": "Most gained over base-single",
    "most lost": "Most lost against base-single",
}


def click_maps(data: Mapping[str, Any]) -> Section | None:
    """For some instances: the picture, and the IoU by place of the click, base beside adapted."""
    items = data.get("click_maps") or []
    if not items:
        return None
    rows = []
    for item in items:
        name = f"{item.get('label', '')} in {item.get('image', '')}"
        means = {m: mean_inside(item, m) for m in ("base", "adapted")}
        panels = [picture(item["picture"], f"{name}, the truth outlined")] if item.get("picture") else []
        for method, mean in means.items():
            alt = f"{method}: IoU by place of the click on {name}; mean of the clicks inside the mask {score(mean)}"
            panels.append(click_map(item, method, alt))
        change = signed(higher(means["adapted"], means["base"]))
        caption = f"Clicks inside the mask: mean IoU {score(means['base'])} → {score(means['adapted'])} ({change})."
        rows.append((name, caption, panels))
    words = Text(
        "Each cell is one click at that place; its colour is the IoU of the mask that came back. The white line is the "
        "true outline. An even, bright map means that it does not matter where in the object a person clicks."
    )
    pictured = len(rows[0][2]) == 3
    heads = [*(["picture, truth outlined"] if pictured else []), "base", "adapted"]
    return Section("click-maps", "Click maps", [words, Grid(heads, rows, colour_bar(), "IoU of the mask")])


def gallery(data: Mapping[str, Any]) -> Section | None:
    """Examples by group, in the order in which the groups come."""
    items = [i for i in data.get("gallery") or [] if i.get("picture")]
    if not items:
        return None
    blocks: list[Block] = [Text("From left to right: truth, base, adapted; all under the same prompt.")]
    for group in dict.fromkeys(str(i.get("group", "")) for i in items):
        shown = []
        for item in items:
            if str(item.get("group", "")) != group:
                continue
            scores = item.get("scores") or {}
            before, after = scores.get("base-single"), scores.get("adapted")
            heading = f"{item.get('label', '')}: {score(before)} → {score(after)} ({signed(higher(after, before))})"
            alt = f"{group}: {item.get('label', '')} in {item.get('image', '')}, truth, base and adapted mask"
            shown.append(picture(item["picture"], alt, heading, str(item.get("image", ""))))
        blocks.append(Pictures(_GROUPS.get(group, group.capitalize()), shown))
    return Section("gallery", "Gallery", blocks)
