"""Run experiments and write their pages.

python -m experiments run experiments/configs/main.yaml --data DATA [--only "faces plm"] [--dry-run]
python -m experiments table experiments/configs/main.yaml
python -m experiments results
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.pages.config_page import write_config_page
from experiments.pages.results_page import write_pages
from experiments.records.differences import add_differences
from experiments.records.lines import Lines
from experiments.running.driver import Driver, select_runs
from experiments.running.tasks import Tasks
from experiments.specs.config import Config, read_config
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import SamtailorError
from samtailor.machine.device import choose_device
from samtailor.machine.memory import keep_freed_memory

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
RESULTS = HERE / "results"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("configs", type=Path, nargs="+", metavar="CONFIG")
    shared.add_argument("--out", type=Path, default=Path("runs/experiments"), help="folder of adapters and measures")
    shared.add_argument("--results", type=Path, help="folder of JSON lines and pages; default: experiments/results")
    shared.add_argument(
        "--minutes-scale",
        type=float,
        default=1.0,
        help="multiply the minutes or steps of every fit, for a quick test; results go to OUT/scaled",
    )
    run = commands.add_parser("run", parents=[shared], help="process the runs that are not done, or continue them")
    run.add_argument("--data", type=Path, help="folder of the tasks")
    run.add_argument("--cache", type=Path, help="folder of the embedding cache; default: the user's cache")
    run.add_argument("--device", default="auto")
    run.add_argument("--only", default="", help='only labels with these words, such as "faces plm seed0, nuclei base"')
    run.add_argument("--dry-run", action="store_true", help="print the runs and their estimated time, then stop")
    run.add_argument("--retry-failed", action="store_true", help="run again the runs that failed")
    commands.add_parser("table", parents=[shared], help="write pages and charts from the JSON lines")
    commands.add_parser("results", help="write the pages of all configs, docs/results.md and docs/experiments.md")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0; 1 if a run failed; 2 for an error that the user can fix.
    """
    args = _parser().parse_args(arguments)
    try:
        if args.command == "results":
            return _results()
        scaled = args.minutes_scale != 1
        results = args.results or (args.out / "scaled" if scaled else RESULTS)
        configs = [read_config(path, args.minutes_scale) for path in args.configs]
        if args.command == "table":
            for config in configs:
                add_differences(config, Lines(results / f"{config.name}.jsonl"), results)
                print(write_config_page(config, results))
            return 0
        keep_freed_memory()
        device = choose_device(args.device)
        driver = Driver(Tasks(args.data), args.out, results, EmbeddingCache(args.cache), device, args.retry_failed)
        plan = select_runs(configs, args.only)
        if args.dry_run:
            driver.print_plan(plan)
            return 0
        return min(1, driver.run_all(plan))
    except SamtailorError as error:
        print(f"Error: {error.what}\n       {error.hint}", file=sys.stderr)
        return 2


def shipped_configs() -> list[Config]:
    """Read the configs in ``experiments/configs``, the main one first."""
    paths = sorted((HERE / "configs").glob("*.yaml"), key=lambda path: (path.stem != "main", path))
    return [read_config(path) for path in paths]


def _results() -> int:
    configs = shipped_configs()
    started = [c for c in configs if (RESULTS / f"{c.name}.jsonl").is_file()]
    for config in started:
        add_differences(config, Lines(RESULTS / f"{config.name}.jsonl"), RESULTS)
    for page in write_pages(configs, RESULTS, HERE, DOCS):
        print(page)
    for config in started:
        print(write_config_page(config, RESULTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
