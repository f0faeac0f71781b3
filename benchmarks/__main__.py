"""Time samtailor and its alternatives, and print a table with the machine, versions and commit.

    python -m benchmarks [--turns 7] [--only decode,step,...] [--json FILE] [--vit-b] [--plain-allocator]

Training steps use the bundled sample. ``--vit-b`` adds the usual training loop with an encoder of SAM ViT-B's size,
which takes minutes. The committed results are in benchmarks/results, and docs/measurements.md explains them.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.contenders import (
    Step,
    click,
    decode_by_transformers,
    decode_ours,
    decode_reference,
    onnx_encoder,
    our_encoder,
    vit_b_encoder,
)
from benchmarks.timing import side_by_side
from samtailor.bases.registry import load_base
from samtailor.data import load_task
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.encode import encode_images
from samtailor.machine.device import choose_device, choose_precision
from samtailor.machine.memory import keep_freed_memory
from samtailor.machine.provenance import commit, hardware, versions

Work = Callable[[], object]
Comparison = tuple[str, dict[str, Callable[[], Work]], str]
"""Title, contender -> function that prepares its work, and the contender that the others are compared with."""


def comparisons(base: Any, cache: EmbeddingCache, vit_b: bool) -> Iterator[Comparison]:
    """Yield all comparisons, each prepared when it is reached."""
    for count in (1, 8, 64):
        yield (
            f"decode {count} prompt{'s' if count > 1 else ''}",
            {
                "transformers' decoder, all at once": lambda n=count: decode_by_transformers(base, n),
                "transformers' order, in chunks": lambda n=count: decode_reference(base, n),
                "ours": lambda n=count: decode_ours(base, n),
            },
            "transformers' decoder, all at once",
        )
    records = load_task("sample").split("train")
    encode_images(base, records[:40], cache)
    step = Step(base, records, cache, images=4, per_image=4)
    contenders: dict[str, Callable[[], Work]] = {
        "reference decoder, whole loss": step.reference,
        "today's loop: encoder each step": lambda: step.today(step.encode_one),
        "ours, all cells": lambda: step.ours(1.0),
        "ours, a quarter of the cells": step.ours,
    }
    if choose_precision("auto", base.device) == "bfloat16":
        contenders["reference decoder, whole loss, bfloat16"] = lambda: step.reference("bfloat16")
        contenders["ours as `fit` runs here: a quarter, bfloat16"] = lambda: step.ours(precision="bfloat16")
    yield "fit step, 4 images, 16 prompts", contenders, "reference decoder, whole loss"
    if vit_b:
        yield (
            "fit step against today's loop, ViT-B encoder",
            {
                "today's loop": lambda: step.today(vit_b_encoder()),
                "ours, a quarter of the cells": step.ours,
                "ours as `fit` runs here": lambda: step.ours(precision=choose_precision("auto", base.device)),
            },
            "today's loop",
        )
    yield "click, image cached", {"Predictor": lambda: click(base, records[0], cache)}, "Predictor"
    encoders: dict[str, Callable[[], Work]] = {"ours": lambda: our_encoder(base)}
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnxscript"):
        encoders = {"ONNX Runtime": lambda: onnx_encoder(base), **encoders}
    yield "encode one image", encoders, next(iter(encoders))
    more = Step(base, records, cache, images=10, per_image=4)
    few = Step(base, records, cache, images=1, per_image=4)
    yield (
        "growth: fit step, 10x the images",
        {"1 image, 4 prompts": few.ours, "10 images, 40 prompts": more.ours},
        "1 image, 4 prompts",
    )
    yield (
        "growth: decode, 10x the prompts",
        {"8 prompts": lambda: decode_ours(base, 8), "80 prompts": lambda: decode_ours(base, 80)},
        "8 prompts",
    )


def selected(all_comparisons: Iterable[Comparison], only: Sequence[str]) -> Iterator[Comparison]:
    """Yield the comparisons whose title has one of the words; all without words."""
    for comparison in all_comparisons:
        if not only or any(word in comparison[0] for word in only):
            yield comparison


def measure_times(chosen: Iterable[Comparison], turns: int, device: torch.device) -> list[dict[str, Any]]:
    """Time all contenders; return a row for each, as in the JSON file."""
    rows = []
    for title, contenders, first in chosen:
        times = side_by_side({name: build() for name, build in contenders.items()}, turns, device)
        for name, t in times.items():
            ratio = times[first].median / t.median
            row = {"what": title, "who": name, "ms": t.median * 1e3, "times": ratio, "turns": turns}
            row |= {"fastest_ms": min(t.seconds) * 1e3, "slowest_ms": max(t.seconds) * 1e3}
            rows.append(row)
            print(f"  {title}: {name}: {row['ms']:.1f} ms ({ratio:.2f}x)", file=sys.stderr, flush=True)
    return rows


def measure_peaks(chosen: Iterable[Comparison], arguments: list[str]) -> dict[tuple[str, str], float]:
    """Measure each contender's peak memory above that of the loaded base, in MB, each in its own process."""
    peaks = {}
    for title, contenders, _ in chosen:
        for name in contenders:
            command = [sys.executable, "-m", "benchmarks", *arguments, "--peak", f"{title}|{name}"]
            process = subprocess.run(command, capture_output=True, text=True, check=True)
            peaks[title, name] = float(process.stdout)
    return peaks


