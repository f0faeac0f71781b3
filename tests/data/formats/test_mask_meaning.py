"""The values and colours of mask pictures are read as what they are, or refused with the table to write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from samtailor.data import Task, inspect_task, load_task, read_image
from tests.data.helpers import data_error, picture, save, write

RED, GREEN, BLUE = (255, 0, 0), (0, 200, 0), (0, 0, 90)


def blocks(*values: int, background: int = 0, size: int = 10) -> np.ndarray:
    """Return a mask (40, 80) with a block of 100 pixels for each value, from left to right, and 64 for the last."""
    labels = np.full((40, 80), background, dtype=np.uint8)
    for n, value in enumerate(values):
        side = size if n + 1 < len(values) or len(values) == 1 else size - 2
        labels[5 : 5 + side, 3 + 12 * n : 3 + 12 * n + side] = value
    return labels


def add(root: Path, masks: list[np.ndarray], suffix: str = "png", **options: object) -> Path:
    """Save each mask with an image of its size."""
    for n, mask in enumerate(masks):
        picture(root / "images" / f"{n}.png", mask.shape[1], mask.shape[0])
        save(root / "masks" / f"{n}.{suffix}", mask, **options)
    return root


def instances(task: Task) -> dict[str, list[tuple[str, int]]]:
    """Return the stem of each image -> class and area of its instances."""
    return {r.path.stem: [(i.label, i.area) for i in r.instances] for r in task.images}


def codes(task: Task) -> dict[str, str]:
    """Return code -> severity of what the reader noted."""
    return {finding.code: finding.severity for finding in task.findings}


def outlined(labels: np.ndarray) -> np.ndarray:
    """Return labels with a line of 255 around each object."""
    grown = ndimage.binary_dilation(labels > 0, iterations=2)
    return np.where(grown & (labels == 0), 255, labels).astype(np.uint8)


def test_shared_values_in_pieces_are_classes_and_the_table_is_ready_to_paste(tmp_path: Path) -> None:
    add(tmp_path, [blocks(1, 2, 1, 4, 2, 4) for _ in range(5)])
    task = load_task(tmp_path)
    assert task.classes == ("class 1", "class 2", "class 4") and "one class per value" in task.format
    assert instances(task)["3"] == [("class 1", 200), ("class 2", 200), ("class 4", 164)]
    (finding,) = [f for f in task.findings if f.code == "unnamed-classes"]
    assert finding.severity == "error" and "All 5 masks share the values 1, 2, 4: classes?" in finding.what
    assert json.loads(finding.hint[finding.hint.index("{") : finding.hint.index("}") + 1])["4"] == "class 4"
    objects = load_task(tmp_path, mask_values="objects")
    assert objects.classes == ("object",) and "unnamed-classes" not in codes(objects)
    assert objects.source["mask_values"] == "objects" and "mask_values" not in task.source


def test_shared_values_in_one_piece_stay_objects_with_a_finding(tmp_path: Path) -> None:
    add(tmp_path, [blocks(1, 2, 3) for _ in range(3)])
    task = load_task(tmp_path)
    assert instances(task)["0"] == [("object", 100), ("object", 100), ("object", 64)]
    assert codes(task)["unnamed-classes"] == "warning"
    assert load_task(tmp_path, mask_values="classes").classes == ("class 1", "class 2", "class 3")
    with data_error("expected auto, objects or classes"):
        load_task(tmp_path, mask_values="class")


def test_values_in_the_order_of_their_places_are_less_likely_classes(tmp_path: Path) -> None:
    add(tmp_path / "ordered", [blocks(1, 2, 3) for _ in range(6)])
    assert codes(load_task(tmp_path / "ordered"))["unnamed-classes"] == "warning"
    add(tmp_path / "mixed", [blocks(*order) for order in ((1, 2, 3), (3, 1, 2), (2, 1, 3)) * 2])
    assert codes(load_task(tmp_path / "mixed"))["unnamed-classes"] == "error"


def test_objects_of_different_number_are_objects_without_a_word(tmp_path: Path) -> None:
    add(tmp_path, [blocks(*range(1, n + 2)) for n in range(5)])
    assert "unnamed-classes" not in codes(load_task(tmp_path))


def test_a_thin_line_of_255_is_void(tmp_path: Path) -> None:
    add(tmp_path, [outlined(blocks(1, 2)), outlined(blocks(1, 2, 3)), outlined(blocks(1))])
    task = load_task(tmp_path)
    assert instances(task)["0"] == [("object", 100), ("object", 64)] and codes(task)["void-border"] == "warning"
    assert instances(task)["2"] == [("object", 100)]


def test_a_large_area_of_255_is_an_object(tmp_path: Path) -> None:
    add(tmp_path, [blocks(100, 255), blocks(100, 255, 20)])
    task = load_task(tmp_path)
    assert instances(task)["0"] == [("object", 100), ("object", 64)] and "void-border" not in codes(task)


@pytest.mark.parametrize("inside", ["", "masks"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classes.json", '{"1": "leaf", "3": "stem"}'),
        ("classes.json", '{"leaf": 1, "stem": 3, "background": 0}'),
        ("classes.json", '["background", "leaf", "gap", "stem"]'),
        ("id2label.json", '{"0": "background", "1": "leaf", "3": "stem"}'),
        ("label2id.json", '{"leaf": 1, "stem": 3}'),
        ("dataset_meta.json", '{"label_map": {"0": "background", "1": "leaf", "3": "stem"}, "background_label": "0"}'),
        ("_classes.csv", "Pixel Value, Class\n0, background\n1, leaf\n3, stem\n"),
        ("classes.csv", "name;id\nleaf;1\nstem;3\n"),
        ("labels.csv", "\ufefflabel,value,r,g,b\nleaf,1,9,9,9\nstem,3,8,8,8\n"),
        ("dataset.json", '{"labels": {"background": 0, "leaf": 1, "stem": 3}, "channel_names": {"0": "rgb"}}'),
        ("labelmap.txt", "background\nleaf\ngap\nstem\n"),
        ("objectInfo150.txt", "Idx\tRatio\tName\n1\t0.1\tleaf\n3\t0.2\tstem\n"),
    ],
)
def test_tables_of_values_name_the_classes(tmp_path: Path, inside: str, name: str, content: str) -> None:
    add(tmp_path, [blocks(1, 3, 1), blocks(3)])
    write(tmp_path / inside / name, content)
    assert instances(load_task(tmp_path)) == {"0": [("leaf", 164), ("stem", 100)], "1": [("stem", 100)]}


def test_a_table_with_a_class_for_0_makes_0_a_class(tmp_path: Path) -> None:
    add(tmp_path, [blocks(1)])
    write(tmp_path / "id2label.json", {"0": "road", "1": "car"})
    assert instances(load_task(tmp_path)) == {"0": [("road", 3100), ("car", 100)]}
    (tmp_path / "id2label.json").rename(tmp_path / "classes.json")
    task = load_task(tmp_path)
    assert instances(task) == {"0": [("car", 100)]} and codes(task)["value-zero"] == "warning"


def test_tables_that_do_not_agree_or_do_not_say_are_refused(tmp_path: Path) -> None:
    for split, name in (("train", "leaf"), ("val", "stem")):
        add(tmp_path / split, [blocks(1)])
        write(tmp_path / split / "_classes.csv", f"value,name\n1,{name}\n")
    with data_error("name different classes", "Write one classes.json"):
        load_task(tmp_path)
    for split in ("train", "val"):
        (tmp_path / split / "_classes.csv").unlink()
    write(tmp_path / "class_names.txt", "leaf\nstem\n")
    with data_error("'leaf' has the value 0 or 1", '{"1": "leaf", "2": "stem"}'):
        load_task(tmp_path)


def test_masks_of_0_and_255_are_the_only_class_of_a_table(tmp_path: Path) -> None:
    add(tmp_path, [blocks(255), blocks(255)])
    write(tmp_path / "classes.json", {"1": "cell"})
    task = load_task(tmp_path)
    assert instances(task)["0"] == [("cell", 100)] and codes(task)["repaired"] == "note"


def test_a_value_without_a_name_leaves_out_one_image_of_many(tmp_path: Path) -> None:
    add(tmp_path, [blocks(1)] * 5 + [blocks(1, 9)])
    write(tmp_path / "classes.json", {"1": "cell"})
    task = load_task(tmp_path)
    assert len(task.images) == 5 and task.format.endswith(", 1 of 6 entries left out")
    (finding,) = [f for f in task.findings if f.code == "broken-entries"]
    assert "the value 9 (64 pixels), which classes.json does not name" in finding.what


def coloured(labels: np.ndarray, *colours: tuple[int, int, int]) -> np.ndarray:
    """Return labels as colours; 0 is the first one."""
    return np.array(colours, dtype=np.uint8)[labels]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("class_dict.csv", "name,r,g,b\nbackground,0,0,0\nleaf,255,0,0\nstem,0,200,0\n"),
        ("class_dict.csv", "name, r, g, b\nleaf, 255, 0, 0\nstem, 0, 200, 0\nunlabeled, 0, 0, 0\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\nleaf:255,0,0::\nstem:0,200,0::\n"),
        ("label_colors.txt", "255 0 0\tleaf\n0 200 0\tstem\n0 0 0\tVoid\n"),
        ("label_colors.txt", "leaf 255 0 0\nstem 0 200 0\n"),
        ("classes.json", '{"leaf": [255, 0, 0], "stem": [0, 200, 0]}'),
        ("classes.json", '{"leaf": "#ff0000", "stem": "#00c800"}'),
        ("colormap.csv", "class,rgb\nleaf,255 0 0\nstem,0 200 0\n"),
        (
            "dataset_meta.json",
            '{"label_map": {"0": "background", "1": "leaf", "2": "stem"}, '
            '"segmentation_colors": [[0, 0, 0], [255, 0, 0], [0, 200, 0]], "background_label": "0"}',
        ),
    ],
)
@pytest.mark.parametrize("palette", [False, True])
def test_tables_of_colours_name_the_classes(tmp_path: Path, name: str, content: str, palette: bool) -> None:
    add(tmp_path, [coloured(blocks(2, 1), (0, 0, 0), RED, GREEN), coloured(blocks(2, 2), (0, 0, 0), RED, GREEN)])
    if palette:
        for path in (tmp_path / "masks").iterdir():
            Image.open(path).quantize(3).save(path)
    write(tmp_path / name, content)
    assert instances(load_task(tmp_path)) == {"0": [("leaf", 64), ("stem", 100)], "1": [("stem", 164)]}


def test_a_white_background_is_background_if_the_table_says_so(tmp_path: Path) -> None:
    add(tmp_path, [coloured(blocks(1, 2), (255, 255, 255), (0, 0, 0), RED)])
    write(tmp_path / "class_dict.csv", "name,r,g,b\nbackground,255,255,255\nink,0,0,0\nleaf,255,0,0\n")
    assert instances(load_task(tmp_path)) == {"0": [("ink", 100), ("leaf", 64)]}


def test_colours_without_a_table_are_refused_with_the_table_to_write(tmp_path: Path) -> None:
    add(tmp_path, [coloured(blocks(1, 2), (0, 0, 0), RED, GREEN)])
    with data_error("have colours", "255,0,0 (100 pixels)", "class_dict.csv", "class 1,255,0,0\n  class 2,0,200,0"):
        load_task(tmp_path)
    write(tmp_path / "class_dict.csv", "name,r,g,b\nbackground,0,0,0\nleaf,255,0,0\n")
    with data_error("it has the colour 0,200,0, which class_dict.csv does not name"):
        load_task(tmp_path)


def test_one_colour_on_black_is_one_object(tmp_path: Path) -> None:
    add(tmp_path, [coloured(blocks(1), (0, 0, 0), RED)])
    assert instances(load_task(tmp_path)) == {"0": [("object", 100)]}


def test_a_photo_or_an_overlay_is_no_mask(tmp_path: Path) -> None:
    add(tmp_path, [np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)])
    with data_error("it looks like a photo or an overlay"):
        load_task(tmp_path)


def with_palette(root: Path, palettes: list[list[tuple[int, int, int]]], masks: list[np.ndarray]) -> Path:
    """Save masks with a palette each."""
    for n, (palette, mask) in enumerate(zip(palettes, masks, strict=True)):
        picture(root / "images" / f"{n}.png", mask.shape[1], mask.shape[0])
        indexed = Image.fromarray(mask)
        indexed.putpalette([part for colour in palette for part in colour])
        (root / "masks").mkdir(exist_ok=True)
        indexed.save(root / "masks" / f"{n}.png")
    return root


def test_indices_count_if_all_palettes_agree_and_begin_with_black(tmp_path: Path) -> None:
    palette = [(0, 0, 0), BLUE, RED, GREEN]
    task = load_task(with_palette(tmp_path, [palette] * 2, [blocks(1, 2), blocks(3)]))
    assert instances(task) == {"0": [("object", 100), ("object", 64)], "1": [("object", 100)]}
    assert "palette-colours" not in codes(task)


def test_palettes_that_differ_go_by_colour_or_are_refused(tmp_path: Path) -> None:
    palettes = [[(0, 0, 0), (128, 0, 0), (0, 128, 0)], [(0, 0, 0), (0, 128, 0), (128, 0, 0)]]
    with_palette(tmp_path, palettes, [blocks(1, 2), blocks(1, 2)])
    with data_error("palettes that differ or do not begin with black", "class_dict.csv"):
        load_task(tmp_path)
    write(tmp_path / "classes.json", {"1": "leaf", "2": "stem"})  # these colours are 1 and 2 in Pascal VOC's palette
    task = load_task(tmp_path)
    assert instances(task) == {"0": [("leaf", 100), ("stem", 64)], "1": [("leaf", 64), ("stem", 100)]}
    assert codes(task)["palette-colours"] == "warning"


def test_a_palette_of_black_and_white_in_any_order_is_one_object(tmp_path: Path) -> None:
    white, black = (255, 255, 255), (0, 0, 0)
    masks = [blocks(0, background=1), blocks(1)]
    task = load_task(with_palette(tmp_path, [[white, black], [black, white]], masks))
    assert instances(task) == {"0": [("object", 100)], "1": [("object", 100)]}


@pytest.mark.parametrize("name", ["smooth.png", "jpeg.jpg", "ex-jpeg.png", "half.png"])
def test_greys_along_edges_are_cut_at_half(tmp_path: Path, name: str) -> None:
    rows, columns = np.mgrid[:96, :128]
    masks = [((rows - 40) ** 2 + (columns - 50 - n) ** 2 < 500 + 9 * n) * np.uint8(255) for n in range(4)]
    for n, mask in enumerate(masks):
        picture(tmp_path / "images" / f"{n}.png", 128, 96)
        path = tmp_path / "masks" / f"{n}{Path(name).suffix}"
        if name == "smooth.png":
            save(path, np.rint(ndimage.gaussian_filter(mask.astype(float), 1.2)).astype(np.uint8))
        elif name == "half.png":
            half = Image.fromarray(mask).resize((64, 48), Image.Resampling.BICUBIC)
            save(path, np.asarray(half.resize((128, 96), Image.Resampling.BILINEAR)))
        else:
            jpeg = save(tmp_path / "a.jpg", mask, quality=80)
            save(path, np.asarray(Image.open(jpeg)), **({"quality": 80} if name == "jpeg.jpg" else {}))
    (tmp_path / "a.jpg").unlink(missing_ok=True)
    task = load_task(tmp_path)
    assert codes(task)["grey-edges"] == "warning"
    for stem, masks_read in instances(task).items():
        true_area = int((masks[int(stem)] > 0).sum())
        assert len(masks_read) == 1 and abs(masks_read[0][1] - true_area) <= 0.03 * true_area


def test_labels_scaled_with_smoothing_and_jpegs_of_labels_are_refused(tmp_path: Path) -> None:
    labels = Image.fromarray(blocks(80, 160, 240, size=12)).resize((200, 100), Image.Resampling.BICUBIC)
    add(tmp_path / "scaled", [np.asarray(labels)])
    with data_error("most of them along edges only", "use nearest neighbour"):
        load_task(tmp_path / "scaled")
    add(tmp_path / "jpeg", [blocks(80, 160, 240)], "jpg")
    with data_error("lossy JPEG"):
        load_task(tmp_path / "jpeg")


def test_many_tiny_objects_are_not_greys_along_edges(tmp_path: Path) -> None:
    labels = np.zeros((64, 64), dtype=np.uint8)
    for n in range(200):
        labels[n // 16 * 4, n % 16 * 4 : n % 16 * 4 + 2] = n + 1
    task = load_task(add(tmp_path, [labels]))
    assert len(instances(task)["0"]) == 200 and "grey-edges" not in codes(task)


def test_many_objects_of_one_value_become_one_instance_each(tmp_path: Path) -> None:
    masks = [blocks(*[255] * n) for n in (3, 4, 5)]
    masks[0][30, 70] = 255  # a speckle belongs to the nearest object
    task = load_task(add(tmp_path, masks))
    assert "one instance per piece" in task.format and codes(task)["split-masks"] == "warning"
    assert [area for _, area in instances(task)["0"]] == [100, 100, 65]
    whole = load_task(tmp_path, split_masks=False)
    assert instances(whole)["0"] == [("object", 265)] and "split-masks" not in codes(whole)


def test_two_pieces_or_pieces_of_different_size_are_only_noted(tmp_path: Path) -> None:
    long = np.zeros((40, 80), dtype=np.uint8)
    long[3, 2:70], long[10, 2:30], long[20:30, 5:70] = 255, 255, 255
    for name, mask in (("two", blocks(255, 255)), ("vessels", long)):
        task = load_task(add(tmp_path / name, [mask] * 3))
        assert len(instances(task)["0"]) == 1 and codes(task)["several-pieces"] == "note"
    assert len(instances(load_task(tmp_path / "two", split_masks=True))["0"]) == 2


def test_pieces_of_classes_are_split_on_request(tmp_path: Path) -> None:
    add(tmp_path, [blocks(1, 2, 1)])
    write(tmp_path / "classes.json", {"1": "leaf", "2": "stem"})
    assert instances(load_task(tmp_path, split_masks=True)) == {"0": [("leaf", 100), ("leaf", 64), ("stem", 100)]}


def rotated(path: Path, turn: int, width: int, height: int) -> None:
    """Save a photo with an EXIF rotation."""
    exif = Image.Exif()
    exif[0x0112] = turn
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((height, width, 3), dtype=np.uint8)).save(path, exif=exif)


@pytest.mark.parametrize("turn", [5, 6, 7, 8])
def test_a_mask_of_the_stored_pixels_is_turned_like_its_image(tmp_path: Path, turn: int) -> None:
    labels = blocks(1, 2)
    rotated(tmp_path / "images" / "a.png", turn, 80, 40)
    exif = Image.Exif()
    exif[0x0112] = turn
    upright = read_image(save(tmp_path / "upright.png", labels, exif=exif))[..., 0]
    (tmp_path / "upright.png").unlink()
    save(tmp_path / "masks" / "a.png", labels)
    task = load_task(tmp_path)
    assert codes(task)["exif-turned"] == "warning"
    assert all((i.mask() == (upright == n)).all() for n, i in enumerate(task.images[0].instances, 1))


def test_a_rotation_that_keeps_the_size_is_noted(tmp_path: Path) -> None:
    rotated(tmp_path / "images" / "a.jpg", 3, 80, 40)
    save(tmp_path / "masks" / "a.png", blocks(1, 2))
    assert codes(load_task(tmp_path))["exif-unclear"] == "warning"


def test_labels_above_65535_are_numbered(tmp_path: Path) -> None:
    labels = blocks(1, 2).astype(np.int32) * 70_000
    assert instances(load_task(add(tmp_path, [labels], "tif"))) == {"0": [("object", 100), ("object", 64)]}


def test_dark_pictures_are_a_finding(tmp_path: Path) -> None:
    add(tmp_path, [blocks(1)])
    save(tmp_path / "images" / "0.png", (np.arange(3200).reshape(40, 80) % 9).astype(np.uint8))
    (finding,) = [f for f in inspect_task(load_task(tmp_path)).findings if f.code == "few-levels"]
    assert finding.severity == "warning" and "uses 9" in finding.what
