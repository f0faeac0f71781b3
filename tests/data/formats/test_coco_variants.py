"""Harmless variants of COCO are read as what they mean; contradictions become findings; broken entries are left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samtailor.data import Finding, Task, load_task
from samtailor.errors import DataError
from tests.data.helpers import data_error, picture, write

NAMES = ("a.png", "b.png", "c.png", "d.png")
POLYGON = [2, 1, 7, 1, 7, 4, 2, 4]  # 15 pixels
RLE = {"size": [8, 12], "counts": [10, 5, 81]}  # 5 pixels
Change = Callable[[dict[str, Any]], object]


def document() -> dict[str, Any]:
    """Return four images of 12 x 8 pixels with one mask each."""
    annotation = {"category_id": 1, "segmentation": [POLYGON], "area": 15, "bbox": [2, 1, 5, 3], "iscrowd": 0}
    return {
        "images": [{"id": n, "file_name": name, "width": 12, "height": 8} for n, name in enumerate(NAMES)],
        "annotations": [{"id": n, "image_id": n, **annotation} for n in range(len(NAMES))],
        "categories": [{"id": 1, "name": "leaf"}],
    }


def load(root: Path, change: Change, **options: Any) -> Task:
    """Write the document after a change, and load it."""
    data = document()
    change(data)
    for name in NAMES:
        picture(root / "images" / name)
    return load_task(write(root / "result.json", data), **options)


def every(key: str, **values: Any) -> Change:
    """Return a change of every entry of a list."""
    return lambda data: [entry.update(values) for entry in data[key]]


def masks(segmentation: Any, **values: Any) -> Change:
    return every("annotations", segmentation=segmentation, **values)


def first(**values: Any) -> Change:
    """Return a change of the first annotation."""
    return lambda data: data["annotations"][0].update(values)


def renamed(pattern: str) -> Change:
    """Return a change of the file names; ``{}`` is the name, ``{stem}`` the name without its suffix."""
    return lambda data: [
        image.update(file_name=pattern.format(image["file_name"], stem=image["file_name"][:-4]))
        for image in data["images"]
    ]


def without(list_name: str, key: str) -> Change:
    return lambda data: [entry.pop(key) for entry in data[list_name]]


def finding(task: Task, code: str) -> Finding:
    return next(finding for finding in task.findings if finding.code == code)


REPAIRED: dict[str, Change] = {
    "polygon without the outer list: 4": masks(POLYGON),
    "polygon without the outer list: 1": first(segmentation=[[2, 1], [7, 1], [7, 4], [2, 4]]),
    "polygon of pairs [x, y]: 4": masks([[[2, 1], [7, 1], [7, 4], [2, 4]]]),
    "polygon of pairs [x, y]: 1": first(segmentation=[[{"x": x, "y": y} for x, y in ((2, 1), (7, 1), (7, 4), (2, 4))]]),
    "segmentation as text: 4": masks(f"[{POLYGON}]"),
    "polygon of fewer than three points left out of a mask: 4": masks([POLYGON, [1, 1, 2, 2]]),
    "annotations as an object, not a list: 1": lambda data: data.update(
        annotations={str(a["id"]): a for a in data["annotations"]}
    ),
    "images as an object, not a list: 1": lambda data: data.update(images={str(i["id"]): i for i in data["images"]}),
    "annotation id missing, repeated or no number: 4": without("annotations", "id"),
    "annotation id missing, repeated or no number: 3": every("annotations", id=7),
    "image listed twice: 1": lambda data: data["images"].append({**data["images"][0], "id": 9}),
    "no categories: one class without a name: 1": lambda data: data.pop("categories"),
    "width and height exchanged: 4": lambda data: (
        every("images", width=8, height=12)(data),
        masks([[2, 1, 11, 1, 11, 3, 9.5, 3, 9.5, 1.5, 2, 1.5]], bbox=None, area=None)(data),
    ),
    "stated size of an image that its masks do not have: 4": lambda data: (
        every("images", width=100)(data),
        masks({"size": [8, 12], "counts": [10, 15, 71]}, bbox=None)(data),
    ),
    "file name with folders that are not here: 4": renamed("/home/ana/images/{}"),
    "file name with folders that are not here: 4 ": renamed("..\\..\\media\\{}"),
    "file name with folders that are not here: 4  ": renamed("C:\\Users\\ana\\{}"),
    "file name with folders that are not here: 4   ": renamed("s3://bucket/plants/{}"),
    "file name in other letter case: 4": renamed("{stem}.PNG"),
    "file name with another suffix: 4": renamed("{stem}.jpg"),
    "file name encoded for the web: 4": renamed("my%20plants%2F{}"),
    "web address as file name: 4": renamed("https://example.org/data/{}?token=1"),
    "file name of Label Studio: 4": renamed("/data/local-files/?d={}"),
    "file name of Label Studio: 4 ": renamed("/data/upload/3/1a2b3c4d-{}"),
}


@pytest.mark.parametrize("what", REPAIRED)
def test_variants_with_one_meaning_are_read_with_a_note(tmp_path: Path, what: str) -> None:
    task = load(tmp_path, REPAIRED[what])
    code = "repaired-path" if "file name" in what else "repaired"
    words = what.strip() if code == "repaired" else f"({what.split(':')[0]})"
    assert words in finding(task, code).what and finding(task, code).severity == "note"
    assert finding(task, code).count == int(what.rsplit(":", 1)[1]) or code == "repaired"
    if "exchanged" not in what:
        assert [[i.area for i in record.instances] for record in task.images] == [[15]] * 4
    assert [f.code for f in task.findings] == [code]
    ids = [i.id for records in task.splits.values() for record in records for i in record.instances]
    assert len(set(ids)) == 4


SILENT: dict[str, Change] = {
    "text ids": lambda data: (
        [image.update(id=f"frame_{image['id']}") for image in data["images"]],
        [a.update(image_id=f"frame_{a['image_id']}") for a in data["annotations"]],
    ),
    "numbers as text": lambda data: (
        [a.update(image_id=str(a["image_id"]), category_id="1") for a in data["annotations"]],
        every("images", width="12", height="8")(data),
    ),
    "float numbers": every("images", width=12.0, height=8.0),
    "sizes of zero": every("images", width=0, height=0),
    "sizes of null": every("images", width=None, height=None),
    "no sizes": lambda data: (without("images", "width")(data), without("images", "height")(data)),
    "null iscrowd": every("annotations", iscrowd=None),
    "no iscrowd": without("annotations", "iscrowd"),
    "boolean iscrowd": every("annotations", iscrowd=False),
    "no area": without("annotations", "area"),
    "area of the box": masks([[2, 1, 7, 1, 7, 4, 2, 4]], area=15.2),
    "categories by id": lambda data: data.update(categories={"1": "leaf"}),
    "no category_id, one class": without("annotations", "category_id"),
    "path instead of file_name": lambda data: [image.update(path=image.pop("file_name")) for image in data["images"]],
}


@pytest.mark.parametrize("what", SILENT)
def test_harmless_variants_are_read_without_a_word(tmp_path: Path, what: str) -> None:
    task = load(tmp_path, SILENT[what])
    assert not task.findings
    assert [[(i.label, i.area) for i in record.instances] for record in task.images] == [[("leaf", 15)]] * 4


def test_several_classes_without_categories_are_an_error_with_the_lines_to_add(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        del data["categories"]
        data["annotations"][0]["category_id"] = 7

    with data_error("category_ids 1, 7", '"categories": [{"id": 1, "name": "class 1"}, {"id": 7, "name": "class 7"}]'):
        load(tmp_path, change)


def test_one_broken_entry_is_left_out_and_named(tmp_path: Path) -> None:
    task = load(tmp_path, first(segmentation=[[1, 1, 2, 2]]))
    assert "1 of 8 entries left out" in task.format
    assert "annotation 0 on 'a.png': cannot be used: a polygon has 4 numbers" in finding(task, "broken-entries").what


def test_an_empty_mask_with_an_infinite_box_gets_no_advice_about_boxes(tmp_path: Path) -> None:
    task = load(tmp_path, first(segmentation=[], bbox=[float("inf"), float("inf"), 0, 0]))
    assert "--boxes-as-masks" not in finding(task, "broken-entries").hint
    task = load(tmp_path, first(segmentation=[]))
    assert "--boxes-as-masks" in finding(task, "broken-entries").hint


def test_many_broken_entries_are_an_error_unless_they_are_skipped(tmp_path: Path) -> None:
    change = renamed("no-{}")
    with data_error("4 of 8 entries", "no image is left", "no-a.png is missing (with its 1 annotation)"):
        load(tmp_path, change)

    def three(data: dict[str, Any]) -> None:
        for annotation in data["annotations"][:3]:
            annotation["category_id"] = 5

    task = load(tmp_path, three, skip_broken=True)
    assert "3 of 8 entries left out" in task.format and sum(len(r.instances) for r in task.images) == 1


def test_a_name_that_two_files_have_is_not_guessed(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        picture(tmp_path / folder / "x.png")
    task = load(tmp_path, lambda data: data["images"][0].update(file_name="x.png"))
    assert "2 files have this name" in finding(task, "broken-entries").what


def test_two_names_are_not_one_file(tmp_path: Path) -> None:
    task = load(tmp_path, lambda data: data["images"][1].update(file_name="elsewhere/a.png"))
    assert "is also that of 'a.png'" in finding(task, "broken-entries").what


def brush(count: int, **values: Any) -> Change:
    """Return a change of the first masks to RLE with ``iscrowd`` 1."""
    return lambda data: [
        a.update(segmentation=RLE, iscrowd=1, bbox=[1, 2, 1, 5], area=5, **values) for a in data["annotations"][:count]
    ]


@pytest.mark.parametrize(
    ("change", "options", "objects"),
    [
        (brush(4), {}, True),
        (brush(3), {}, True),
        (brush(1, attributes={"occluded": False}), {}, True),
        (every("annotations", iscrowd=1), {}, True),
        (brush(1), {}, False),
        (brush(1), {"crowds": "objects"}, True),
        (brush(4), {"crowds": "keep"}, False),
        (lambda data: (brush(2)(data), data["annotations"][1].update(iscrowd=0)), {}, False),
    ],
)
def test_brush_masks_are_told_from_crowd_regions(
    tmp_path: Path, change: Change, options: dict[str, Any], objects: bool
) -> None:
    if options == {"crowds": "keep"}:
        with data_error("no instance"):
            load(tmp_path, change, **options)
        return
    task = load(tmp_path, change, **options)
    assert any(i.crowd for record in task.images for i in record.instances) != objects
    assert [f.code for f in task.findings] == ([] if options else ["crowd-flags"])
    assert task.source.get("crowds", "auto") == options.get("crowds", "auto")


def test_rare_crowd_regions_need_no_word(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["annotations"] += [{**data["annotations"][0], "id": n} for n in range(100, 130)]
        brush(1)(data)

    task = load(tmp_path, change)
    assert [f.code for f in task.findings] == ["repeated-instance"]
    assert sum(i.crowd for record in task.images for i in record.instances) == 1


def test_polygons_of_a_larger_picture_are_an_error_finding(tmp_path: Path) -> None:
    task = load(tmp_path, masks([[4, 2, 20, 2, 20, 14, 4, 14]], bbox=[4, 2, 16, 12], area=192))
    odd = finding(task, "outside-image")
    assert (odd.severity, odd.count) == ("error", 4)
    assert "of 4; first: annotation" in odd.what and "x 4 to 20, y 2 to 14" in odd.what
    task = load(tmp_path, masks([[2, 1, 13, 1, 13, 4, 2, 4]], bbox=None, area=None))
    assert not task.findings, "tools round outwards by a pixel or two"


def test_polygons_are_scaled_to_a_picture_that_is_smaller_than_stated(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        every("images", width=24, height=16)(data)
        masks([[4, 2, 14, 2, 14, 8, 4, 8]], bbox=[4, 2, 10, 6], area=60)(data)

    task = load(tmp_path, change)
    assert [i.area for record in task.images for i in record.instances] == [15] * 4
    assert (finding(task, "scaled").severity, finding(task, "scaled").count) == ("warning", 4)


@pytest.mark.parametrize("values", [{"bbox": [2, 1, 30, 40]}, {"area": 1500}, {"bbox": [8, 1, 3, 7]}])
def test_stored_values_that_differ_from_the_masks_are_counted(tmp_path: Path, values: dict[str, Any]) -> None:
    odd = finding(load(tmp_path, every("annotations", **values)), "stored-values")
    assert (odd.severity, odd.count) == ("warning", 4) and "of 4; first: annotation" in odd.what


def test_errors_have_short_lines_whatever_the_file_holds(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path, renamed("z" * 100_000 + "{}"))
    assert max(len(line) for line in str(caught.value).splitlines()) < 1000