def _peak(all_comparisons: Iterable[Comparison], contender: str) -> float:
    """Measure the peak memory of ``title|name`` in this process."""
    title, name = contender.split("|")
    build = next(contenders[name] for t, contenders, _ in all_comparisons if t == title)
    work, process, samples, done = build(), psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:  # not the process's own peak, which is that of loading the base
        while not done.wait(0.002):
            samples.append(process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(2):
        work()
    done.set()
    watcher.join()
    return max(0, max(samples) - before) / 1e6


def table(rows: list[dict[str, Any]], peaks: Mapping[tuple[str, str], float]) -> str:
    """Return a markdown table of times and peak memory."""
    lines = ["| work | contender | median ms | speed-up | peak memory, MB |", "|---|---|---|---|---|"]
    for r in rows:
        peak = peaks.get((r["what"], r["who"]))
        entries = (r["what"], r["who"], f"{r['ms']:.1f}", f"{r['times']:.2f}", "" if peak is None else f"{peak:.0f}")
        lines.append(f"| {' | '.join(entries)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="how often each contender is timed")
    parser.add_argument(
        "--only", default="", help="only comparisons whose title has one of these words, separated by commas"
    )
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--vit-b", action="store_true", help="add the comparison with an encoder of ViT-B's size")
    parser.add_argument("--plain-allocator", action="store_true", help="do not use the command line's malloc setting")
    parser.add_argument("--no-memory", action="store_true", help="do not measure peak memory")
    parser.add_argument("--cache", type=Path, help="cache of the sample's embeddings; default: a temporary folder")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.plain_allocator and not args.peak:
        keep_freed_memory()
    device = choose_device(args.device)
    base = load_base("mobile-sam", device)
    only = [word for word in args.only.split(",") if word]
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.cache or Path(temporary)
        cache = EmbeddingCache(folder)

        def chosen() -> Iterator[Comparison]:
            return selected(comparisons(base, cache, args.vit_b), only)

        if args.peak:
            print(_peak(comparisons(base, cache, args.vit_b), args.peak))
            return
        rows = measure_times(chosen(), args.turns, device)
        arguments = ["--cache", str(folder), "--device", args.device, *(["--vit-b"] if args.vit_b else [])]
        arguments += ["--plain-allocator"] if args.plain_allocator else []
        peaks = {} if args.no_memory else measure_peaks(chosen(), arguments)
    origin = {"hardware": hardware(device), "versions": versions(), "commit": commit()}
    origin |= {"threads": torch.get_num_threads(), "allocator": "plain" if args.plain_allocator else "kept"}
    print(json.dumps(origin))
    print(table(rows, peaks))
    if args.json:
        rows_with_peaks = [r | {"peak_mb": peaks.get((r["what"], r["who"]))} for r in rows]
        args.json.write_text(json.dumps(origin | {"rows": rows_with_peaks}, indent=1) + "\n")


if __name__ == "__main__":
    main()
