"""What a report's page is made from, invented: 18 classes, gaps, long and hostile names."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = (
    "skin", "nose", "eye_glasses", "left_eye", "right_eye", "left_brow", "right_brow", "left_ear", "right_ear", "mouth",
    "upper_lip", "lower_lip", "hair", "hat", "earring", "necklace", "neck", "cloth_with_a_very_long_class_name_indeed",
)  # fmt: skip
NAN = float("nan")


def around(value: float, width: float = 0.012) -> list[float]:
    return [value - width, value + width]


def evaluation(gain: float = 0.327, width: float = 0.015, task: str = "faces", n: int = 1989) -> dict[str, Any]:
    """An evaluation whose paired gain has an interval of ``width`` to both sides."""
    rng = np.random.default_rng(0)
    start = 0.190
    rows = []
    shares = rng.uniform(0.02, 0.6, len(CLASSES))
    for method, score in (
        ("base-single", start),
        ("base-best", 0.145),
        ("base-oracle", 0.286),
        ("adapted", start + gain),
    ):
        own = np.clip(shares + (score - start) * rng.uniform(-0.1, 1.6, len(CLASSES)), 0.01, 0.97)
        rows.append(
            {
                "method": method,
                "n": n,
                "miou": score - 0.02,
                "miou_interval": around(score - 0.02),
                "iou_instances": score,
                "iou_instances_interval": around(score),
                "dice": score + 0.06,
                "boundary_iou": score * 0.8,
                "boundary_iou_interval": around(score * 0.8),
                "boundary_f1": {"1": score * 0.5, "3": score * 0.9, "10": NAN},
                "hd95": 60 * (1 - score),
                "per_class": {
                    name: {"iou": float(v), "n": 4 if i == 15 else int(160 - 8 * i), "boundary_iou": float(0.8 * v)}
                    for i, (name, v) in enumerate(zip(CLASSES, own, strict=True))
                },
            }
        )
    rows[-1]["per_class"]["hat"] = {"iou": NAN, "n": 0, "boundary_iou": None}
    rows[-1]["per_class"]["neck"]["iou"] = 0.431  # the one that loses
    gains = [
        {
            "method": "adapted",
            "over": base,
            **{k: d for k in ("iou_instances", "miou", "boundary_iou") for d in [gain + more]},
            **{f"{k}_interval": around(gain + more, width) for k in ("iou_instances", "miou", "boundary_iou")},
            "better": 0.714,
            "worse": 0.083,
        }
        for base, more in (("base-single", 0.0), ("base-best", 0.045), ("base-oracle", -0.096))
    ]
    return {
        "task": task,
        "split": "test",
        "prompts": {"kind": "click", "per_instance": 1, "seed": 0},
        "base": {
            "name": "mobile-sam",
            "fingerprint": "f9599e249538336adb8c98336d58a495dd84747444db63e3a3de0429dfe9b920",
        },
        "images": 160,
        "seconds": 312.4,
        "map": [],
        "boundary": {"iou_share": 0.02, "f1_tolerances": [1, 3]},
        "rows": rows,
        "gains": gains,
    }


def sensitivity() -> dict[str, Any]:
    kinds = ("centre click", "random click", "boundary click", "box", "box 5 %", "box 10 %", "box 20 %", "two clicks",
             "click + background")  # fmt: skip
    levels = {"base-single": 0.19, "base-best": 0.16, "adapted": 0.51}
    measures = {"mean": 0.0, "spread": -0.1, "worst": -0.12, "p10": -0.15, "unstable": 0.1}
    methods = {}
    for method, level in levels.items():
        values = [level + 0.02 * i * (i in (3, 4, 5)) - 0.05 * (i == 2) for i in range(len(kinds))]
        methods[method] = {
            "by_prompt": {k: {"value": v, "interval": around(v, 0.02)} for k, v in zip(kinds, values, strict=True)},
            "groups": {
                g: {
                    m: {"value": max(level + d, 0), "interval": around(max(level + d, 0), 0.02)}
                    for m, d in measures.items()
                }
                for g in ("one click", "box", "all")
            },
        }
    methods["base-best"]["by_prompt"]["box 20 %"] = {"value": NAN, "interval": [NAN, NAN]}
    paired = {
        f"adapted - {base}": {
            g: {m: {"value": 0.3, "interval": [0.28, 0.32] if m != "spread" else [-0.1, 0.4]} for m in measures}
            for g in ("one click", "box", "all")
        }
        for base in ("base-single", "base-best")
    }
    targets = {
        t: {
            m: {"mean": c + i, "interval": around(c + i, 0.4), "failures": int(20 * (c + i)), "n": 300}
            for m, c in (("base-single", 9.0), ("adapted", 4.0))
        }
        for i, t in enumerate(("0.80", "0.85", "0.90"))
    }
    curve = {
        m: [top - drop * 0.78**k for k in range(20)]
        for m, top, drop in (("base-single", 0.84, 0.64), ("adapted", 0.9, 0.37))
    }
    return {
        "instances": 300, "images": 120, "seed": 0, "methods": methods, "paired": paired,
        "clicks_to_quality": {"limit": 20, "targets": targets, "curve": curve},
    }  # fmt: skip


def data(photographs: Sequence[Path] = ()) -> dict[str, Any]:
    """All keys."""
    own = evaluation()
    forgetting = evaluation(gain=-0.041, task="coco-mini", n=640) | {
        "adapter_off_bit_equal": True,
        "strengths": [
            {"strength": s / 4, "iou_instances": 0.62 - 0.041 * (s / 4) ** 2, "here": 0.19 + 0.327 * (s / 4) ** 0.6}
            for s in range(5)
        ],
    }
    crops = [photograph(photographs[i] if i < len(photographs) else None, i) for i in range(5)]
    return {
        "title": "faces: mobile-sam with and without an adapter",
        "created": "2026-11-22T20:27:27+00:00",
        "command": "samtailor report runs/faces --data /data/faces --also coco-mini --out runs/faces/report.html",
        "run": {"folder": "runs/faces", "card": card()},
        "evaluation": own,
        "sensitivity": sensitivity(),
        "click_maps": [click_map(crops[i], i) for i in range(3)],
        "gallery": [
            {
                "group": group,
                "image": f"image_{100 + i}_with_a_long_file_name.webp",
                "label": CLASSES[3 * i + k],
                "scores": {"base-single": 0.2 + 0.1 * k, "adapted": 0.9 - 0.2 * i},
                "picture": panels(crops[(i + k) % len(crops)]),
            }
            for i, group in enumerate(("best", "median", "worst", "most gained", "most lost"))
            for k in range(2)
        ],
        "also": [forgetting],
        "curve": encoded(np.full((540, 1080, 3), 255, np.uint8)),
        "data": inspection(),
        "settings": card()["fit"]["settings"] | {"evaluation": {"resamples": 1000}},
        "versions": {"samtailor": "0.1.0", "torch": "2.14.1", "transformers": "5.23.0"},
        "hardware": {"cpu": "2 cores, 2.8 GHz", "memory": "15.6 GB", "device": "cpu"},
        "commit": "65540c8f2d1e",
    }


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


def inspection() -> dict[str, Any]:
    def split(images: int) -> dict[str, Any]:
        counts = {
            "images": images,
            "empty_images": 0,
            "instances": images * 12,
            "crowd": 0,
            "empty_masks": 1,
            "tiny": 7,
        }
        return counts | {"at_border": images * 3, "classes": {c: images - i for i, c in enumerate(CLASSES)}}

    return {
        "name": "faces",
        "root": "/data/faces",
        "format": "coco",
        "splits": {"train": split(1200), "val": split(150), "test": split(160)},
        "widths": [512, 512],
        "heights": [480, 512],
        "areas": {"min": 3.0, "q05": 41.0, "q25": 210.0, "median": 640.0, "q95": 61000.0, "max": 140210.0},
        "decoded": True,
        "bad_images": 1,
        "first_bad": {"path": "/data/faces/x.webp", "reason": "truncated"},
        "leaks": [["a.webp", "b.webp"]],
        "findings": [
            {"severity": "note", "code": "tiny", "what": "21 masks are tiny.", "files": [], "count": 21},
            {
                "severity": "error",
                "code": "leak",
                "what": "One file is in train and in test: its scores say too much.",
                "files": ["train/a.webp", "test/b.webp"],
                "count": 2,
                "hint": "Take it out of one of them.",
            },
            {
                "severity": "warning",
                "code": "rare",
                "what": "necklace has 4 instances in test.",
                "files": ["n1.webp"],
                "count": 4,
                "hint": "Label more, or merge it with another class.",
            },
        ],
    }  # fmt: skip


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


def click_map(crop: np.ndarray, seed: int) -> dict[str, Any]:
    height, width = crop.shape[:2]
    xs, ys = np.arange(4, width, 8.0), np.arange(4, height, 8.0)
    at = np.hypot((xs - width / 2) / width, (ys[:, None] - height / 2) / height)
    rng = np.random.default_rng(seed)
    base, adapted = (
        np.clip(level - at + rng.normal(0, noise, at.shape), 0, 1) for level, noise in ((0.6, 0.25), (1, 0.05))
    )
    base[0, 0] = NAN
    return {
        "image": f"{seed:08x}.webp", "instance": seed, "label": "nucleus", "x": xs.tolist(), "y": ys.tolist(),
        "base": base.tolist(), "adapted": adapted.tolist(), "inside": (at < 0.3).tolist(), "picture": encoded(crop),
        "extent": [0, 0, width, height],
    }  # fmt: skip


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format=kind)
    return content.getvalue()
