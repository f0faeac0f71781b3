"""The commands. Heavy imports happen inside them, so that ``--help`` is instant."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from samtailor.adapters.methods import DEFAULT_METHOD
from samtailor.cli.options import (
    AlsoOption,
    BaseOption,
    BoxesOption,
    CacheOption,
    CacheTypeOption,
    ClassOption,
    DeviceOption,
    DropOption,
    FormatOption,
    MapOption,
    MeasuredClassOption,
    MethodOption,
    MethodOptionsOption,
    PromptsOption,
    ReferenceOption,
    SeedOption,
    SensitivityOption,
    SplitByOption,
    SplitOption,
    TaskArgument,
)
from samtailor.errors import PromptError, SamtailorError

__all__ = ["app", "main"]

app = typer.Typer(
    name="samtailor",
    help="Tailor Segment Anything to your task: fit a small adapter, see what it gained, use it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; a user's error is one message and exit code 2, never a traceback."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # other libraries' bars; ours are rich's
    try:
        app()
    except SamtailorError as error:
        from rich.console import Console

        console = Console(stderr=True, soft_wrap=True, highlight=False)
        console.print(f"[bold red]Error:[/] {_escape(error.what)}")
        if error.hint:
            console.print(f"       {_escape(error.hint)}")
        sys.exit(2)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _task(path: str, format: str | None, split_by: str | None, boxes_as_masks: bool, only: str | None = None) -> Any:
    from samtailor.data import load_task

    return load_task(path, format=format, split_by=split_by, boxes_as_masks=boxes_as_masks, only=only)


def _cache(folder: Path | None, dtype: str = "float16") -> Any:
    from samtailor.embeddings.cache import EmbeddingCache

    if dtype not in ("float16", "float32"):
        raise typer.BadParameter("choose float16 or float32", param_hint="--cache-type")
    return EmbeddingCache(folder, dtype=dtype)  # type: ignore[arg-type]


def _base(name: str, device: str, reference_decoder: bool = False) -> Any:
    from samtailor.bases.registry import load_base
    from samtailor.machine.device import choose_device
    from samtailor.machine.memory import keep_freed_memory

    keep_freed_memory()
    return load_base(name, choose_device(device), reference_decoder)


@app.command()
def inspect(
    task: TaskArgument,
    format: FormatOption = None,
    split_by: SplitByOption = None,
    boxes_as_masks: BoxesOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if a finding is an error.")] = False,
) -> None:
    """Say what a task holds, split by split, and what is wrong with it, the worst first, with what to do."""
    from samtailor.cli.commands import run_inspect

    if run_inspect(_task(task, format, split_by, boxes_as_masks), as_json) and strict:
        raise typer.Exit(1)


@app.command()
def convert(
    task: TaskArgument,
    out: Annotated[Path, typer.Option(help="Folder to write; it must not exist yet, or be empty.")],
    polygons: Annotated[
        bool, typer.Option("--polygons", help="Polygons along the pixels' borders instead of compressed RLE.")
    ] = False,
    link: Annotated[bool, typer.Option("--link", help="Hard links to the images instead of copies.")] = False,
    format: FormatOption = None,
    split_by: SplitByOption = None,
    boxes_as_masks: BoxesOption = False,
) -> None:
    """Write a task as COCO files: train.json, val.json, test.json and images/."""
    from samtailor.cli.convert import run_convert

    run_convert(_task(task, format, split_by, boxes_as_masks), out, polygons, link)


@app.command()
def encode(
    task: TaskArgument,
    format: FormatOption = None,
    split_by: SplitByOption = None,
    boxes_as_masks: BoxesOption = False,
    base: BaseOption = "mobile-sam",
    cache: CacheOption = None,
    cache_type: CacheTypeOption = "float16",
    device: DeviceOption = "auto",
) -> None:
    """Compute the embeddings of all images of a task, once; killed, it goes on where it was."""
    from samtailor.cli.commands import run_encode

    run_encode(_task(task, format, split_by, boxes_as_masks), _base(base, device), _cache(cache, cache_type))


@app.command()
def cache(
    cache: CacheOption = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove entries; choose which with the options below.")
    ] = False,
    max_gb: Annotated[float | None, typer.Option(help="Remove the least recently used until this is left.")] = None,
    older_than_days: Annotated[float | None, typer.Option(help="Remove what was not used for so long.")] = None,
    base: Annotated[
        str | None, typer.Option(help="Only entries of this base: its name, or the start of its fingerprint.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all.")] = False,
) -> None:
    """Show the embedding cache's size per base, or prune it."""
    from samtailor.cli.commands import run_cache

    if prune and base is not None and max_gb is None and older_than_days is None:
        everything = True
    if prune and not everything and max_gb is None and older_than_days is None:
        raise typer.BadParameter("add --max-gb, --older-than-days, --base or --all", param_hint="--prune")
    for option, value in (("--max-gb", max_gb), ("--older-than-days", older_than_days)):
        if value is not None and not 0 <= value < float("inf"):
            raise typer.BadParameter(f"{value} is not a number of 0 or more", param_hint=option)
    chosen = {"older_than_days": older_than_days, "base": base, "everything": everything}
    run_cache(_cache(cache), prune, {"max_bytes": None if max_gb is None else int(max_gb * 1e9), **chosen})


