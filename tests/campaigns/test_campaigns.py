"""A short version of each campaign. ``make campaign`` runs the long one; docs/campaigns.md has its counts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from samtailor.errors import DataError
from tests.campaigns.campaign import Campaign
from tests.campaigns.campaigns import CAMPAIGNS
from tests.campaigns.isolated import run_campaign
from tests.campaigns.outcome import Outcome, Tally

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="cases run in forked processes"),
]

SHORT = {
    "annotations": 96,
    "missing-files": 32,
    "geometry": 27,
    "images": 90,
    "kills": 2,
    "crash-points": 3,
    "power-cut": 2,
}


@pytest.mark.parametrize("name", SHORT)
def test_nothing_falls(name: str, tmp_path: Path) -> None:
    if name == "power-cut" and not sys.platform.startswith("linux"):
        pytest.skip("the paths of flushed files come from /proc")
    tally = run_campaign(CAMPAIGNS[name][0], tmp_path, SHORT[name])
    assert tally.failures == {} and sum(row["cases"] for row in tally.counts.values()) == SHORT[name]


def _raise(error: BaseException) -> str:
    raise error


def _wait_for_a_pipe() -> str:
    reading, _ = os.pipe()
    return str(os.read(reading, 1))


def _count() -> str:
    while True:
        pass


ENDS: dict[str, Callable[[], str]] = {
    "ok": lambda: "fine",
    "clean error": lambda: _raise(DataError("It is damaged.", "Export it again.")),
    "raw exception": lambda: _raise(KeyError("x")),
    "memory": lambda: str(len(bytearray(3 << 30))),
    "crash": lambda: str(os.abort()),
}


def test_each_end_of_a_case_is_counted_and_the_others_go_on(tmp_path: Path) -> None:
    def attempt(group: str, rng: Random, folder: Path) -> str:
        (folder / "input.txt").write_text(group)
        return ENDS[group]()

    tally = run_campaign(Campaign("ends", tuple(ENDS), attempt), tmp_path, 2 * len(ENDS))
    assert {group: dict(row) for group, row in tally.counts.items()} == {end: {"cases": 2, end: 2} for end in ENDS}
    kept = sorted(path.parent.name for path in (tmp_path / "failures").glob("*/input.txt"))
    assert kept == ["crash-4", "crash-9", "memory-3", "memory-8", "raw-exception-2", "raw-exception-7"]


@pytest.mark.parametrize("attempt", [_count, _wait_for_a_pipe])
def test_hangs_are_ended(attempt: Callable[[], str], tmp_path: Path) -> None:
    campaign = Campaign("hang", ("x",), lambda *_: attempt(), seconds=0.3, idle=1.0)
    assert run_campaign(campaign, tmp_path, 1).counts["x"]["hang"] == 1


def test_the_table_sums_up_and_long_messages_and_printed_text_are_failures(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    tally.add("a", "1", Outcome("ok", printed="TIFF: bad 17\n"))
    tally.add("b", "2", Outcome("clean error", "x", length=30_000))
    assert tally.lines()[-1] == "| all | 2 | 1 | 1 | 0 | 0 | 0 | 0 | 1 | 1 |"
    assert list(tally.failures) == ["a | printed: TIFF: bad 0", "b | long message: 30000 characters"]


def test_cases_depend_on_seed_and_number_alone(tmp_path: Path) -> None:
    drawn: list[list[str]] = []
    for seed in (1, 1, 2):
        log = tmp_path / f"{len(drawn)}.txt"

        def attempt(group: str, rng: Random, folder: Path, log: Path = log) -> str:
            with log.open("a") as file:
                file.write(f"{group} {rng.random()}\n")
            return ""

        run_campaign(Campaign("drawn", ("a", "b"), attempt), tmp_path / "work", 6, seed)
        drawn.append(log.read_text().splitlines())
    assert drawn[0] == drawn[1] != drawn[2]
