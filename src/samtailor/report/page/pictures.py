"""The sections of pictures: click maps and the gallery."""

from __future__ import annotations

from collections.abc import Sequence

from samtailor.evaluation.study_results import ClickMap
from samtailor.report.content import GalleryPicture
from samtailor.report.page.blocks import Block, Grid, Picture, Pictures, Section, Text
from samtailor.report.page.figures import Side, colour_bar, heat_map, mean_inside, picture
from samtailor.report.page.numbers import difference, score, signed

__all__ = ["click_maps", "gallery"]

_GROUPS = {
    "best": "Best, by the adapted model's IoU",
    "median": "Median, by the adapted model's IoU",
    "worst": "Worst, by the adapted model's IoU",
    "most gained": "Largest gain over base-single",
    "most lost": "Largest loss against base-single",
}
_SIDES: tuple[Side, ...] = ("base", "adapted")


def click_maps(maps: Sequence[ClickMap], crops: Sequence[bytes]) -> Section | None:
    """For some instances: the image, and the IoU by position of the click, base and adapted side by side.

    ``crops`` has one picture per click map, or is empty.
    """
    if not maps:
        return None
    rows = []
    drawn: Sequence[bytes | None] = crops or [None] * len(maps)
    for clicks, crop in zip(maps, drawn, strict=True):
        name = f"{clicks.label} in {clicks.image}"
        panels = [] if crop is None else [picture(crop, f"{name}, the truth outlined")]
        panels += [_panel(clicks, side, name) for side in _SIDES]
        before, after = (mean_inside(clicks, side) for side in _SIDES)
        change = signed(difference(after, before))
        rows.append((name, f"Clicks inside the mask: mean IoU {score(before)} → {score(after)} ({change}).", panels))
    words = Text(
        "Each square is one click at that position; its colour is the IoU of the mask that it returned. The white line "
        "is the true outline. If a map is evenly bright, it does not matter where on the object you click."
    )
    heads = [*(["image, truth outlined"] if crops else []), "base", "adapted"]
    return Section("click-maps", "Click maps", [words, Grid(heads, rows, colour_bar(), "IoU of the mask")])


def _panel(clicks: ClickMap, side: Side, name: str) -> Picture:
    mean = score(mean_inside(clicks, side))
    alt = f"{side}: IoU by position of the click on {name}; mean of the clicks inside the mask {mean}"
    return heat_map(clicks, side, alt)


def gallery(examples: Sequence[GalleryPicture]) -> Section | None:
    """Examples by group, in the order in which the groups come."""
    if not examples:
        return None
    blocks: list[Block] = [Text("From left to right: truth, base, adapted. All use the same prompt.")]
    for group in dict.fromkeys(example.group for example in examples):
        shown = [_example(example) for example in examples if example.group == group]
        blocks.append(Pictures(_GROUPS.get(group, group.capitalize()), shown))
    return Section("gallery", "Gallery", blocks)


def _example(example: GalleryPicture) -> Picture:
    before, after = example.base_iou, example.adapted_iou
    heading = f"{example.label}: {score(before)} → {score(after)} ({signed(difference(after, before))})"
    alt = f"{example.group}: {example.label} in {example.image}, truth, base and adapted mask"
    return picture(example.picture, alt, heading, example.image)
