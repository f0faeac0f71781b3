"""The split is found in names of files and folders."""

from __future__ import annotations

import pytest

from samtailor.data.split_names import split_in_name, split_word


@pytest.mark.parametrize(
    ("name", "split", "word"),
    [
        ("train", "train", "train"),
        ("instances_train2017", "train", "train2017"),
        ("livecell_coco_val", "val", "val"),
        ("Validation", "val", "Validation"),
        ("valid", "val", "valid"),
        ("labelsTest", "test", "labelsTest"),
        ("image_info_test-dev2017", "", "test"),
        ("TRAIN", "train", "TRAIN"),
        ("instances_default", "", "instances_default"),
        ("contest", "", "contest"),
        ("train_val", "", "train"),
        ("trained", "", "trained"),
        ("", "", ""),
    ],
)
def test_splits_are_words_of_a_name(name: str, split: str, word: str) -> None:
    assert split_in_name(name) == split
    assert split_word(name) == word
