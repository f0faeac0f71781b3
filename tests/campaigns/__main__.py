"""Run campaigns and print their counts as tables: ``python -m tests.campaigns annotations --count 10000``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.campaigns.campaigns import CAMPAIGNS
from tests.campaigns.isolated import run_campaign


def main() -> int:
    """Run the chosen campaigns; the exit code is 1 if any case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"campaigns: {', '.join(CAMPAIGNS)}; default: all")
    parser.add_argument("--count", type=int, help="cases of each campaign; default: the target of each")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other cases")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="time limit of each campaign")
    parser.add_argument("--out", type=Path, default=Path("runs/campaigns"), help="folder for the inputs of failures")
    options = parser.parse_args()
    bad = 0
    for name in options.names or CAMPAIGNS:
        campaign, target = CAMPAIGNS[name]
        began = time.monotonic()
        count = options.count or target
        tally = run_campaign(campaign, options.out.resolve() / name, count, options.seed, options.seconds)
        print(f"\n{name}, seed {options.seed}, {time.monotonic() - began:.0f} s, largest {tally.largest >> 20} MB\n")
        print("\n".join(tally.lines()), flush=True)
        for failure, times in sorted(tally.failures.items(), key=lambda item: -item[1]):
            print(f"{times:6} x {failure}", flush=True)
        bad += tally.bad
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