@app.command()
def fit(
    task: TaskArgument,
    out: Annotated[Path, typer.Option(help="Run folder: adapter, metrics, curve, and the state to resume from.")],
    base: BaseOption = "mobile-sam",
    method: MethodOption = DEFAULT_METHOD,
    method_option: MethodOptionsOption = None,
    class_: ClassOption = None,
    prompts: PromptsOption = "click",
    minutes: Annotated[
        float | None, typer.Option(help="Budget of fitting time.", show_default="15, without --epochs and --steps")
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Budget in passes over the training images.", show_default="none")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget in steps.", show_default="none")] = None,
    seed: SeedOption = 0,
    lr: Annotated[float | None, typer.Option(help="A fixed peak learning rate.", show_default="adapted on val")] = None,
    format: FormatOption = None,
    split_by: SplitByOption = None,
    boxes_as_masks: BoxesOption = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Prompts per step.")] = 10,
    cells: Annotated[float, typer.Option(help="Share of the mask's cells that a step's loss looks at; 1: all.")] = 0.25,
    precision: Annotated[str, typer.Option(help="Of training steps: float32, bfloat16, or auto: the faster.")] = "auto",
    val_prompts: Annotated[int, typer.Option(min=1, help="Validate on at most so many prompts.")] = 200,
    mask_token: Annotated[
        int | None, typer.Option(min=0, max=3, help="Mask to train: 0 single, 1 to 3.", show_default="by the method")
    ] = None,
    cache: CacheOption = None,
    cache_type: CacheTypeOption = "float16",
    device: DeviceOption = "auto",
    reference_decoder: ReferenceOption = False,
) -> None:
    """Fit an adapter on the train split, choose the best on val, write it to --out."""
    from samtailor.cli.commands import run_fit
    from samtailor.cli.method_options import method_options
    from samtailor.fitting.config import FitConfig

    config = FitConfig(
        method=method,
        prompts=prompts,  # type: ignore[arg-type]  # FitConfig checks it
        minutes=15 if (minutes, epochs, steps) == (None, None, None) else minutes,
        epochs=epochs,
        steps=steps,
        seed=seed,
        lr=lr,
        batch=batch,
        cells=cells,
        precision=precision,  # type: ignore[arg-type]  # as above
        val_prompts=val_prompts,
        mask_token=mask_token,
        method_options=method_options(method, method_option or ()),
    )
    found = _task(task, format, split_by, boxes_as_masks, class_)
    run_fit(found, _base(base, device, reference_decoder), out, config, _cache(cache, cache_type), resume)


