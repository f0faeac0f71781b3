"""``samtailor predict`` on many images: what is read, what is written, what happens to a bad file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from samtailor import Predictor
from samtailor.bases.base import Base
from samtailor.data.task import Task
from samtailor.embeddings.cache import EmbeddingCache
from tests.cli.conftest import Ran

Predict = Callable[..., Ran]


@pytest.fixture
def predict(run: Callable[..., Ran], tiny_sam_folder: Path, tmp_path: Path) -> Predict:
    """Run the command on the tiny base, writing to ``out`` unless told otherwise."""

    def predict(*words: str | Path, out: Path = tmp_path / "out") -> Ran:
        return run("predict", *words, "--base", tiny_sam_folder, "--out", out, cache=tmp_path / "cache")

    return predict


@pytest.fixture
def photos(shapes: Task, tmp_path: Path) -> Path:
    """A folder with two images of the same name in folders, one above them, and files that are no images."""
    folder = tmp_path / "photos"
    for number, name in enumerate(("top.png", "a/same.png", "b/same.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shapes.split("train")[number].path, folder / name)
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


@pytest.fixture
def expected(tiny_sam: Base, cache: EmbeddingCache, photos: Path) -> Callable[..., np.ndarray]:
    """The best mask of each prompt, from Python."""

    def expected(name: str, **prompt: object) -> np.ndarray:
        found = Predictor(tiny_sam, None, cache).predict(**prompt, image=photos / name)
        return found.masks[np.arange(len(found.iou)), found.iou.argmax(1)]

    return expected


def mask(path: Path) -> np.ndarray:
    picture = np.asarray(Image.open(path))
    assert set(np.unique(picture)) <= {0, 255}
    return picture > 0


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("words", ["folder", "glob", "nested glob", "files"])
def test_folders_patterns_and_files_of_the_same_name_do_not_overwrite_each_other(
    predict: Predict, photos: Path, expected: Callable[..., np.ndarray], tmp_path: Path, words: str
) -> None:
    images = {
        "folder": [photos],
        "glob": [f"{photos}/*.png", f"{photos}/*/*.png"],
        "nested glob": [f"{photos}/**/*.png"],
        "files": [photos / "top.png", photos / "a" / "same.png", photos / "b" / "same.png"],
    }[words]
    done = predict(*images, "--point", "20,20")
    assert done.returncode == 0, done.stderr
    ends = ("_mask_0.png", "_overlay.png")
    assert written(tmp_path / "out") == {f"{name}{end}" for name in ("top", "a/same", "b/same") for end in ends}
    for name in ("top", "a/same", "b/same"):
        found = mask(tmp_path / "out" / f"{name}_mask_0.png")
        np.testing.assert_array_equal(found, expected(f"{name}.png", points=[[20, 20]])[0])
    assert ("Left out: 1 file in the folders that cannot be an image" in done.stdout) == (words == "folder")
    assert "3 masks of 3 images, 6 files" in done.stdout


def test_images_that_differ_in_their_suffix_alone_get_files_of_their_own(
    predict: Predict, photos: Path, tmp_path: Path
) -> None:
    Image.open(photos / "top.png").save(photos / "top.bmp")
    done = predict(photos / "top.png", photos / "top.bmp", photos / "top.png", "--point", "9,9", "--overlay", "none")
    assert done.returncode == 0, done.stderr
    assert written(tmp_path / "out") == {"top.png_mask_0.png", "top.bmp_mask_0.png"}


def test_results_inside_the_folder_are_not_taken_for_images(predict: Predict, photos: Path) -> None:
    out = photos / "out"
    for _ in range(2):
        done = predict(photos, "--point", "9,9", out=out)
        assert "3 masks of 3 images" in done.stdout
    assert len(written(out)) == 6


def test_bad_files_do_not_stop_the_others_and_are_listed(predict: Predict, photos: Path, tmp_path: Path) -> None:
    (photos / "broken.png").write_bytes(b"nothing")
    (photos / "half.png").write_bytes((photos / "top.png").read_bytes()[:-900])
    Image.new("RGB", (10, 10)).save(photos / "tiny.png")
    done = predict(photos, photos / "absent.png", "--point", "20,20", "--overlay", "none")
    assert done.returncode == 1
    assert "4 of 7 images failed" in done.stdout and "Traceback" not in done.stderr
    for name, reason in (("broken.png", ""), ("half.png", ""), ("absent.png", ""), ("tiny.png", "outside the image")):
        assert any(name in line and reason in line for line in done.stdout.splitlines())
    assert written(tmp_path / "out") == {"top_mask_0.png", "a/same_mask_0.png", "b/same_mask_0.png"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("PHOTOS/*.jpg", "--point", "1,1"), "No file matches"),
        (("EMPTY", "--point", "1,1"), "holds no image"),
        (("--point", "1,1"), "No image was given"),
        (("PHOTOS/top.png", "--point", "1,1,2"), "label 2"),
        (("PHOTOS", "--point", "1,1", "--format", "jpg"), "'jpg'"),
        (("PHOTOS", "--point", "1,1", "--overlay", "big"), "'big'"),
        (("PHOTOS", "--point", "1,1", "--prompts", "p.csv"), "twice"),
        (("--prompts", "absent.csv"), "absent.csv"),
    ],
)
def test_mistakes_are_found_before_a_model_is_loaded(
    predict: Predict,
    photos: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("samtailor.cli.opening.open_base", lambda *_: pytest.fail("the model was loaded"))
    done = predict(*(w.replace("PHOTOS", str(photos)).replace("EMPTY", str(tmp_path / "empty")) for w in words))
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr


CSV = """image,x,y,label,prompt
top.png,20,20,1,one
top.png,5,5,0,one
top.png,50,30,1,two
a/same.png,30,20,,only
elsewhere.png,1,1,1,x
"""


def test_prompts_of_a_table(
    predict: Predict, photos: Path, expected: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    (photos / "clicks.csv").write_text(CSV, encoding="utf-8-sig")
    done = predict(photos, "--prompts", photos / "clicks.csv")
    assert done.returncode == 0, done.stderr
    assert "Left out: 1 image without prompts" in done.stdout and "elsewhere.png" in done.stdout
    top = expected("top.png", points=[[[20, 20], [5, 5]], [[50, 30]]], labels=[[1, 0], [1]])
    for number in (0, 1):
        np.testing.assert_array_equal(mask(tmp_path / "out" / f"top_mask_{number}.png"), top[number])
    a = expected("a/same.png", points=[[30, 20]])
    np.testing.assert_array_equal(mask(tmp_path / "out" / "a" / "same_mask_0.png"), a[0])
    assert not any("b/" in name for name in written(tmp_path / "out"))


def test_a_table_names_its_images_itself(predict: Predict, photos: Path, tmp_path: Path) -> None:
    (photos / "clicks.csv").write_text(CSV)
    done = predict("--prompts", photos / "clicks.csv", "--overlay", "none")
    assert done.returncode == 1 and "1 of 3 images failed" in done.stdout and "elsewhere.png" in done.stdout
    assert written(tmp_path / "out") == {"top_mask_0.png", "top_mask_1.png", "a/same_mask_0.png"}


def coco_boxes(photos: Path) -> Path:
    """Boxes of two images in a COCO json."""
    images = [
        {"id": 7, "file_name": "a/same.png"},
        {"id": 3, "file_name": "top.png"},
        {"id": 4, "file_name": "none.png"},
    ]
    boxes = [(7, [5, 5, 20, 20], 2), (3, [10, 10, 40, 30], 2), (7, [30, 4, 20, 40], 9)]
    annotations = [
        {"id": i, "image_id": image, "bbox": box, "category_id": category}
        for i, (image, box, category) in enumerate(boxes)
    ]
    categories = [{"id": 2, "name": "disc"}, {"id": 9, "name": "bar"}]
    path = photos / "boxes.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def test_coco_boxes_in_and_coco_masks_out(
    predict: Predict, photos: Path, expected: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    done = predict("--prompts", coco_boxes(photos), "--format", "coco", "--format", "rle", "--overlay", "none")
    assert done.returncode == 0, done.stderr
    assert written(tmp_path / "out") == {"coco.json", "rle.json"}
    truth = {
        7: expected("a/same.png", boxes=[[5, 5, 25, 25], [30, 4, 50, 44]]),
        3: expected("top.png", boxes=[[10, 10, 50, 40]]),
    }
    coco = COCO(str(tmp_path / "out" / "coco.json"))
    assert {i: coco.imgs[i]["file_name"] for i in coco.imgs} == {7: "a/same.png", 3: "top.png"}
    assert (coco.imgs[7]["width"], coco.imgs[7]["height"]) == (64, 48)
    assert {c["id"]: c["name"] for c in coco.cats.values()} == {2: "disc", 9: "bar"}
    for image, masks in truth.items():
        annotations = coco.imgToAnns[image]
        assert [a["category_id"] for a in annotations] == ([2, 9] if image == 7 else [2])
        for annotation, right in zip(annotations, masks, strict=True):
            np.testing.assert_array_equal(coco.annToMask(annotation) > 0, right)
            assert annotation["area"] == right.sum() and isinstance(annotation["score"], float)
    results = coco.loadRes(str(tmp_path / "out" / "rle.json"))
    assert len(results.anns) == 3
    for row in json.loads((tmp_path / "out" / "rle.json").read_text()):
        right = truth[row["image_id"]][row["prompt"]]
        np.testing.assert_array_equal(coco_mask.decode(row["segmentation"]) > 0, right)
        assert row["file_name"] in ("a/same.png", "top.png")


def test_labels_hold_the_number_of_the_prompt(predict: Predict, photos: Path, tmp_path: Path) -> None:
    boxes = [[0, 0, 63, 47], [5, 5, 25, 25], [30, 4, 50, 44]]
    words = [word for box in boxes for word in ("--box", ",".join(map(str, box)))]
    done = predict(photos / "top.png", *words, "--format", "labels", "--format", "png", "--multimask")
    assert done.returncode == 0, done.stderr
    labels = np.asarray(Image.open(tmp_path / "out" / "top_labels.png"))
    assert labels.dtype == np.uint8 and labels.shape == (48, 64)
    assert len([name for name in written(tmp_path / "out") if "_mask_" in name]) == 9
    for number in range(1, 4):
        masks = [mask(tmp_path / "out" / f"top_mask_{number - 1}_{j}.png") for j in range(3)]
        assert any((m | (labels != number)).all() for m in masks), "a label lies in one of the prompt's masks"


def test_a_second_run_keeps_what_is_there_and_skips_it_if_told(
    predict: Predict, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formats = ("--point", "20,20", "--format", "png", "--format", "coco")
    done = predict(photos / "top.png", *formats)
    assert done.returncode == 0, done.stderr
    first = json.loads((tmp_path / "out" / "coco.json").read_text())
    assert f"{tmp_path / 'out' / 'coco.json'}  (all masks)" in done.stdout
    time = (tmp_path / "out" / "top_mask_0.png").stat().st_mtime_ns
    done = predict(photos, *formats, "--skip-existing")
    assert "2 masks of 2 images" in done.stdout and "left out 1 image whose results were there" in done.stdout
    assert (tmp_path / "out" / "top_mask_0.png").stat().st_mtime_ns == time
    second = json.loads((tmp_path / "out" / "coco.json").read_text())
    assert {i["file_name"] for i in second["images"]} == {"top.png", "a/same.png", "b/same.png"}
    assert second["annotations"][0] == first["annotations"][0]
    assert len({i["id"] for i in second["images"]}) == 3
    again = predict(photos, *formats)
    assert "3 masks of 3 images" in again.stdout
    assert json.loads((tmp_path / "out" / "coco.json").read_text()) == second
    (tmp_path / "out" / "coco.json").write_text("[1]")
    refused = predict(photos, *formats)
    assert (refused.returncode, "coco.json exists and is not" in refused.stderr) == (2, True)


def test_a_stopped_run_has_written_its_json(
    predict: Predict, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samtailor.report import predictions

    read = predictions.read_picture

    def stop_at_the_third(path: Path) -> object:
        if path.name == "top.png":
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(predictions, "read_picture", stop_at_the_third)
    done = predict(photos / "a", photos / "b", photos / "top.png", "--point", "20,20", "--format", "coco")
    assert done.returncode == 130
    assert len(json.loads((tmp_path / "out" / "coco.json").read_text())["images"]) == 2


def test_warnings_on_prompts_are_counted_at_the_end(predict: Predict, photos: Path) -> None:
    done = predict(photos, "--box", "-2,5,40,40", "--overlay", "none")
    assert done.returncode == 0
    assert done.stdout.count("clipped") == 1 and "(3 images)" in done.stdout
    assert "PromptWarning" not in done.stderr
