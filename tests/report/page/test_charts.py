"""Charts stay inside their plot, and scales are readable."""

from __future__ import annotations

import re

import pytest

from samtailor.report.page.charts import bars, difference_axis, difference_scale, differences, lines


@pytest.mark.parametrize(("value", "ends"), [(0.5, (0.4, 0.6)), (1.3, (-0.2, 1.7)), (-0.3, (-2.0, -1.0)), (None, None)])
def test_nothing_is_drawn_outside_the_plot(value: float | None, ends: tuple[float, float] | None) -> None:
    drawings = [
        bars([("base-single", value, ends), ("adapted", value, ends)]),
        differences(value, ends, (-0.02, 0.05)),
        lines([("adapted", [value, None, value])], [1, 2, 3], label="", x_title="", y_title=""),
    ]
    for drawing in drawings:
        places = [float(p) for p in re.findall(r'(?:x|x1|x2|cx|cy|y1|y2)="(-?[\d.]+)%"', str(drawing))]
        assert places and all(0 <= p <= 100 for p in places)
        width = re.findall(r'rect[^>]* width="(-?[\d.]+)%"', str(drawing))
        assert all(0 <= float(w) <= 100 for w in width)


def test_the_scale_of_differences() -> None:
    assert difference_scale([0.31, 0.342, None]) == (0, 0.4)
    assert difference_scale([-0.01, 0.06]) == (-0.02, 0.1)
    assert difference_scale([]) == (-0.02, 0.02)
    assert "−0.02" in difference_axis((-0.02, 0.1)) and ">+0.1<" in difference_axis((-0.02, 0.1))
    assert "−0.02" not in difference_axis((-0.02, 0.3))  # it would overlap with 0
