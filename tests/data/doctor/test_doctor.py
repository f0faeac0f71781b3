"""The doctor: each finding appears where it should and nowhere else, and the worst comes first."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from samtailor.cli import main
from samtailor.data import (
    ImageRecord,
    Task,
    find_duplicates,
    inspect_task,
)
from samtailor.data.doctor.findings import CODES, Finding, rank
from samtailor.data.pixels.pieces import count_pieces
from samtailor.data.task import RECTANGLES
from tests.data.doctor.helpers import (
    COLUMNS,
    ROWS,
    SIDE,
    clean_task,
    disc,
    instance,
    of_code,
    scene,
    with_image,
    with_instances,
)


@pytest.fixture
def clean(tmp_path: Path) -> Task:
    return clean_task(tmp_path)


def test_a_clean_task_has_no_findings(clean: Task) -> None:
    assert inspect_task(clean).findings == ()


# ------------------------------------------------------------------------------------------------ masks


def speckled() -> np.ndarray:
    return np.asarray((ROWS % 4 == 0) & (COLUMNS % 20 == 0) & (ROWS < 60))


EMPTY, FULL = np.zeros((SIDE, SIDE), dtype=bool), np.ones((SIDE, SIDE), dtype=bool)
DOT = disc(50, 50, 2)
LINE = np.asarray((ROWS == 64) & (COLUMNS > 20) & (COLUMNS < 100))


@pytest.mark.parametrize(
    ("code", "mask"),
    [
        ("empty-mask", EMPTY),
        ("full-mask", FULL),
        ("same-mask", disc(30, 30)),
        ("small", DOT),
        ("thin", LINE),
        ("speckles", speckled()),
    ],
)
def test_one_bad_mask_is_found(clean: Task, code: str, mask: np.ndarray) -> None:
    bad = with_instances(clean, mask)
    found = of_code(bad, code)
    assert (found.count, found.files) == (1, (str(clean.split("train")[0].path),))
    assert [f.code for f in inspect_task(bad).findings] == [code]
    crowd = with_instances(clean, mask, crowd=True)
    assert inspect_task(crowd).findings == ()


def test_the_same_mask_under_another_class_is_counted(clean: Task) -> None:
    found = of_code(with_instances(clean, disc(30, 30), label="ring"), "same-mask")
    assert "1 mask " in found.what and "1 of another class" in found.what


def test_what_is_frequent_is_a_warning(clean: Task) -> None:
    assert of_code(with_instances(clean, DOT), "small").severity == "note"
    many = [np.roll(DOT, 4 * k, axis=0) for k in range(15)]
    assert of_code(with_instances(clean, *many), "small").severity == "warning"


def test_masks_that_look_like_boxes(clean: Task) -> None:
    rectangles = [np.pad(np.ones((30, 20), dtype=bool), ((5 * k, 98 - 5 * k), (60, 48))) for k in range(5)]
    assert not inspect_task(with_instances(clean, *rectangles[:4], label="ring")).findings, "too few to tell"
    boxed = replace(with_instances(clean, *rectangles, label="sign"), classes=("disc", "ring", "sign"))
    found = of_code(boxed, "boxes")
    assert (found.count, found.severity) == (5, "warning") and "sign 5 of 5" in found.what
    turned = [(abs(ROWS - 60 + (COLUMNS - 60) // 6) < 10 + k) & (abs(COLUMNS - 60) < 30) for k in range(5)]
    slanted = replace(with_instances(clean, *turned, label="sign"), classes=boxed.classes)
    assert "boxes" not in [f.code for f in inspect_task(slanted).findings]


def test_filled_boxes_are_named_as_such(clean: Task) -> None:
    assert of_code(replace(clean, format=f"yolo, {RECTANGLES}"), "boxes").count == 90


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_pieces_are_counted(seed: int, share: float) -> None:
    """Against a flood fill, corners connected."""
    mask = np.random.default_rng(seed).random((9, 11)) < share
    left, pieces = {tuple(p) for p in np.argwhere(mask).tolist()}, 0
    while left:
        edge, pieces = [left.pop()], pieces + 1
        while edge:
            y, x = edge.pop()
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            edge += near
    assert count_pieces(mask) == pieces
    assert count_pieces(mask, enough=3) >= min(pieces, 4) or pieces <= count_pieces(mask, enough=3) <= 3


# ------------------------------------------------------------------------------------ splits and classes


@pytest.mark.parametrize(("split", "severity"), [("train", "error"), ("val", "error"), ("test", "warning")])
def test_missing_splits(clean: Task, split: str, severity: str) -> None:
    without = replace(clean, splits={k: v for k, v in clean.splits.items() if k != split})
    found = of_code(without, "missing-split")
    assert (found.severity, f"Split {split}" in found.what) == (severity, True)
    bare = tuple(replace(r, instances=()) for r in clean.split(split))
    found = of_code(replace(clean, splits={**clean.splits, split: bare}), "nothing-to-train-on")
    assert (found.severity, found.count) == (severity, 10)


def test_a_train_split_of_dots_cannot_be_trained_on(clean: Task) -> None:
    dots = tuple(replace(r, instances=(instance(1, DOT), instance(2, DOT, "ring"))) for r in clean.split("train"))
    assert of_code(replace(clean, splits={**clean.splits, "train": dots}), "nothing-to-train-on").severity == "error"


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_few_instances(clean: Task, split: str) -> None:
    found = of_code(replace(clean, splits={**clean.splits, split: clean.split(split)[:6]}), "few-instances")
    assert found.count == 18 and f"Split {split}" in found.what


def test_classes_absent_and_rare(clean: Task) -> None:
    def without_rings(split: str, keep: int = 0) -> Task:
        records = [
            record if n < keep else replace(record, instances=(*record.instances[:2], instance(9, disc(90, 40))))
            for n, record in enumerate(clean.split(split))
        ]
        return replace(clean, splits={**clean.splits, split: tuple(records)})

    assert "ring" in of_code(without_rings("train"), "class-not-in-train").what
    assert "ring" in of_code(without_rings("train", keep=4), "rare-class").what
    assert inspect_task(without_rings("train", keep=5)).findings == ()
    assert "ring" in of_code(without_rings("val"), "class-not-scored").what
    assert "ring" in of_code(without_rings("test"), "class-not-scored").what


def test_one_class_that_holds_nearly_all(clean: Task) -> None:
    # 60 discs and 30 rings, and as many more discs as make the discs nine in ten of all
    more = [np.roll(disc(20, 20, 6 + k % 3), (k // 16 * 5, k % 16 * 7), axis=(0, 1)) for k in range(210)]
    assert of_code(with_instances(clean, *more), "one-class-rules").count == 270
    assert "one-class-rules" not in [f.code for f in inspect_task(with_instances(clean, *more[1:])).findings]


# ----------------------------------------------------------------------------------------------- images


def test_images_without_instances_and_crowds(clean: Task) -> None:
    bare = with_image(clean, "train", clean.root / "bare.png", scene(7000))
    *others, last = bare.split("train")

    def ending(record: ImageRecord) -> Task:
        return replace(bare, splits={**bare.splits, "train": (*others, record)})

    assert of_code(ending(replace(last, instances=())), "no-instances").files == (str(last.path),)
    crowd = (instance(1, disc(30, 30), crowd=True),)
    assert of_code(ending(replace(last, instances=crowd)), "crowd-only").files == (str(last.path),)


def test_strips(clean: Task) -> None:
    wide = np.concatenate([scene(9000 + k) for k in range(5)], axis=1)
    assert "640 x 128" in of_code(with_image(clean, "train", clean.root / "strip.png", wide), "strip").what
    assert inspect_task(with_image(clean, "train", clean.root / "wide.png", wide[:, :512])).findings == ()


def test_images_that_cannot_be_read(clean: Task) -> None:
    for name in ("val3.png", "test4.png"):
        (clean.root / name).write_bytes(b"no picture")
    found = inspect_task(clean)
    assert (found.findings[0].code, found.findings[0].severity, found.findings[0].count) == ("unreadable", "error", 2)
    assert found.findings[0].files == (str(clean.root / "val3.png"), str(clean.root / "test4.png"))
    assert "val3.png" in found.findings[0].what
    assert find_duplicates(clean) == []
    assert inspect_task(clean, decode_images=False).findings == ()


# ------------------------------------------------------------------------------- ranking, JSON, command


def test_the_worst_comes_first() -> None:
    findings = [
        Finding(severity, code, "", (), count, "")
        for severity, code, count in (
            ("note", "no-instances", 99),
            ("warning", "small", 3),
            ("error", "same-picture", 1),
            ("error", "unreadable", 1),
            ("note", "small", 50),
            ("warning", "class-not-in-train", 1),
            ("warning", "small", 8),
        )
    ]
    assert [(f.severity, f.code, f.count) for f in rank(reversed(findings))] == [
        ("error", "unreadable", 1),
        ("error", "same-picture", 1),
        ("warning", "class-not-in-train", 1),
        ("warning", "small", 8),
        ("warning", "small", 3),
        ("note", "small", 50),
        ("note", "no-instances", 99),
    ]


def test_every_code_is_explained() -> None:
    text = (Path(__file__).parents[3] / "docs" / "guides" / "data.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \| (?:error|warning|note)", text, flags=re.M) == list(CODES)


def ran(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["samtailor", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().out


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for n, split in enumerate(("train", "val", "test")):
        for folder in ("images", "masks"):
            (tmp_path / split / folder).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(scene(10 * n + i)).save(tmp_path / split / "images" / f"{i}.png")
            Image.fromarray(disc(30, 60).astype(np.uint8)).save(tmp_path / split / "masks" / f"{i}.png")
    code, text = ran(monkeypatch, capsys, "inspect", tmp_path, "--strict")
    assert code == 0 and "3 warnings" in text, "warnings do not make it fail"

    leak = tmp_path / "test" / "images" / "2.png"
    leak.write_bytes((tmp_path / "train" / "images" / "1.png").read_bytes())
    code, text = ran(monkeypatch, capsys, "inspect", tmp_path)
    assert code == 0
    assert text.index("error same-picture") < text.index("warning few-instances")
    assert "in test/images/2.png" in text and "--split-by REGEX" in text
    assert ran(monkeypatch, capsys, "inspect", tmp_path, "--strict")[0] == 1
    code, text = ran(monkeypatch, capsys, "inspect", tmp_path, "--strict", "--json")
    plain = json.loads(text)
    assert code == 1 and plain["findings"][0]["files"] == [str(leak)] and plain["duplicates"][0]["kind"] == "bytes"
    assert plain["leaks"] == [[str(tmp_path / "train" / "images" / "1.png"), str(leak)]]
