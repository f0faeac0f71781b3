"""Finding images, and reading their prompts from files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtailor.errors import DataError, PromptError, SamtailorError
from samtailor.frames import Frame
from samtailor.prediction.coco_prompts import coco_prompts
from samtailor.prediction.csv_prompts import csv_prompts
from samtailor.prediction.jobs import PromptRow, checked_groups
from samtailor.prediction.match import jobs_of_file
from samtailor.prediction.prompt_file import PromptFile, read_prompt_file
from samtailor.prediction.sources import Source, find_sources

FILE = Path("prompts.csv")
BOX = PromptRow(box=(1, 2, 3, 4))


def click(x: float, y: float, label: int = 1, category: str | None = None) -> PromptRow:
    return PromptRow(((x, y),), (label,), None, category)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


# Images


def test_names_are_unique_and_follow_the_folders(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.jpg", "x/sub/a.jpg", "y/a.jpg", "y/b.PNG", "y/b.jpg")
    found = find_sources([tmp_path / "x", tmp_path / "y" / "a.jpg", tmp_path / "y" / "b.PNG", tmp_path / "y" / "b.jpg"])
    assert [(s.name, s.stem) for s in found.images] == [
        ("x/a.jpg", "x/a"),
        ("sub/a.jpg", "sub/a"),
        ("y/a.jpg", "y/a"),
        ("b.PNG", "b.PNG"),
        ("b.jpg", "b.jpg"),
    ]
    assert [s.name for s in find_sources([tmp_path / "x"]).images] == ["a.jpg", "sub/a.jpg"]


def test_a_file_named_twice_is_one_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.png")
    monkeypatch.chdir(tmp_path)
    found = find_sources(["a.png", "./a.png", tmp_path, f"{tmp_path}/*.png"]).images
    assert [(s.path, s.name) for s in found] == [(Path("a.png"), "a.png")]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].png", "a1.png")
    assert [s.name for s in find_sources([tmp_path / "a[1].png"]).images] == ["a[1].png"]


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    touch(tmp_path, "photos/a.png")
    assert [s.name for s in find_sources(["~/photos", "~/photos/*.png"]).images] == ["a.png"]


@given(st.lists(st.sampled_from(["a.png", "a.jpg", "a.png.jpg", "d/a.png", "D/a.png", "e/d/a.png", "e/b.png"])))
def test_no_two_images_share_a_name_or_stem(names: list[str]) -> None:
    found = find_sources(Path("/absent") / name for name in names).images
    assert len(found) == len(set(names))
    assert len({s.stem for s in found}) == len({s.name for s in found}) == len(found)


# Tables


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("image,x,y\na.png,1,2\na.png,3,4\n", {"a.png": (click(1, 2), click(3, 4))}),
        (
            "image,x,y,label,prompt\na.png,1,2,1,k\nb.png,5,6,1,k\na.png,3,4,0,k\n",
            {"a.png": (PromptRow(((1, 2), (3, 4)), (1, 0)),), "b.png": (click(5, 6),)},
        ),
        ("image,x0,y0,x1,y1\na.png,1,2,3,4\n", {"a.png": (BOX,)}),
        (
            "Filename,XMin,YMin,XMax,YMax,Class\na.png,1,2,3,4,cat\n",
            {"a.png": (PromptRow(box=BOX.box, category="cat"),)},
        ),
        ("image,x1,y1,x2,y2\na.png,1,2,3,4\n", {"a.png": (BOX,)}),
        ("image,x,y,w,h\na.png,1,2,2,2\n", {"a.png": (BOX,)}),
        ("image;x;y\na.png;1,5;2\n\n", {"a.png": (click(1.5, 2),)}),
        ("image\tx\ty\na b.png\t1\t2\n", {"a b.png": (click(1, 2),)}),
        ('image,x,y\n"a,b.png",1,2\n', {"a,b.png": (click(1, 2),)}),
        (
            "image,prompt,x,y,label,x0,y0,x1,y1\na.png,1,,,,1,2,3,4\na.png,1,2,3,0,,,,\na.png,2,5,5,1,,,,\n",
            {"a.png": (PromptRow(((2, 3),), (0,), BOX.box), click(5, 5))},
        ),
        ("image,x,y,class\na.png,1,2,cat\n", {"a.png": (click(1, 2, category="cat"),)}),
    ],
)
def test_tables_are_read(text: str, rows: dict[str, tuple[PromptRow, ...]]) -> None:
    assert csv_prompts(FILE, text) == rows
    assert csv_prompts(FILE, text.replace("\n", "\r\n")) == rows


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "columns none"),
        ("name,x,y\na,1,2\n", "columns name, x, y"),
        ("image,x\na,1\n", "columns image, x"),
        (
            "image,x,y\na,1,two\nb,nan,2\n/,1,1\n",
            r"3 wrong entries: row 2: y is 'two'.*row 3: x is nan.*row 4: it names",
        ),
        ("image,x,y\na,1\n", "row 2: y is ''"),
        ("image,x,y\na,,\n", "neither a click nor a box"),
        ("image,x,y,label\na,1,2,0\n", "background click needs the column prompt"),
        ("image,x,y,label\na,1,2,3\n", "label is 3"),
        ("image,prompt,x0,y0,x1,y1\na,k,1,2,3,4\na,k,1,2,3,5\n", "image a, prompt k: it has 2 boxes"),
    ],
)
def test_wrong_tables_name_their_rows(text: str, match: str) -> None:
    with pytest.raises(PromptError, match=match):
        csv_prompts(FILE, text)


def test_long_lists_of_faults_are_cut() -> None:
    with pytest.raises(PromptError, match=r"100 wrong entries.*and 80 more") as caught:
        csv_prompts(FILE, "image,x,y\n" + "a,b,c\n" * 100)
    assert len(str(caught.value)) < 2000


@given(st.text(alphabet='image,xy01\n"; \t', max_size=60), st.binary(max_size=40))
def test_any_table_is_read_or_refused(text: str, content: bytes) -> None:
    for table in (text, f"image,x,y,label,prompt\n{text}", content.decode("latin-1")):
        try:
            csv_prompts(FILE, table)
        except PromptError as error:
            assert "prompts.csv" in str(error)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_spreadsheets_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "p.csv").write_text("image,x,y\nZellkérn.png,1,2\n", encoding=encoding)
    assert dict(read_prompt_file(tmp_path / "p.csv").prompts) == {"Zellkérn.png": (click(1, 2),)}


def test_files_without_prompts_are_errors(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("image,x,y\n")
    (tmp_path / "p.json").write_text('{"images": [], "annotations": []}')
    for name in ("p.csv", "p.json"):
        with pytest.raises(PromptError, match="holds no prompts"):
            read_prompt_file(tmp_path / name)
    (tmp_path / "p.json").write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        read_prompt_file(tmp_path / "p.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_prompt_file(tmp_path / "absent.csv")


# COCO


def test_lists_of_results_name_images_by_text_or_number(tmp_path: Path) -> None:
    rows = [
        {"image_id": 139, "category_id": 1, "bbox": [1, 2, 2, 2], "score": 0.9},
        {"image_id": "b", "category_id": 3, "bbox": [1, 2, 2, 2]},
    ]
    (tmp_path / "r.json").write_text(json.dumps(rows))
    file = read_prompt_file(tmp_path / "r.json")
    assert file.categories == {"1": 1, "3": 3} and file.image_ids == {"139": 139}
    touch(tmp_path, "000000000139.jpg", "b.png", "c.png")
    matched = jobs_of_file(file, find_sources([tmp_path]).images)
    assert [(job.name, job.prompts[0].box, job.image_id) for job in matched.jobs] == [
        ("000000000139.jpg", BOX.box, 139),
        ("b.png", BOX.box, None),
    ]
    assert matched.without_prompts == 1


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (3, "not a COCO json"),
        ({"images": []}, "not a COCO json"),
        ([{"image_id": 1, "bbox": [1, 2, 0, 4]}], "annotation 0 .*width 0"),
        ([{"image_id": 1, "bbox": [1, 2, 3]}], "expected four numbers"),
        ([{"image_id": 1, "bbox": [1, 2, 3, float("inf")]}], "expected four numbers"),
        ([{"bbox": [1, 2, 3, 4]}], "neither image_id nor file_name"),
        ([5], "not an object"),
        (
            {"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 2, "bbox": [1, 2, 3, 4]}]},
            "'2' is not among",
        ),
    ],
)
def test_wrong_coco_files_name_their_annotations(content: object, match: str) -> None:
    with pytest.raises(PromptError, match=match):
        coco_prompts(FILE, content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["a.png", ""]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["images", "annotations", "categories", "id", "file_name", "image_id", "bbox", "name"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_read_or_refused(content: object) -> None:
    try:
        coco_prompts(FILE, content)
    except PromptError as error:
        assert "prompts.csv" in str(error)


# Matching


def prompts_of(*names: str) -> PromptFile:
    return PromptFile(FILE, dict.fromkeys(names, (BOX,)))


def sources(*paths: str) -> list[Source]:
    return [Source(Path(path), path, path) for path in paths]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.png", "photos/one/a.png"),
        ("one/a.png", "photos/one/a.png"),
        ("C:\\data\\one\\a.png", "photos/one/a.png"),
        ("/data/elsewhere/b.png", "photos/b.png"),
        ("./b.png", "photos/b.png"),
        ("b", "photos/b.png"),
        ("Zellke\u0301rn.png", "photos/Zellk\u00e9rn.png"),
    ],
)
def test_names_match_the_end_of_paths(name: str, path: str) -> None:
    matched = jobs_of_file(prompts_of(name), sources("photos/other.png", path))
    assert [job.name for job in matched.jobs] == [path]


def test_a_name_that_fits_two_images_is_an_error_and_its_folder_decides() -> None:
    images = sources("one/a.png", "two/a.png")
    with pytest.raises(PromptError, match="fits 2 images"):
        jobs_of_file(prompts_of("a.png"), images)
    assert [job.name for job in jobs_of_file(prompts_of("two/a.png"), images).jobs] == ["two/a.png"]
    with pytest.raises(PromptError, match=r"'b\.png'.*for none of the 2"):
        jobs_of_file(prompts_of("b.png"), images)


def test_images_are_found_beside_the_file_or_kept_as_missing(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "images/b.jpg", "000.png")
    (tmp_path / "p.csv").write_text(
        "image,x,y\na.png,1,1\nb.jpg,1,1\n000,1,1\nabsent.png,1,1\na.png,2,2\n./a.png,3,3\nimages/../a.png,4,4\n"
    )
    matched = jobs_of_file(read_prompt_file(tmp_path / "p.csv"), None)
    assert [job.path for job in matched.jobs] == [
        tmp_path / name for name in ("a.png", "images/b.jpg", "000.png", "absent.png")
    ]
    assert [len(job.prompts) for job in matched.jobs] == [4, 1, 1, 1]


def test_prompts_with_and_without_boxes_are_checked_apart() -> None:
    rows = [click(1, 1), BOX, PromptRow(((5, 5), (6, 6)), (1, 0), BOX.box), PromptRow(((2, 2), (3, 3)), (1, 0))]
    groups = {tuple(places): prompts for places, prompts in checked_groups(rows, Frame(10, 10, 64, 16, (64, 64)))}
    clicks, boxes = groups[(0, 3)], groups[(1, 2)]
    assert clicks.boxes is None and clicks.labels.tolist() == [[1, -1], [1, 0]]
    assert boxes.boxes.tolist() == [[1, 2, 3, 4]] * 2 and boxes.labels.tolist() == [[-1, -1], [1, 0]]


@pytest.mark.skipif(os.name == "nt", reason="needs a pipe")
def test_a_pipe_as_file_of_prompts_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(SamtailorError, match="pipe"):
        read_prompt_file(tmp_path / "pipe.csv")
