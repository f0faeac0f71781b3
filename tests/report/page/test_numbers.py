"""How the page writes numbers and lists of names."""

from __future__ import annotations

from samtailor.metrics.bootstrap import UNKNOWN, Estimate
from samtailor.report.page.numbers import DASH, count, duration, interval, score, share, signed
from samtailor.report.page.words import listed
from tests.report.page.page_data import NAN


def test_how_numbers_are_written() -> None:
    assert (score(0.5166), score(NAN), score(None), score(-0.0001)) == ("0.517", DASH, DASH, "0.000")
    assert (signed(0.3271), signed(-0.012), signed(0.0)) == ("+0.327", "−0.012", "0.000")
    assert (count(1989), count(None), share(0.714)) == ("1,989", DASH, "71.4 %")
    pairs = (Estimate(NAN, 0.2, 0.1), Estimate(0.5, NAN, 1), UNKNOWN)
    assert [interval(estimate) for estimate in pairs] == ["0.100 to 0.200", "", ""]
    assert (duration(2707.6), duration(3.21), duration(7260), duration(None)) == (
        "45 min 8 s",
        "3.2 s",
        "2 h 1 min",
        DASH,
    )
    assert (listed("ab"), listed("abc"), listed("abcdefgh")) == ("a and b", "a, b and c", "a, b, c, d, e, f and 2 more")
