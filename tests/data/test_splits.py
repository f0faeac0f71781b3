"""Splits by name depend only on the seed and the name, and fill all splits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtailor.data.defaults import SHARES
from samtailor.data.splits import split_by_name, split_items, split_note
from samtailor.data.task import SPLITS

NAMES = st.sets(st.text(max_size=5), max_size=30)


@given(NAMES, st.integers(0, 3))
def test_every_split_is_filled_and_the_order_of_names_does_not_matter(names: set[str], seed: int) -> None:
    splits = split_by_name(names, seed)
    assert splits.keys() == names
    assert len(set(splits.values())) == min(len(names), 3) or len(names) > 3
    if len(names) >= 3:
        assert set(splits.values()) == set(SPLITS)
    assert split_by_name(sorted(names, reverse=True), seed) == splits


def test_names_keep_their_split_when_others_are_added() -> None:
    names = [f"image-{n}" for n in range(2000)]
    many, few = split_by_name(names), split_by_name(names[:1000])
    assert all(many[name] == split for name, split in few.items())
    assert split_by_name(names, seed=1) != many


def test_many_names_are_split_in_the_given_shares() -> None:
    splits = list(split_by_name(f"image-{n}" for n in range(2000)).values())
    assert all(math.isclose(splits.count(split) / 2000, share, abs_tol=0.03) for split, share in SHARES.items())


@given(NAMES)
def test_items_are_split_like_their_names(names: set[str]) -> None:
    splits = split_by_name(names)
    items = sorted(names)
    assert split_items(items, str) == {s: [item for item in items if splits[item] == s] for s in SPLITS}


def test_the_note_names_the_shares_and_the_seed() -> None:
    assert split_note("file name", 3) == "split 70/10/20 by file name (seed 3)"
    assert list(SHARES) == list(SPLITS) and sum(SHARES.values()) == pytest.approx(1)
