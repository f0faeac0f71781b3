"""The contact sheet of a task: which images it shows, colours, legend, small masks, memory."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from samtailor.data import inspect_task, load_task
from samtailor.data.doctor.examples import choose_examples
from samtailor.data.findings import Finding
from samtailor.data.pixels.rle import run_lengths
from samtailor.data.task import ImageRecord, Instance, Task
from samtailor.drawing.lettering import drawable, fitted, font_of_size, text_width
from samtailor.drawing.paint import COLOURS, class_colours
from samtailor.drawing.preview import GAP, SIDE, draw_preview, legend_of, write_preview
from samtailor.drawing.thumbnails import _touched, small_masks, small_picture
from samtailor.drawing.tiles import draw_tile
from samtailor.errors import DataError


def instance(mask: np.ndarray, label: str = "a", number: int = 1, crowd: bool = False) -> Instance:
    rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return Instance(number, label, rle, int(mask.sum()), crowd)


def square(top: int, left: int, side: int, height: int = 48, width: int = 64) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def record(path: Path, *instances: Instance) -> ImageRecord:
    if not path.exists():
        Image.new("RGB", (64, 48), (200, 200, 200)).save(path)
    return ImageRecord(path, 64, 48, instances)


@pytest.fixture
def many(tmp_path: Path) -> Task:
    """40 train images of class a; class b is in one of them; one val and one test image."""
    train = [record(tmp_path / f"{k}.png", instance(square(5, 5, 20), "b" if k == 17 else "a")) for k in range(40)]
    val, test = (record(tmp_path / f"{name}.png", instance(square(5, 5, 20))) for name in ("val", "test"))
    return Task("many", tmp_path, "made", ("a", "b"), {"train": tuple(train), "val": (val,), "test": (test,)})


def test_every_split_class_and_kind_of_finding_is_seen(many: Task) -> None:
    files = [str(many.splits["train"][k].path) for k in (3, 4, 5)]
    findings = [
        Finding("error", "unreadable", "", (files[0],), 1, ""),
        Finding("note", "thin", "", tuple(files[1:]), 2, ""),
    ]
    for count in (5, 12):
        examples = choose_examples(many, findings, count)
        assert len(examples) == count and len({e.record.path for e in examples}) == count
        assert {e.split for e in examples} == {"train", "val", "test"}
        assert {i.label for e in examples for i in e.record.instances} == {"a", "b"}
        assert {f.code for e in examples for f in e.findings} == {"unreadable", "thin"}
        places = [many.images.index(e.record) for e in examples]
        assert places == sorted(places)
    assert len(choose_examples(many, (), 1)) == 1
    assert len(choose_examples(many, (), 200)) == 42


def test_the_choice_does_not_depend_on_the_order_of_files(many: Task) -> None:
    turned = replace(many, splits={split: records[::-1] for split, records in many.splits.items()})
    chosen = ({e.record.path for e in choose_examples(task, (), 8)} for task in (many, turned))
    assert next(chosen) == next(chosen)


def test_small_masks_equal_large_ones_at_the_same_size() -> None:
    masks = [square(5, 8, 20), square(10, 14, 6), square(0, 60, 4)]
    owner = small_masks([instance(m) for m in masks], 48, 64)
    for number in (2, 3):
        assert np.array_equal(owner == number, masks[number - 1])
    assert np.array_equal(owner > 0, masks[0] | masks[1] | masks[2])


def test_a_mask_smaller_than_a_pixel_of_the_thumbnail_is_still_seen() -> None:
    mask = np.zeros((4000, 3000), bool)
    mask[1999, 1501] = True
    owner = small_masks([instance(mask)], 40, 30)
    assert owner.sum() == 1 and owner[19, 15] == 1
    thin = np.zeros((4000, 3000), bool)
    thin[:, 1500:1503] = True
    assert (small_masks([instance(thin)], 40, 30) > 0).any(axis=1).all()
    assert (small_masks([instance(thin.T)], 30, 40) > 0).any(axis=0).all()
    assert small_masks([instance(np.zeros((40, 30), bool))], 40, 30).sum() == 0
    assert (small_masks([instance(np.ones((4000, 3000), bool))], 40, 30) == 1).all()


def test_the_pixels_that_a_mask_touches_are_those_of_the_whole_mask() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((60, 90)) < 0.004
        mask[:, 40:43] |= rng.random() < 0.5
        expected = mask.reshape(6, 10, 9, 10).any(axis=(1, 3))
        ends = np.cumsum(run_lengths(instance(mask).rle))
        assert np.array_equal(_touched(ends, 60, 6, 0.1, 9), expected)


def test_small_pictures_have_the_asked_size_and_are_upright(tmp_path: Path) -> None:
    pixels = np.zeros((600, 1200, 3), np.uint8)
    pixels[:, :600] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    turned = small_picture(tmp_path / "a.jpg", 100)
    assert turned.shape == (100, 50, 3)
    assert turned[5, 25, 0] > 240 and turned[95, 25, 0] < 15
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert small_picture(tmp_path / "a.png", 100).shape == (50, 100, 3)
    Image.new("L", (30, 20), 7).save(tmp_path / "small.png")
    enlarged = small_picture(tmp_path / "small.png", 100)
    assert enlarged.shape == (60, 90, 3) and (enlarged == 7).all()


def test_masks_have_the_colour_of_their_class_and_crowds_are_grey(tmp_path: Path) -> None:
    image = record(
        tmp_path / "x.png",
        instance(square(4, 4, 16), "b"),
        instance(square(4, 30, 16), "a"),
        instance(square(30, 4, 12), "a", crowd=True),
    )
    task = Task("t", tmp_path, "made", ("a", "b"), {"train": (image,)})
    tile = draw_tile(task, choose_examples(task, (), 1)[0], 256)
    line = {name: tile.picture[4 * y, 4 * x].tolist() for name, y, x in (("b", 4, 4), ("a", 4, 30), ("crowd", 30, 4))}
    assert line == {"b": COLOURS[1].tolist(), "a": COLOURS[0].tolist(), "crowd": [150, 156, 166]}
    assert (tile.name, tile.content, tile.trouble) == ("train: x.png", "2 objects, 1 crowd region: b, a", "")


def test_class_colours_differ() -> None:
    colours = class_colours(60)
    assert len({tuple(c) for c in colours.tolist()}) == 60
    assert np.array_equal(colours[:8], COLOURS) and class_colours(3).shape == (3, 3)


def test_the_legend_counts_by_class_and_split(many: Task) -> None:
    rows = [(name, counts) for _, name, counts in legend_of(many)]
    assert rows == [("a", "41 (train 39, val 1, test 1)"), ("b", "1 (train 1)")]


def test_a_sheet_of_hostile_names_and_broken_files(tmp_path: Path) -> None:
    names = ("\x1b]0;x\x07", "細胞", "a" * 300, "\udce9", "two\nlines", "<b>")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    images = [ImageRecord(tmp_path / "broken.png", 64, 48, (instance(square(1, 1, 9), names[0]),))]
    images += [record(tmp_path / f"{k}.png", instance(square(4, 4, 20), name)) for k, name in enumerate(names)]
    task = Task("\x1b[2J\udce9", tmp_path, "made", names, {"train": tuple(images)})
    sheet = draw_preview(task, images=7)
    assert sheet.shape[1] == 4 * SIDE + 5 * GAP and sheet.dtype == np.uint8
    tiles = [draw_tile(task, example, 64) for example in choose_examples(task, (), 7)]
    assert [tile.trouble for tile in tiles if "broken" in tile.name] == ["unreadable"]


@pytest.mark.parametrize("images", [0, 201, -1])
def test_a_wrong_number_of_images_is_refused(many: Task, images: int) -> None:
    with pytest.raises(DataError, match="Choose 1 to 200"):
        draw_preview(many, images=images)


def test_a_task_of_many_classes_has_a_bounded_legend(tmp_path: Path) -> None:
    image = record(tmp_path / "x.png", instance(square(4, 4, 16), "7"))
    task = Task("t", tmp_path, "made", tuple(map(str, range(5000))), {"train": (image,)})
    assert draw_preview(task).shape[0] < 3000


def test_texts_fit_and_have_no_empty_boxes() -> None:
    font = font_of_size(14)
    assert drawable("Zellkérn ωmega", font) == "Zellkérn ωmega"
    assert drawable("\U0010fffd", font) == r"\u10fffd"
    for keep_end in (True, False):
        short = fitted("a long name of a file that takes more room.png", font, 120, keep_end=keep_end)
        assert text_width(short, font) <= 120 and "..." in short and short.endswith(".png") == keep_end


def test_the_sample_as_a_file(tmp_path: Path) -> None:
    task = load_task("sample")
    path = write_preview(task, tmp_path / "new" / "sample.png", images=3, findings=inspect_task(task).findings)
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.width == 3 * SIDE + 4 * GAP


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory with getrusage")
def test_large_photos_take_little_memory(tmp_path: Path) -> None:
    """A JPEG of 48 million pixels, 144 MB when decoded."""
    (tmp_path / "images").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    polygon = [[100, 100, 7000, 200, 4000, 5000]]
    for split in ("train", "val", "test"):
        Image.fromarray(noise).resize((8000, 6000)).save(tmp_path / "images" / f"{split}.jpg", quality=50)
        image = {"id": 1, "file_name": f"{split}.jpg", "width": 8000, "height": 6000}
        annotation = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": polygon, "iscrowd": 0}
        content = {"images": [image], "annotations": [annotation], "categories": [{"id": 1, "name": "a"}]}
        (tmp_path / f"{split}.json").write_text(json.dumps(content))
    code = """
import resource, sys
from samtailor.data import load_task
from samtailor.drawing.preview import draw_preview
task = load_task(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
draw_preview(task)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * UNIT)
"""
    unit = "1" if sys.platform == "darwin" else "1024"
    command = [sys.executable, "-c", code.replace("UNIT", unit), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60e6
