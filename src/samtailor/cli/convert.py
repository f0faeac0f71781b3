"""What ``convert`` does, once its options are read."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from samtailor.cli.progress import ProgressDisplay
from samtailor.data import Task, write_coco

__all__ = ["run_convert"]


def run_convert(task: Task, out: Path, polygons: bool, link: bool) -> None:
    console = Console(highlight=False)
    with ProgressDisplay(Console(stderr=True)) as progress:
        write_coco(task, out, polygons=polygons, link=link, progress=progress)
    console.print(escape(f"Read as {task.format}."), soft_wrap=True)
    for split, records in task.splits.items():
        console.print(f"{split}: {len(records)} images, {sum(len(r.instances) for r in records)} instances")
    console.print(f"Written to {escape(str(out))}", soft_wrap=True)
