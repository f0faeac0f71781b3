"""Process the runs of configs: fit, measure and write a line for each."""

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
from experiments.running.measuring import kept_measure, take_measure
from experiments.running.progress import ProgressLog, duration
from experiments.running.provenance import code_version, machine
from experiments.running.tasks import Tasks
from experiments.running.time_estimate import TimeEstimate
from experiments.specs.config import Config
from experiments.specs.run import Run
from experiments.specs.settings import BASE, ConfigError
from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.io import load_adapter
from samtailor.bases.registry import load_base
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.errors import SamtailorError
from samtailor.machine.files import write_atomically

__all__ = ["Driver", "select_runs"]


def select_runs(configs: Sequence[Config], only: str) -> list[tuple[Config, Run]]:
    """Return the runs whose label matches ``only``.

    Args:
        configs: the configs.
        only: alternatives such as ``"faces plm, nuclei base"``; a label matches if it has all words of one alternative.
            Empty: all runs.

    Raises:
        ConfigError: if no run matches.
    """
    runs = [(config, run) for config in configs for run in config.runs]
    alternatives = [set(words.split()) for words in only.split(",") if words.strip()]

    def matches(run: Run) -> bool:
        return not alternatives or any(words <= set(run.label.split("/")) for words in alternatives)

    selected = [(config, run) for config, run in runs if matches(run)]
    if not selected:
        labels = ", ".join(r.label for _, r in runs[:20])
        raise ConfigError(f"No run has the words {only!r}.", f"Use parts of a label; the first labels are: {labels}.")
    return selected


