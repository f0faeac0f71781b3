"""What ``fit`` prints at its end: nothing that reads as success if training improved nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from samtailor.adapters.plm import PLM
from samtailor.cli.fit import print_fit
from samtailor.fitting.outcome import FitResult


def printed(adapter: PLM, beats_base: bool, step: int, best: float) -> str:
    file, base = io.StringIO(), {"miou": 0.5, "iou_instances": 0.5, "n": 20}
    result = FitResult(
        adapter, beats_base, base, base | {"miou": best, "miou_error": 0.03}, step, 12, "the budget is used up"
    )
    print_fit(Console(file=file, width=80), result, Path("runs/mine"))
    return file.getvalue()


def test_an_adapter_that_is_better_is_named_with_its_score_and_its_file(moved_plm: PLM) -> None:
    text = printed(moved_plm, True, 9, 0.7)
    assert "Best at step 9: val mIoU 0.700 (standard error 0.030), base 0.500 (n 20)." in text
    assert "Adapter: runs/mine/adapter.safetensors" in text


@pytest.mark.parametrize(
    ("beats_base", "best", "words"),
    [(True, 0.6, "Training improved nothing"), (False, 0.5, "No adapter beat the base on the val split")],
)
def test_a_fit_that_improved_nothing_says_so_and_asks_to_look_at_the_data(
    moved_plm: PLM, beats_base: bool, best: float, words: str
) -> None:
    text = printed(moved_plm, beats_base, 0, best)
    assert words in text and "Best at" not in text and "Adapter:" not in text
    assert text.splitlines()[-1].endswith("Look at runs/mine/preview.png")
