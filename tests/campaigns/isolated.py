"""Run cases in child processes with limits on time and memory. One process tries many cases, until one ends it."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.campaigns.campaign import Campaign
from tests.campaigns.outcome import Outcome, Tally
from tests.campaigns.worker import BROKEN, MEMORY, Line, work_through

__all__ = ["run_campaign"]

_TIME = "out of time"


def run_campaign(campaign: Campaign, folder: Path, count: int, seed: int = 0, seconds: float = float("inf")) -> Tally:
    """Try ``count`` cases, or as many as fit into ``seconds``.

    Returns:
        The counts. Inputs of failures are in ``folder/failures``.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "case").mkdir(parents=True)
    campaign.prepare()
    tally, number, end = Tally(folder / "failures"), 0, time.monotonic() + seconds
    while number < count and time.monotonic() < end:
        number = _Child(campaign, folder, range(number, count), seed, end).watch(tally)
    return tally


class _Child:
    """A forked process that tries cases one after another, and what is known of the current one."""

    def __init__(self, campaign: Campaign, folder: Path, numbers: range, seed: int, end: float) -> None:
        self.campaign, self.folder, self.next, self.end = campaign, folder, numbers.start, end
        self.count = numbers.stop
        reading, writing = os.pipe()
        heard, self.acknowledge = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            work_through(campaign, folder, numbers, seed, Line(writing, heard))
        os.close(writing)
        os.close(heard)
        self.pipe = os.fdopen(reading, "rb", buffering=0)
        self.process = psutil.Process(self.pid)
        self.began = 0.0  # CPU time at the start of the case
        self.last = (0.0, time.monotonic())  # CPU time when it was last seen to compute, and when that was
        self.peak = 0

    def watch(self, tally: Tally) -> int:
        """Count outcomes until the process ends; return the number of the next case."""
        data, ended = b"", ""
        while True:
            ready, _, _ = select.select([self.pipe], [], [], 0.25)
            if ready:
                part = self.pipe.read(1 << 16)
                if not part:
                    break
                *lines, data = (data + part).split(b"\n")
                for line in lines:
                    self._hear(json.loads(line), tally)
            if not ended and (ended := self._over_limit()):
                os.kill(self.pid, signal.SIGKILL)
        self.pipe.close()
        os.close(self.acknowledge)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if ended == _TIME or self.next == self.count:
            return self.count
        if code in (0, BROKEN):
            raise RuntimeError(f"The campaign is broken: {(self.folder / 'stderr.txt').read_text()}")
        kind, _, detail = (ended or f"crash: it ended with {code}").partition(": ")
        self._count(tally, Outcome(kind, detail, peak=self.peak))
        return self.next

    def _hear(self, message: dict[str, Any], tally: Tally) -> None:
        if "start" in message:
            self.began, self.peak = self._cpu(), 0
            self.last = (self.began, time.monotonic())
        else:
            self._count(tally, Outcome(**message))
            os.write(self.acknowledge, b"\n")  # the input of a failure is copied; the next case may replace it

    def _count(self, tally: Tally, outcome: Outcome) -> None:
        tally.add(self.campaign.case(self.next), str(self.next), outcome, self.folder / "case")
        self.next += 1

    def _over_limit(self) -> str:
        if time.monotonic() >= self.end:
            return _TIME
        now, cpu = time.monotonic(), self._cpu()
        if cpu > self.last[0] or self._is_running():
            self.last = (cpu, now)
        if cpu - self.began > self.campaign.seconds or now - self.last[1] > self.campaign.idle:
            return f"hang: {cpu - self.began:.0f} s of CPU, then {now - self.last[1]:.0f} s of waiting"
        with suppress(psutil.Error):
            self.peak = max(self.peak, self.process.memory_info().rss)
        return f"memory: {self.peak >> 20} MB" if self.peak > 2 * MEMORY else ""

    def _is_running(self) -> bool:
        """Return True if it computes, or would if a processor were free."""
        with suppress(psutil.Error):
            return bool(self.process.status() == psutil.STATUS_RUNNING)
        return False

    def _cpu(self) -> float:
        with suppress(psutil.Error):
            times = self.process.cpu_times()
            return float(times.user + times.system)
        return 0.0
