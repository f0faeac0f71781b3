"""Print the largest differences between samtailor's scores and independent implementations, on the masks of the tests.

python tools/metric_agreement.py
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.metrics.test_boundary import AGREEMENT, ALL


def main() -> None:
    warnings.simplefilter("ignore")  # deprecation warnings in MONAI
    print(f"| score | compared with | largest difference on {len(ALL)} pairs of masks |")
    print("|---|---|---|")
    for name, (other, difference, _) in AGREEMENT.items():
        compare = difference()
        print(f"| {name} | {other} | {max(compare(a, b) for a, b in ALL):.1g} |")


if __name__ == "__main__":
    main()
