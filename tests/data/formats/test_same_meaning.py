"""Tables, encodings, names and coordinates in other spellings that have only one meaning are read to the pixel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from samtailor.data import Task, load_task
from samtailor.data.images import read_image
from tests.data.formats.scenes import HEIGHT, WIDTH, check_scenes, coloured, label_map, mask_of, photo, scene
from tests.data.formats.test_coco_exports import coco, photos
from tests.data.formats.test_yolo_exports import pairs
from tests.data.helpers import data_error, save, write

CLASSES = {"leaf": 1, "stem": 2}


def codes(task: Task) -> list[str]:
    return [finding.code for finding in task.findings]


def pascal_folder(root: Path, stem: str = "a{}") -> dict[str, int]:
    """Save four scenes as JPEGImages/ and SegmentationClass/."""
    for n in range(4):
        photo(root / "JPEGImages" / f"{stem.format(n)}.jpg")
        save(root / "SegmentationClass" / f"{stem.format(n)}.png", label_map(n, CLASSES))
    return {stem.format(n): n for n in range(4)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes.txt", "background\nleaf\nstem\n"),
        ("classes.json", '{"1": "leaf", "2": "stem"}'),
        ("id2label.json", '{"0": "background", "1": "leaf", "2": "stem"}'),
        ("labels.txt", "_background_\nleaf\nstem\n"),
        ("class_names.txt", "_background_\nleaf\nstem\n"),
    ],
)
def test_a_pascal_folder_with_any_table_has_its_classes(tmp_path: Path, name: str, content: str) -> None:
    numbers = pascal_folder(tmp_path)
    write(tmp_path / name, content)
    task = load_task(tmp_path)
    check_scenes(task, numbers)
    assert task.classes == ("leaf", "stem") and task.findings == ()


def test_a_pascal_folder_with_a_table_of_colours(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "JPEGImages" / f"a{n}.jpg")
        save(tmp_path / "SegmentationClass" / f"a{n}.png", coloured(n, {"leaf": (128, 64, 0), "stem": (0, 0, 192)}))
    write(tmp_path / "class_dict.csv", "name,r,g,b\nbackground,0,0,0\nleaf,128,64,0\nstem,0,0,192\n")
    check_scenes(load_task(tmp_path), {f"a{n}": n for n in range(4)})


def test_names_of_pascal_for_other_images_are_a_warning(tmp_path: Path) -> None:
    pascal_folder(tmp_path / "own")
    task = load_task(tmp_path / "own")
    (finding,) = task.findings
    assert (finding.code, finding.severity) == ("pascal-names", "warning")
    assert '{"1": "aeroplane"' in finding.hint and "classes.json" in finding.hint
    pascal_folder(tmp_path / "published", "2007_00000{}")
    assert load_task(tmp_path / "published").findings == ()


@pytest.mark.parametrize("name", ["codes.txt", "classes.txt"])
def test_names_in_order_with_background(tmp_path: Path, name: str) -> None:
    for n in range(4):
        photo(tmp_path / "images" / f"a{n}.png")
        save(tmp_path / "labels" / f"a{n}_P.png", label_map(n, CLASSES))
    write(tmp_path / name, "Void\nleaf\nstem\n")
    check_scenes(load_task(tmp_path), {f"a{n}": n for n in range(4)})


def test_names_in_order_without_background_name_no_values(tmp_path: Path) -> None:
    for n in range(4):
        photo(tmp_path / "images" / f"a{n}.png")
        save(tmp_path / "masks" / f"a{n}.png", np.where(label_map(n) == 1, 255, 0).astype(np.uint8))
    write(tmp_path / "classes.txt", "leaf\nstem\n")
    assert load_task(tmp_path).classes == ("object",)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_coco_in_another_encoding(tmp_path: Path, encoding: str) -> None:
    names = {n: f"a{n}.png" for n in range(3)}
    photos(tmp_path, names.values())
    content = json.dumps(coco(names), ensure_ascii=False).replace('"leaf"', '"Blätter für Öl"')
    (tmp_path / "annotations.json").write_bytes(content.encode(encoding))
    task = load_task(tmp_path)
    assert sorted(task.classes) == ["Blätter für Öl", "stem"]
    assert sum(len(record.instances) for record in task.images) == 6
    assert ("encoding" in codes(task)) == (encoding != "utf-8-sig")


@pytest.mark.parametrize("names", ["'leaf, stem'", "'[leaf, stem]'", "leaf,stem", "\"'leaf', 'stem'\""])
def test_yolo_names_as_one_text(tmp_path: Path, names: str) -> None:
    pairs(tmp_path, "train/images", "train/labels", range(3))
    write(tmp_path / "data.yaml", f"train: train/images\nnc: 2\nnames: {names}\n")
    check_scenes(load_task(tmp_path), {f"a{n}": n for n in range(3)})


def test_polygons_as_fractions_of_the_image(tmp_path: Path) -> None:
    names = {n: f"a{n}.png" for n in range(3)}
    photos(tmp_path, names.values())
    content = coco(names)
    for annotation in content["annotations"]:
        (polygon,) = annotation["segmentation"]
        annotation["segmentation"] = [[v / (HEIGHT if n % 2 else WIDTH) for n, v in enumerate(polygon)]]
        del annotation["bbox"]
    write(tmp_path / "annotations.json", content)
    task = load_task(tmp_path)
    check_scenes(task, {f"a{n}": n for n in names})
    (finding,) = task.findings
    assert finding.code == "repaired" and "coordinates between 0 and 1, as fractions of the image: 3" in finding.what


def turned_photos(root: Path, orientation: int) -> dict[str, Any]:
    """Save photos with an EXIF rotation, whose stored pixels are the scenes, and return their COCO content."""
    names = {n: f"a{n}.jpg" for n in range(3)}
    for n, name in names.items():
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for shape in scene(n):
            pixels[mask_of(shape)] = 255
        exif = Image.Exif()
        exif[0x112] = orientation
        save(root / "images" / name, pixels, exif=exif, quality=100, subsampling=0)
    return coco(names)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_masks_drawn_before_the_exif_rotation_are_turned(tmp_path: Path, orientation: int) -> None:
    write(tmp_path / "annotations.json", turned_photos(tmp_path, orientation))
    task = load_task(tmp_path)
    assert "exif-turned" in codes(task) and "stored-values" not in codes(task)
    for record in task.images:
        assert (record.width, record.height) == (HEIGHT, WIDTH) and len(record.instances) == 2
        shown = read_image(record.path)[..., 0] > 127
        assert (np.any([i.mask() for i in record.instances], axis=0) == shown).all()


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "web page"),
    ],
)
def test_files_that_stand_in_for_others_are_named(tmp_path: Path, content: bytes, cause: str) -> None:
    for n in range(2):
        save(tmp_path / "masks" / f"{n}.png", label_map(n))
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / f"{n}.jpg").write_bytes(content)
    with data_error("0.jpg", "1.jpg", "no image is left", cause):
        load_task(tmp_path)
    photo(tmp_path / "other" / "a.jpg")
    (tmp_path / "other" / "annotations.json").write_bytes(content)
    with data_error("annotations.json", cause):
        load_task(tmp_path / "other")


def test_masks_of_another_size_than_all_images_are_listed(tmp_path: Path) -> None:
    names = {n: f"a{n}.png" for n in range(2)}
    photos(tmp_path, names.values())
    content = coco(names)
    for image in content["images"]:
        image.update(width=2 * WIDTH, height=3 * HEIGHT)
    write(tmp_path / "annotations.json", content)
    with data_error("2 of 6 entries", "no image is left", f"states {2 * WIDTH} x {3 * HEIGHT} pixels"):
        load_task(tmp_path)
