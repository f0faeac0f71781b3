"""Goes through the runs of configs: fit, measure, write a line, next."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from experiments.log import log
from experiments.records.differences import add_differences
from experiments.records.lines import Lines, without_paths
from experiments.running.fitting import fit_facts, fit_once, is_fitted, set_aside
from experiments.running.measuring import kept_measure, take
from experiments.running.progress import Teller, duration
from experiments.running.provenance import code, machine
from experiments.running.tasks import Tasks
from experiments.running.time_estimate import Clock
from experiments.specs.config import Config
from experiments.specs.run import Run
from experiments.specs.settings import BASE, ConfigError
from samtailor.adapters.io import load_adapter
from samtailor.bases.registry import load_base
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import SamtailorError
from samtailor.machine.files import write_atomically

__all__ = ["Driver", "chosen"]


def chosen(configs: Sequence[Config], only: str) -> list[tuple[Config, Run]]:
    """The runs whose label has all words of one of the alternatives: ``"faces plm, nuclei base"``.

    Raises:
        ConfigError: none has.
    """
    runs = [(config, run) for config in configs for run in config.runs]
    wanted = [set(words.split()) for words in only.split(",") if words.strip()]
    found = [(c, r) for c, r in runs if not wanted or any(w <= set(r.label.split("/")) for w in wanted)]
    if not found:
        labels = ", ".join(r.label for _, r in runs[:20])
        raise ConfigError(
            f"No run has the words {only!r}.", f"Words are the parts of a label; the first are: {labels}."
        )
    return found


@dataclass
class Driver:
    """Where things lie, and on what they run.

    Attributes:
        tasks: loads them.
        out: run folders, by the identity of their settings, shared by all configs.
        results: a file of lines for each config.
        cache: of embeddings.
        device: that computes.
        retry_failed: run again what failed before.
    """

    tasks: Tasks
    out: Path
    results: Path
    cache: EmbeddingCache
    device: torch.device
    retry_failed: bool = False

    def __post_init__(self) -> None:
        self._lines: dict[str, Lines] = {}

    def lines(self, name: str) -> Lines:
        return self._lines.get(name) or self._read(name)

    def _read(self, name: str) -> Lines:
        self._lines[name] = Lines(self.results / f"{name}.jsonl")
        return self._lines[name]

    def is_done(self, config: Config, run: Run) -> bool:
        line = self.lines(config.name).of_run(run)
        return line is not None and not (line["status"] == "failed" and self.retry_failed)

    def _elsewhere(self, run: Run) -> dict[str, Any] | None:
        """The line of the same finished run, measures and all, in another config: its adapter need not be here."""
        for path in sorted(self.results.glob("*.jsonl")):
            line = Lines(path).of_run(run)
            if line and line["status"] == "done":
                return line
        return None

    def clock(self) -> Clock:
        files = sorted(self.results.glob("*.jsonl"))
        done = (line for file in files for line in Lines(file).of("run") if line["status"] == "done")
        return Clock(done, self.results)

    def show(self, plan: Sequence[tuple[Config, Run]]) -> None:
        """Print what would be done."""
        clock = self.clock()
        counted: dict[tuple[str, str], float] = {}
        for number, (config, run) in enumerate(plan, 1):
            done = self.is_done(config, run) or self._elsewhere(run)
            left = {} if done else clock.left(run, self.out / run.folder)
            fresh = {key: seconds for key, seconds in left.items() if key not in counted}
            counted |= fresh
            state = f"about {duration(sum(fresh.values()))}" if fresh else "nothing new"
            state = "done before" if self.is_done(config, run) else state
            print(f"[{number}/{len(plan)}] {config.name}/{run.label}  {run.folder}  {state}")
        print(f"In all about {duration(sum(counted.values()))}, encoding not counted.")

    def go(self, plan: Sequence[tuple[Config, Run]]) -> int:
        """Do what is not done; the number of failed runs.

        Raises:
            ConfigError: the data of some run are not there.
        """
        if lacking := self.tasks.missing([run for _, run in plan]):
            raise ConfigError(
                f"The data folder {self.tasks.data} lacks {', '.join(lacking)}.",
                "Give the right one with --data, or choose runs with --only.",
            )
        clock, failed = self.clock(), 0
        code()  # now: the tree may change while this runs
        numbered = [(f"[{n}/{len(plan)}] {c.name}/{r.label}", c, r) for n, (c, r) in enumerate(plan, 1)]
        later = []
        for head, config, run in numbered:
            with self._claimed(run, wait=False) as ours:
                if ours:
                    failed += self._one(head, config, run, clock, plan)
                else:
                    log(f"{head}: another driver is at it")
                    later.append((head, config, run))
        for head, config, run in later:
            with self._claimed(run, wait=True):
                failed += self._one(head, config, run, clock, plan)
        for config in {config.name: config for config, _ in plan}.values():
            add_differences(config, self._read(config.name), self.results)  # with what other drivers wrote
        return failed

    @contextmanager
    def _claimed(self, run: Run, wait: bool) -> Iterator[bool]:
        """Nobody else works in the run's folder meanwhile; False: somebody does. A killed driver's claim is gone."""
        lock = FileLock(self.out / f"{run.folder}.lock", timeout=-1 if wait else 0)
        self.out.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _one(self, head: str, config: Config, run: Run, clock: Clock, plan: Sequence[tuple[Config, Run]]) -> bool:
        """Do a run, if it is not done; whether it failed."""
        self._read(config.name)  # another driver may have done it meanwhile
        if self.is_done(config, run):
            log(f"{head}: done before")
            return False
        if known := self._elsewhere(run):
            log(f"{head}: the line of {known['config']}")
            self.lines(config.name).add(known | {"config": config.name})
            return False
        now = clock.left(run, self.out / run.folder)
        left = dict(now)
        for c, r in plan:
            left |= {} if self.is_done(c, r) else clock.left(r, self.out / r.folder)
        log(f"{head}: about {duration(sum(now.values()))}, all that is left {duration(sum(left.values()))}")
        line = self._line(config, run, clock)
        self.lines(config.name).add(self._clean(line))
        return bool(line["status"] == "failed")

    def _line(self, config: Config, run: Run, clock: Clock) -> dict[str, Any]:
        line: dict[str, Any] = {"kind": "run", "id": run.id, "config": config.name, "label": run.label}
        line |= {"folder": run.folder, "settings": run.settings, "seed": run.settings.get("seed"), **code()}
        line |= {"created": datetime.now(UTC).isoformat(timespec="seconds"), **machine(self.device)}
        folder = self.out / run.folder
        try:
            fit, measures = self._do(run, folder, clock)
        except Exception as error:  # whatever it is: the runs behind it shall have their night
            known = isinstance(error, SamtailorError)
            reason = f"{type(error).__name__}: {error}"
            write_atomically(folder / "error.txt", traceback.format_exc().encode())
            log(f"    failed: {reason}" + ("" if known else f" ({folder / 'error.txt'})"))
            return line | {"status": "failed", "reason": reason[:1000], "fit": None, "measures": []}
        return line | {"status": "done", "fit": fit, "measures": measures}

    def _do(self, run: Run, folder: Path, clock: Clock) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        base = load_base(run["base"], self.device)  # afresh for each run: none can hand anything on to the next
        fitted = run.method != BASE
        if fitted and (aside := set_aside(run, folder)):
            log(f"    {aside}")
        if fitted and not is_fitted(folder):
            fit_once(run, self.tasks.for_fit(run), base, folder, self.cache, Teller())
        adapter, found = None, []
        for asked in run.measures:
            result = kept_measure(folder, asked, self.results)
            if result is None:
                log(f"    measuring {asked.title}")
                adapter = adapter or (load_adapter(folder, base) if fitted else None)
                task = self.tasks.for_measure(run, asked)
                result = take(asked, task, base, adapter, folder, self.results, self.cache, Teller())
            clock.heard(run, asked, result["seconds"])
            found.append(result)
        return (fit_facts(run, base, folder) if fitted else None), found

    def _clean(self, line: dict[str, Any]) -> Any:
        places = {
            "out": self.out,
            "cache": self.cache.root,
            "home": Path.home(),
            "repository": Path(__file__).parents[2],
        }
        if self.tasks.data is not None:
            places["data"] = self.tasks.data
        return without_paths(line, places)