@app.command()
def evaluate(
    task: TaskArgument,
    adapter: Annotated[
        Path | None, typer.Option(help="Folder that fit wrote; without it only the base is scored.")
    ] = None,
    split: SplitOption = "test",
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    base: Annotated[str | None, typer.Option(help="The base.", show_default="the adapter's, else mobile-sam")] = None,
    prompts: PromptsOption = "click",
    per_instance: Annotated[int, typer.Option(min=1, help="Prompts per instance.")] = 1,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Also vary the prompts, and count clicks to a quality.")
    ] = False,
    sensitivity_instances: SensitivityOption = 200,
    class_: MeasuredClassOption = None,
    also: AlsoOption = None,
    map: MapOption = None,
    drop_duplicates: DropOption = False,
    format: FormatOption = None,
    split_by: SplitByOption = None,
    boxes_as_masks: BoxesOption = False,
    seed: SeedOption = 0,
    cache: CacheOption = None,
    cache_type: CacheTypeOption = "float16",
    device: DeviceOption = "auto",
    reference_decoder: ReferenceOption = False,
) -> None:
    """Score the base and the adapted model on the same prompts, at the images' own resolution."""
    from samtailor.cli.measuring import class_to_score, run_evaluate, without_duplicates
    from samtailor.cli.predicting import base_of
    from samtailor.evaluation.questions import Questions

    found = _task(task, format, split_by, boxes_as_masks, class_to_score(class_, adapter, bool(map)))
    asked = Questions(
        split=split,
        prompts=prompts,  # type: ignore[arg-type]  # checked where it is used
        per_instance=per_instance,
        seed=seed,
        class_map=tuple(map or ()),
        sensitivity=_limit(sensitivity_instances) if sensitivity else 0,
        also=tuple(_task(path, None, None, False) for path in also or ()),
    )
    found = without_duplicates(found) if drop_duplicates else found
    run_evaluate(
        found,
        _base(base or base_of(adapter), device, reference_decoder),
        adapter,
        json,
        _cache(cache, cache_type),
        asked,
    )


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Folder that fit wrote; gets report.html and report.json.")],
    task: Annotated[str | None, typer.Option(help="The task.", show_default="the one it was fitted on")] = None,
    split: SplitOption = "test",
    prompts: PromptsOption = "click",
    per_instance: Annotated[int, typer.Option(min=1, help="Prompts per instance.")] = 1,
    sensitivity_instances: SensitivityOption = 200,
    click_maps: Annotated[int, typer.Option(min=0, help="Click maps of so many instances.")] = 3,
    click_map: Annotated[
        list[str] | None, typer.Option(help="File name of an image whose instances get click maps; may be repeated.")
    ] = None,
    also: AlsoOption = None,
    class_: MeasuredClassOption = None,
    strengths: Annotated[
        int, typer.Option(min=0, help="With --also: turn the adapter down on so many instances of each task.")
    ] = 200,
    map: MapOption = None,
    drop_duplicates: DropOption = False,
    format: FormatOption = None,
    split_by: SplitByOption = None,
    boxes_as_masks: BoxesOption = False,
    seed: SeedOption = 0,
    cache: CacheOption = None,
    cache_type: CacheTypeOption = "float16",
    device: DeviceOption = "auto",
    reference_decoder: ReferenceOption = False,
) -> None:
    """Measure all there is to measure about a run, and write it as one HTML page that opens offline."""
    from samtailor.cli.measuring import class_to_score, run_report, without_duplicates
    from samtailor.cli.predicting import base_of
    from samtailor.evaluation.questions import Questions
    from samtailor.runs import Run

    base = _base(base_of(run), device, reference_decoder)
    only = class_to_score(class_, run, bool(map))
    found = _task(task, format, split_by, boxes_as_masks, only) if task else Run(run).task(only)
    asked = Questions(
        split=split,
        prompts=prompts,  # type: ignore[arg-type]  # checked where it is used
        per_instance=per_instance,
        seed=seed,
        class_map=tuple(map or ()),
        sensitivity=_limit(sensitivity_instances),
        also=tuple(_task(path, None, None, False) for path in also or ()),
        strengths=strengths,
    )
    found = without_duplicates(found) if drop_duplicates else found
    command = shlex.join(["samtailor", *sys.argv[1:]])
    run_report(run, found, base, _cache(cache, cache_type), asked, command, click_maps, tuple(click_map or ()))


def _limit(instances: int) -> int | None:
    return None if instances == 0 else instances


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Images; all get the same prompts.")],
    out: Annotated[Path, typer.Option(help="Folder for mask PNGs and overlays.")],
    point: Annotated[
        list[str] | None, typer.Option(help="X,Y or X,Y,0 (background), in image pixels; may be repeated.")
    ] = None,
    box: Annotated[
        list[str] | None, typer.Option(help="X0,Y0,X1,Y1 in image pixels; repeated: one mask per box.")
    ] = None,
    adapter: Annotated[Path | None, typer.Option(help="Folder that fit wrote.")] = None,
    base: Annotated[str | None, typer.Option(help="The base.", show_default="the adapter's, else mobile-sam")] = None,
    multimask: Annotated[bool, typer.Option("--multimask", help="Three masks per prompt.")] = False,
    cache: CacheOption = None,
    device: DeviceOption = "auto",
    reference_decoder: ReferenceOption = False,
) -> None:
    """Segment images. All points make one prompt, with at most one box; several boxes make several prompts."""
    from samtailor.cli.predicting import base_of, run_predict

    points = [_numbers(text, "--point", (2, 3)) for text in point or []]
    boxes = [_numbers(text, "--box", (4,)) for text in box or []]
    if points and len(boxes) > 1:
        raise PromptError(
            f"Points and {len(boxes)} boxes were given.", "Points go with at most one box; call once per box instead."
        )
    run_predict(
        images,
        out,
        points,
        boxes,
        _base(base or base_of(adapter), device, reference_decoder),
        adapter,
        multimask,
        _cache(cache),
    )


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("runs/demo"),
    minutes: Annotated[float, typer.Option(help="Budget of fitting time.")] = 6.0,
    seed: SeedOption = 0,
    cache: CacheOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Fit the bundled base on the bundled sample, compare, draw."""
    from samtailor.cli.commands import run_demo

    run_demo(_base("mobile-sam", device), out, minutes, seed, _cache(cache))


def _numbers(text: str, option: str, counts: tuple[int, ...]) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        form = {"--point": "X,Y or X,Y,0", "--box": "X0,Y0,X1,Y1"}[option]
        raise PromptError(f"{option} got {text!r}.", f"Expected {form}: numbers with commas and no spaces.")
    return values
