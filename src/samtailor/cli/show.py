"""``samtailor show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samtailor.cli.json_output import JsonOption, console_beside, write_output

if TYPE_CHECKING:
    from rich.console import Console

    from samtailor.report.summary import RunSummary

__all__ = ["show"]


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `samtailor fit` wrote.")],
    json: JsonOption = None,
) -> None:
    """Say what a run is: base, method, dataset, scores, files, and whether it is finished or how to resume it."""
    from samtailor.report.summary import summarise_run

    summary, console = summarise_run(run), console_beside(json)
    print_summary(console, summary)
    write_output(json, summary.to_dict(), console)


def print_summary(console: Console, summary: RunSummary) -> None:
    """Print the facts, one per line, then what was measured, the files and what to do next."""
    from samtailor.cli.output import Row, Table, print_facts, print_line, print_table, print_text

    print_line(console, f"Run {summary.folder}")
    print_facts(console, _facts(summary))
    for name, evaluation in (summary.scores or {}).items():
        rows = [
            Row((row.name, f"{row.miou.value:.3f}", f"{row.iou_instances.value:.3f}", str(row.n)))
            for row in evaluation.rows
        ]
        title = f"Measured on the {evaluation.split} split of {evaluation.task} ({name})"
        print_table(console, Table(title, ("masks", "mIoU", "IoU", "n"), rows))
    rows = [Row((name, _size(size))) for name, size in (summary.files or {}).items()]
    print_table(console, Table("", ("file", "size"), rows))
    console.print()
    print_text(
        console, "To continue the fit:" if summary.state == "unfinished" else "To measure it and read a page about it:"
    )
    print_line(console, f"  {summary.next_command}")


def _facts(summary: RunSummary) -> list[tuple[str, str]]:
    from samtailor.cli.progress import duration

    state = {
        "finished": f"finished after {summary.steps} steps: {summary.ended}",
        "unfinished": f"not finished: {summary.steps} steps done, budget {summary.budget or 'unknown'}",
        "adapter": "an adapter, without the record of a fit",
    }[summary.state]
    facts = [("state", state), ("base", summary.base), ("method", summary.method)]
    if summary.parameters is not None:
        facts.append(("parameters", f"{summary.parameters:,}"))
    task = summary.task + (f", class {summary.only}" if summary.only else "")
    gone = "" if summary.task_there or not summary.task_path else " (no longer there)"
    facts += [("dataset", task), ("read from", f"{summary.task_path}{gone}")]
    facts.append(("validation", _validation(summary)))
    if summary.seconds is not None:
        budget = f", budget {summary.budget}" if summary.budget and summary.state == "finished" else ""
        facts.append(("time", duration(summary.seconds) + budget))
    facts.append(("date", summary.created))
    return [(name, text) for name, text in facts if text]


def _validation(summary: RunSummary) -> str:
    scores = summary.validation or {}
    if "base" not in scores or "adapted" not in scores:
        return ""
    if summary.state == "unfinished" and summary.best_step == 0:
        return f"nothing better than the base yet (mIoU {scores['base']:.3f})"
    if summary.beats_base and summary.best_step == 0:
        return (
            f"training improved nothing; another mask of the base has mIoU {scores['adapted']:.3f}, its single mask "
            f"{scores['base']:.3f}"
        )
    if summary.beats_base:
        return f"mIoU {scores['adapted']:.3f} at step {summary.best_step}, base {scores['base']:.3f}"
    return f"no adapter beat the base (mIoU {scores['base']:.3f}); the base's masks are unchanged"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
