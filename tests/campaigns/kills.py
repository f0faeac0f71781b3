"""SIGKILL at random moments of encoding and fitting: nothing is lost, and the results are those of a run in peace."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.campaigns.campaign import Campaign
from tests.campaigns.processes import run, run_and_kill
from tests.campaigns.runs_compared import check_entries, check_run, encode, fit, reference

__all__ = ["KILLS"]


def _attempt(group: str, rng: Random, folder: Path) -> str:
    """Kill once, in some cases more often, then let it finish."""
    act, seconds = (encode if group == "encode" else fit), reference().seconds[group]
    kills, wanted = 0, rng.choice([1, 1, 1, 3])
    for _ in range(20):  # on a busy machine a kill may come too late
        kills += run_and_kill(lambda: act(folder), rng.uniform(0, seconds))
        check_entries(folder, whole=False) if group == "encode" else None
        if kills == wanted:
            break
    errors = folder / "errors.txt"
    code = run(lambda: act(folder), errors)
    assert code == 0, f"it ended with {code} after {kills} kills: {errors.read_text() if errors.exists() else ''}"
    if group == "encode":
        check_entries(folder, whole=True)
    else:
        check_run(folder)
    assert kills, "no kill came in time"
    return f"{kills} kills"


def _prepare() -> None:
    reference()


KILLS = Campaign("kills", ("encode", "fit"), _attempt, _prepare, limit_address_space=False, seconds=60, idle=120)