@dataclass
class Driver:
    """Processes runs.

    Attributes:
        tasks: loads the tasks.
        out: the folder of run folders, which all configs share.
        results: the folder of lines, with a file for each config.
        cache: the cache of embeddings.
        device: the device that computes.
        retry_failed: whether runs that failed before are run again.
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
        """The lines of a config, read at the first call."""
        return self._lines.get(name) or self._reload(name)

    def _reload(self, name: str) -> Lines:
        self._lines[name] = Lines(self.results / f"{name}.jsonl")
        return self._lines[name]

    def is_done(self, config: Config, run: Run) -> bool:
        """Whether the run has a line and need not be run again."""
        line = self.lines(config.name).of_run(run)
        return line is not None and not (line["status"] == "failed" and self.retry_failed)

    def _finished_line(self, run: Run) -> dict[str, Any] | None:
        """The line of the same finished run, with the same measures, in any config; its adapter may be gone."""
        for path in sorted(self.results.glob("*.jsonl")):
            line = Lines(path).of_run(run)
            if line and line["status"] == "done":
                return line
        return None

    def time_estimate(self) -> TimeEstimate:
        """An estimate from the finished runs of all configs."""
        files = sorted(self.results.glob("*.jsonl"))
        done = (line for file in files for line in Lines(file).of("run") if line["status"] == "done")
        return TimeEstimate(done, self.results)

    def print_plan(self, plan: Sequence[tuple[Config, Run]]) -> None:
        """Print each run with its folder and its remaining time."""
        estimate = self.time_estimate()
        counted: dict[tuple[str, str], float] = {}
        for number, (config, run) in enumerate(plan, 1):
            done = self.is_done(config, run) or self._finished_line(run)
            remaining = {} if done else estimate.remaining(run, self.out / run.folder)
            new = {key: seconds for key, seconds in remaining.items() if key not in counted}
            counted |= new
            state = f"about {duration(sum(new.values()))}" if new else "nothing new"
            state = "done before" if self.is_done(config, run) else state
            print(f"[{number}/{len(plan)}] {config.name}/{run.label}  {run.folder}  {state}")
        print(f"Total: about {duration(sum(counted.values()))}, not counting encoding.")

    def run_all(self, plan: Sequence[tuple[Config, Run]]) -> int:
        """Process the runs that are not done.

        Returns:
            The number of failed runs.

        Raises:
            ConfigError: if the data of a run are missing.
        """
        if missing := self.tasks.missing([run for _, run in plan]):
            raise ConfigError(
                f"The data folder {self.tasks.data} does not have {', '.join(missing)}.",
                "Give another folder with --data, or select runs with --only.",
            )
        estimate, failed = self.time_estimate(), 0
        code_version()  # read it now: files may change during the runs
        numbered = [(f"[{n}/{len(plan)}] {c.name}/{r.label}", c, r) for n, (c, r) in enumerate(plan, 1)]
        postponed = []
        for title, config, run in numbered:
            with self._locked(run, wait=False) as locked:
                if locked:
                    failed += self._process(title, config, run, estimate, plan)
                else:
                    log(f"{title}: another driver is working on it; postponed")
                    postponed.append((title, config, run))
        for title, config, run in postponed:
            with self._locked(run, wait=True):
                failed += self._process(title, config, run, estimate, plan)
        for config in {config.name: config for config, _ in plan}.values():
            add_differences(config, self._reload(config.name), self.results)  # with the lines of other drivers
        return failed

    @contextmanager
    def _locked(self, run: Run, wait: bool) -> Iterator[bool]:
        """Lock the run's folder, or yield False if another driver has the lock; a killed driver loses its lock."""
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

    def _process(
        self, title: str, config: Config, run: Run, estimate: TimeEstimate, plan: Sequence[tuple[Config, Run]]
    ) -> bool:
        """Run it unless it is done; return whether it failed."""
        self._reload(config.name)  # another driver may have finished it
        if self.is_done(config, run):
            log(f"{title}: done before")
            return False
        if finished := self._finished_line(run):
            log(f"{title}: copied the line of {finished['config']}")
            self.lines(config.name).add(finished | {"config": config.name})
            return False
        own = estimate.remaining(run, self.out / run.folder)
        total = dict(own)
        for c, r in plan:
            total |= {} if self.is_done(c, r) else estimate.remaining(r, self.out / r.folder)
        log(f"{title}: about {duration(sum(own.values()))}; all remaining runs {duration(sum(total.values()))}")
        line = self._line(config, run, estimate)
        self.lines(config.name).add(self._clean(line))
        return bool(line["status"] == "failed")

    def _line(self, config: Config, run: Run, estimate: TimeEstimate) -> dict[str, Any]:
        """Run it and describe it; an error becomes a line with the status ``failed``."""
        line: dict[str, Any] = {"kind": "run", "id": run.id, "config": config.name, "label": run.label}
        line |= {"folder": run.folder, "settings": run.settings, "seed": run.settings.get("seed"), **code_version()}
        line |= {"created": datetime.now(UTC).isoformat(timespec="seconds"), **machine(self.device)}
        folder = self.out / run.folder
        try:
            fit, measures = self._fit_and_measure(run, folder, estimate)
        except Exception as error:  # any error: the next runs must not be lost
            known = isinstance(error, SamtailorError)
            reason = f"{type(error).__name__}: {error}"
            write_atomically(folder / "error.txt", traceback.format_exc().encode())
            log(f"    failed: {reason}" + ("" if known else f" ({folder / 'error.txt'})"))
            return line | {"status": "failed", "reason": reason[:1000], "fit": None, "measures": []}
        return line | {"status": "done", "fit": fit, "measures": measures}

    def _fit_and_measure(
        self, run: Run, folder: Path, estimate: TimeEstimate
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        base = load_base(run["base"], self.device)  # a new one for each run, so that runs cannot affect each other
        fitted = run.method != BASE
        if fitted and (message := set_aside(run, folder)):
            log(f"    {message}")
        if fitted and not is_fitted(folder):
            fit_once(run, self.tasks.for_fit(run), base, folder, self.cache, ProgressLog())
        model, results = None, []
        for measure in run.measures:
            result = kept_measure(folder, measure, self.results)
            if result is None:
                log(f"    measuring {measure.title}")
                model = model or AdaptedModel.of(base, load_adapter(folder, base) if fitted else None, self.cache)
                task = self.tasks.for_measure(run, measure)
                result = take_measure(measure, model, task, folder, self.results, ProgressLog())
            estimate.record(run, measure, result["seconds"])
            results.append(result)
        return (fit_facts(run, base, folder) if fitted else None), results

    def _clean(self, line: dict[str, Any]) -> Any:
        """Replace the paths of this machine."""
        places = {
            "out": self.out,
            "cache": self.cache.root,
            "home": Path.home(),
            "repository": Path(__file__).parents[2],
        }
        if self.tasks.data is not None:
            places["data"] = self.tasks.data
        return without_paths(line, places)
