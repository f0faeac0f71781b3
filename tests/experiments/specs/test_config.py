"""Config files, and the identities of their runs."""

from __future__ import annotations

import random

import pytest
from experiments.specs.config import read_config
from experiments.specs.settings import FIT_DEFAULTS, digest

from samtailor.adapters.methods import METHODS, method_class
from samtailor.errors import SamtailorError
from samtailor.fitting.config import FitConfig
from tests.experiments.helpers import WriteConfig


def test_lists_give_a_run_for_each_combination_without_repeats(write_config: WriteConfig) -> None:
    path = write_config([{"task": ["a", "b"], "method": ["base", "plm"], "seed": [0, 1], "losses": {"dice": [1, 2]}}])
    runs = read_config(path).runs
    assert len(runs) == 2 * (1 + 2 * 2)  # the base has no seed and no loss
    fits = [r for r in runs if r.method == "plm"]
    assert [(r["task"], r["seed"], r["losses.dice"]) for r in fits][:4] == [("a", s, d) for s in (0, 1) for d in (1, 2)]
    assert fits[1].fit_config().losses.dice == 2
    assert fits[1].fit_config().lr == 1e-3  # YAML 1.1 would read 1e-3 as text


def test_method_options_at_their_default_do_not_change_a_run(write_config: WriteConfig) -> None:
    entry = {"task": "a", "method": "plm+pmm", "method_options": {"pmm_weight": [0.1, 1], "pmm_contour": "jittered"}}
    default_weight, weight_of_one = read_config(write_config([entry])).runs
    assert default_weight.fit_config().method_options == {"pmm_contour": "jittered"}  # 0.1 is the default
    assert weight_of_one.fit_config().method_options == {"pmm_contour": "jittered", "pmm_weight": 1}
    assert "method_options.pmm_weight=1" in weight_of_one.label
    without, explicit = {"task": "a", "method": "plm+pmm"}, {"method_options": {"pmm_points": 64}}
    ids = [read_config(write_config([entry])).runs[0].fit_id for entry in (without, without | explicit)]
    assert ids[0] == ids[1]


def test_methods_that_share_an_option_share_its_default() -> None:
    """The identities of runs depend on it."""
    for name in METHODS:
        for option, default in method_class(name).options().items():
            assert FIT_DEFAULTS[f"method_options.{option}"] == default


def test_lists_in_a_measure_give_a_measure_for_each_combination(write_config: WriteConfig) -> None:
    measures = [{"prompt": ["click", "3 clicks"], "split": ["val", "test"]}, {}]
    (run,) = read_config(write_config([{"task": "a", "measures": measures}])).runs
    assert [m.title for m in run.measures] == ["val, click", "test, click", "val, 3 clicks", "test, 3 clicks"]


def test_identity_does_not_depend_on_the_order_of_keys_or_on_explicit_defaults(write_config: WriteConfig) -> None:
    settings = {"task": "a", "seed": 1, "minutes": 12, "measures": [{"prompt": "box"}, {"split": "val"}]}
    (first,) = read_config(write_config([settings])).runs
    for seed in range(5):
        keys = random.Random(seed).sample(list(settings), len(settings))
        assert [r.id for r in read_config(write_config([{k: settings[k] for k in keys}])).runs] == [first.id]
    equal = settings | {"cells": FitConfig(epochs=1).cells, "losses": {"focal": 20}, "minutes": 12.0, "class": "all"}
    assert [r.id for r in read_config(write_config([equal])).runs] == [first.id]
    for change in ({"seed": 2}, {"minutes": 13}, {"class": "x"}, {"losses": {"focal": 2}}, {"train_fraction": 0.5}):
        (changed,) = read_config(write_config([settings | change])).runs
        assert changed.fit_id != first.fit_id
    (remeasured,) = read_config(write_config([settings | {"measures": [{"prompt": "box"}]}])).runs
    assert remeasured.fit_id == first.fit_id and remeasured.id != first.id
    assert digest({"a": 1, "b": [2.0]}) == digest({"b": [2], "a": 1})


@pytest.mark.parametrize(
    ("runs", "top", "words"),
    [
        ([{"task": "a", "learning_rate": 1}], {}, ["learning_rate", "lr"]),
        ([{"task": "a", "losses": {"edge": 1}}], {}, ["losses.edge", "losses.dice"]),
        ([{"task": "a", "method_options": {"pmm_wait": 1}}], {}, ["pmm_wait", "method_options.pmm_weight"]),
        ([{"task": "a", "method": "plm", "method_options": {"pmm_weight": 1}}], {}, ["'plm'", "pmm_weight", "hidden"]),
        ([{"task": "a", "method": "lora", "method_options": {"rank": "x"}}], {}, ["rank", "'x'", "whole number"]),
        ([{"task": "a", "measures": [{"prompts": "box"}]}], {}, ["prompts", "prompt,"]),
        ([{"task": "a", "measures": [{"format": "coco"}]}], {}, ["format", "without a task"]),
        ([{"task": "a"}], {"nmae": "x"}, ["nmae", "compare_with"]),
        ([{"task": "a"}], {"compare_with": {"method": "plm"}}, ["compare_with", "'method'"]),
        ([{"task": "a", "measures": [{"split": "tset"}]}], {}, ["tset", "val"]),
        ([{"task": "a", "measures": [{"prompt": "scribble"}]}], {}, ["scribble", "box"]),
        ([{"task": "a", "cells": 2}], {}, ["cells"]),
        ([{"task": "a", "class": "x", "class_map": ["x=y"]}], {}, ["both class and class_map"]),
        ([{"task": "a", "train_fraction": 0}], {}, ["train_fraction"]),
        ([{"task": "/a"}], {}, ["below the data folder"]),
        ([{"task": "../a"}], {}, ["below the data folder"]),
        ([{"method": "plm"}], {}, ["None"]),
        (
            [{"adapter_of": "small/b/plm/seed0"}, {"task": "a", "method": "plm"}],
            {},
            ["small/b/plm/seed0", "a/plm/seed0"],
        ),
    ],
)
def test_an_unknown_key_or_value_is_an_error(
    write_config: WriteConfig, runs: list[dict[str, object]], top: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(SamtailorError) as caught:
        read_config(write_config(runs, **top))
    for word in words:
        assert word in str(caught.value)


def test_adapter_of_takes_the_settings_of_a_run_of_another_config(write_config: WriteConfig) -> None:
    (fitted,) = read_config(write_config([{"task": "a", "seed": 3}], "other")).runs
    path = write_config([{"adapter_of": f"other/{fitted.label}", "measures": [{"split": "val"}]}])
    (run,) = read_config(path).runs
    assert (run.fit_id, run.folder, run.settings) == (fitted.fit_id, fitted.folder, fitted.settings)
    assert run.id != fitted.id


def test_a_scaled_budget_makes_another_run(write_config: WriteConfig) -> None:
    path = write_config([{"task": "sample", "minutes": 12, "seed": 0}])
    whole, short = read_config(path).runs[0], read_config(path, 0.5).runs[0]
    assert short["minutes"] == 6
    assert short.id != whole.id
    path = write_config([{"task": "sample", "steps": 1000, "seed": 0}])
    assert [read_config(path, scale).runs[0]["steps"] for scale in (1, 0.25, 1e-6)] == [1000, 250, 1]
