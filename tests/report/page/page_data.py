"""Invented content of a report: 18 classes, unknown numbers, long and hostile names."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from samtailor.data.doctor.images import BadImage
from samtailor.data.doctor.inspect import Inspection, SplitCounts
from samtailor.data.findings import Finding
from samtailor.evaluation.results import (
    BaseIdentity,
    ClassScore,
    EvaluationSummary,
    Gain,
    OtherTask,
    PromptSettings,
    Results,
    ScoreRow,
)
from samtailor.evaluation.study_results import (
    ClickCount,
    ClickMap,
    ClicksToQuality,
    GroupStability,
    RowSensitivity,
    Sensitivity,
    StrengthPoint,
)
from samtailor.metrics.bootstrap import UNKNOWN, Estimate
from samtailor.metrics.scores import BoundarySettings
from samtailor.report.content import GalleryPicture, PagePictures, Report
from samtailor.report.content_json import run_facts

CLASSES = (
    "skin", "nose", "eye_glasses", "left_eye", "right_eye", "left_brow", "right_brow", "left_ear", "right_ear", "mouth",
    "upper_lip", "lower_lip", "hair", "hat", "earring", "necklace", "neck", "cloth_with_a_very_long_class_name_indeed",
)  # fmt: skip
NAN = float("nan")


def around(value: float, width: float = 0.012) -> Estimate:
    """An estimate with an interval of ``width`` to both sides."""
    return Estimate(value, value - width, value + width)


def evaluation(gain: float = 0.327, width: float = 0.015, task: str = "faces", n: int = 1989) -> EvaluationSummary:
    """An evaluation whose paired gain has an interval of ``width`` to both sides."""
    rng = np.random.default_rng(0)
    start = 0.190
    levels = {"base-single": start, "base-best": 0.145, "base-oracle": 0.286, "adapted": start + gain}
    shares = rng.uniform(0.02, 0.6, len(CLASSES))
    rows = []
    for name, level in levels.items():
        own = np.clip(shares + (level - start) * rng.uniform(-0.1, 1.6, len(CLASSES)), 0.01, 0.97)
        rows.append(
            ScoreRow(
                name,
                n,
                miou=around(level - 0.02),
                iou_instances=around(level),
                boundary_iou=around(level * 0.8),
                dice=level + 0.06,
                boundary_f1={1: level * 0.5, 3: level * 0.9, 10: NAN},
                hd95=60 * (1 - level),
                per_class={
                    label: ClassScore(float(v), 4 if i == 15 else int(160 - 8 * i), float(0.8 * v))
                    for i, (label, v) in enumerate(zip(CLASSES, own, strict=True))
                },
            )
        )
    rows[-1].per_class["hat"] = ClassScore(NAN, 0, NAN)
    rows[-1].per_class["neck"] = replace(rows[-1].per_class["neck"], iou=0.431)  # the one that loses
    return EvaluationSummary(
        task=task,
        split="test",
        prompts=PromptSettings("click", 1, 0),
        base=BaseIdentity("mobile-sam", "f9599e249538336adb8c98336d58a495dd84747444db63e3a3de0429dfe9b920"),
        images=160,
        seconds=312.4,
        boundary=BoundarySettings(0.02, (1, 3)),
        rows=tuple(rows),
        gains=tuple(
            Gain(base, *[around(gain + more, width)] * 3, better=0.714, worse=0.083)
            for base, more in (("base-single", 0.0), ("base-best", 0.045), ("base-oracle", -0.096))
        ),
    )


def with_row(evaluation: EvaluationSummary, name: str, **changes: Any) -> EvaluationSummary:
    """The evaluation with other figures in one row."""
    rows = tuple(replace(row, **changes) if row.name == name else row for row in evaluation.rows)
    return replace(evaluation, rows=rows)


def with_gain(evaluation: EvaluationSummary, over: str, **changes: Any) -> EvaluationSummary:
    """The evaluation with other figures in one gain."""
    gains = tuple(replace(gain, **changes) if gain.over == over else gain for gain in evaluation.gains)
    return replace(evaluation, gains=gains)


def sensitivity() -> Sensitivity:
    kinds = ("centre click", "random click", "boundary click", "box", "box 5 %", "box 10 %", "box 20 %", "two clicks",
             "click + background")  # fmt: skip
    groups = ("one click", "box", "all")
    offsets = (0.0, -0.1, -0.12, -0.15, 0.1)  # of mean, spread, worst, p10, unstable
    rows = {}
    for name, level in {"base-single": 0.19, "base-best": 0.16, "adapted": 0.51}.items():
        values = [level + 0.02 * i * (i in (3, 4, 5)) - 0.05 * (i == 2) for i in range(len(kinds))]
        rows[name] = RowSensitivity(
            by_prompt={kind: around(v, 0.02) for kind, v in zip(kinds, values, strict=True)},
            groups={g: GroupStability(*[around(max(level + offset, 0), 0.02) for offset in offsets]) for g in groups},
        )
    rows["base-best"].by_prompt["box 20 %"] = UNKNOWN
    change = replace(GroupStability(*[around(0.3, 0.02)] * 5), spread=Estimate(0.3, -0.1, 0.4))
    targets = {
        target: {
            name: ClickCount(around(level + i, 0.4), failures=int(20 * (level + i)), n=300)
            for name, level in (("base-single", 9.0), ("adapted", 4.0))
        }
        for i, target in enumerate(("0.80", "0.85", "0.90"))
    }
    curve = {
        name: tuple(top - drop * 0.78**k for k in range(20))
        for name, top, drop in (("base-single", 0.84, 0.64), ("adapted", 0.9, 0.37))
    }
    return Sensitivity(
        instances=300,
        images=120,
        seed=0,
        rows=rows,
        paired={base: dict.fromkeys(groups, change) for base in ("base-single", "base-best")},
        clicks=ClicksToQuality(20, targets, curve),
    )


def results() -> Results:
    points = tuple(
        StrengthPoint(s / 4, 0.62 - 0.041 * (s / 4) ** 2, 640, 0.19 + 0.327 * (s / 4) ** 0.6) for s in range(5)
    )
    other = OtherTask(evaluation(gain=-0.041, task="coco-mini", n=640), True, points)
    return Results(evaluation(), sensitivity(), (other,))


def report() -> Report:
    """A report with every part."""
    run = run_facts("runs/faces", card())
    return Report(
        results=results(),
        title="faces: mobile-sam with and without an adapter",
        created="2026-11-22T20:27:27+00:00",
        command="samtailor report runs/faces --data /data/faces --also coco-mini --out runs/faces/report.html",
        run=run,
        inspection=inspection(),
        settings={**run.settings, "evaluation": {"resamples": 1000}},
        versions={"samtailor": "0.1.0", "torch": "2.14.1", "transformers": "5.23.0"},
        hardware={"cpu": "2 cores, 2.8 GHz", "memory": "15.6 GB", "device": "cpu"},
        commit="65540c8f2d1e",
        click_maps=tuple(click_map(photograph(None, i), i) for i in range(3)),
    )


def pictures(photographs: Sequence[Path] = ()) -> PagePictures:
    """Pictures for every part of ``report()``."""
    crops = [photograph(photographs[i] if i < len(photographs) else None, i) for i in range(5)]
    return PagePictures(
        curve=encoded(np.full((540, 1080, 3), 255, np.uint8)),
        crops=tuple(encoded(crop) for crop in crops[:3]),
        gallery=tuple(
            GalleryPicture(
                group=group,
                image=f"image_{100 + i}_with_a_long_file_name.webp",
                label=CLASSES[3 * i + k],
                base_iou=0.2 + 0.1 * k,
                adapted_iou=0.9 - 0.2 * i,
                picture=panels(crops[(i + k) % len(crops)]),
            )
            for i, group in enumerate(("best", "median", "worst", "most gained", "most lost"))
            for k in range(2)
        ),
    )


def card() -> dict[str, Any]:
    return {
        "format": 1,
        "method": "plm",
        "parameters": 1578752,
        "base": {"name": "mobile-sam", "fingerprint": "14ab968a"},
        "weights_digest": "d86bfc28601af3d912b5a6b766ec3bfe",
        "fit": {
            "settings": {"method": "plm", "prompts": "click", "minutes": 45.0, "epochs": None, "losses": {"dice": 1.0}},
            "steps": 1702,
            "best_step": 1640,
            "ended": "the budget is used up",
        },
        "seconds": 2707.6,
        "validation": {
            "base": {"miou": 0.194, "iou_instances": 0.202, "n": 200},
            "adapted": {"miou": 0.454, "iou_instances": 0.524, "n": 200},
            "beats_base": True,
        },
        "versions": {"torch": "2.14.1"},
        "created": "2026-11-22T20:27:27+00:00",
    }  # fmt: skip


def inspection() -> Inspection:
    def split(images: int) -> SplitCounts:
        return SplitCounts(
            images=images,
            empty_images=0,
            instances=images * 12,
            crowd=0,
            empty_masks=1,
            tiny=7,
            at_border=images * 3,
            classes={c: images - i for i, c in enumerate(CLASSES)},
        )

    return Inspection(
        name="faces",
        root="/data/faces",
        format="coco",
        splits={"train": split(1200), "val": split(150), "test": split(160)},
        widths=(512, 512),
        heights=(480, 512),
        areas={"min": 3.0, "q05": 41.0, "q25": 210.0, "median": 640.0, "q95": 61000.0, "max": 140210.0},
        decoded=True,
        bad_images=1,
        first_bad=BadImage("/data/faces/x.webp", "truncated"),
        leaks=(("a.webp", "b.webp"),),
        findings=(
            Finding("note", "small", "21 masks are tiny.", (), 21, ""),
            Finding(
                "error",
                "same-picture",
                "One file is in train and in test, so the test scores are too high.",
                ("train/a.webp", "test/b.webp"),
                2,
                "Remove it from one of the splits.",
            ),
            Finding(
                "warning",
                "rare-class",
                "necklace has 4 instances in test.",
                ("n1.webp",),
                4,
                "Label more, or merge it with another class.",
            ),
        ),
    )


def photograph(path: Path | None, seed: int) -> np.ndarray:
    if path is not None:
        with Image.open(path) as opened:
            return np.asarray(opened.convert("RGB"))
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(30, 90, (8, 8, 3), dtype=np.uint8))
    return np.asarray(small.resize((160, 128), Image.Resampling.BICUBIC))


def panels(crop: np.ndarray) -> bytes:
    gap = np.full((crop.shape[0], 6, 3), 255, np.uint8)
    return encoded(np.concatenate([crop, gap, crop, gap, crop], axis=1), "JPEG")


def click_map(crop: np.ndarray, seed: int) -> ClickMap:
    height, width = crop.shape[:2]
    xs, ys = np.arange(4, width, 8.0), np.arange(4, height, 8.0)
    at = np.hypot((xs - width / 2) / width, (ys[:, None] - height / 2) / height)
    rng = np.random.default_rng(seed)
    base, adapted = (
        np.clip(level - at + rng.normal(0, noise, at.shape), 0, 1) for level, noise in ((0.6, 0.25), (1, 0.05))
    )
    base[0, 0] = NAN
    return ClickMap(
        image=f"{seed:08x}.webp",
        instance=seed,
        label="nucleus",
        extent=(0.0, 0.0, float(width), float(height)),
        x=tuple(xs.tolist()),
        y=tuple(ys.tolist()),
        base=tuple(map(tuple, base.tolist())),
        adapted=tuple(map(tuple, adapted.tolist())),
        inside=tuple(map(tuple, (at < 0.3).tolist())),
    )


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format=kind)
    return content.getvalue()
