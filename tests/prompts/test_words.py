"""Checks on the words of a user's prompts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from samtailor.bases.sam.preprocess import padded_frame
from samtailor.errors import PromptError, PromptWarning
from samtailor.machine.text import plain_name
from samtailor.prompts import Prompts, check_evaluated_kind, check_kind, check_prompts
from samtailor.prompts.words import near_names, warn_of_unknown_words

FRAME = padded_frame(100, 80, 64, 16)
NAMES = ("left_brow", "right_brow", "nose", "skin")


def words_of(words: Any, **prompt: Any) -> tuple[str, ...] | None:
    return check_prompts(words=words, frame=FRAME, **prompt).words


def test_words_are_taken_as_users_have_them() -> None:
    two = [[[5, 5]], [[9, 9]]]
    assert words_of("nose") == ("nose",) and words_of(["nose", " skin "]) == ("nose", "skin")
    assert words_of(np.array(["nose", "skin"]), points=two) == ("nose", "skin")
    assert words_of("nose", points=two) == ("nose", "nose"), "one text is the word of every prompt"
    assert words_of("nose", points=[[5, 5], [9, 9]]) == ("nose",), "two points of one prompt"
    assert words_of("nose", boxes=[[1, 1, 9, 9]] * 3) == ("nose",) * 3
    assert words_of([None, "skin"], points=two) == ("", "skin")
    assert words_of(["", None], points=two) is None and words_of("", points=[[5, 5]]) is None
    assert words_of(("nose",), points=[]) == ("nose",), "empty points are no prompt"
    assert len(check_prompts(words=[], frame=FRAME)) == 0
    assert len(check_prompts(words="nose", masks=np.zeros((16, 16)), frame=FRAME)) == 1


def test_a_word_replaces_the_points_of_its_prompt() -> None:
    prompts = check_prompts(points=[[[5, 5]], []], words=["", "nose"], frame=FRAME)
    assert prompts.labels is not None and prompts.labels.tolist() == [[1], [-1]]
    groups = {int(rows[0]): group for rows, group in prompts.by_point_count()}
    assert groups[1].points is None and groups[1].words == ("nose",)
    assert groups[0].words == ("",) and len(groups[0]) == 1
    with pytest.raises(PromptError, match=r"Prompt 1 of 2 \(counted from 0\) has no point"):
        check_prompts(points=[[[5, 5]], []], words=["nose", None], frame=FRAME)


@pytest.mark.parametrize(
    ("words", "prompt", "message"),
    [
        ("", {}, "The word is empty"),
        (["nose", " "], {}, r"Word 1 of 2 \(counted from 0\) is empty"),
        (3, {}, "The words are 3"),
        (b"nose", {}, "The words are b'nose'"),
        ([3], {}, "A word is 3"),
        ([["nose"]], {}, "A word is"),
        (["nose", "skin"], {"points": [[5, 5]]}, "1 prompts and 2 words were given"),
    ],
)
def test_wrong_words_raise_an_error(words: Any, prompt: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptError, match=message):
        check_prompts(words=words, frame=FRAME, **prompt)


def test_prompts_keep_their_words_in_every_part() -> None:
    prompts = Prompts(np.zeros((3, 1, 2), np.float32), np.ones((3, 1), np.int64), words=("a", "", "b"))
    assert prompts[1:].words == ("", "b") and prompts[:1].words == ("a",)
    assert prompts.without_words().words is None and prompts.without_words().points is prompts.points
    alone = Prompts(words=("a", "b"))
    assert len(alone) == 2 and alone[1:] == Prompts(words=("b",))
    placed = alone.placed()
    assert placed.words == ("a", "b") and placed.labels is not None and placed.labels.tolist() == [[-1], [-1]]
    assert alone.without_words().words is None and len(alone.without_words()) == 2


def test_unknown_words_are_accepted_with_a_warning() -> None:
    with pytest.warns(PromptWarning, match=r"'rigth brow' is not in.*Did you mean 'right_brow' or 'left_brow'"):
        warn_of_unknown_words(Prompts(words=("rigth brow", "Nose", "")), NAMES)
    with pytest.warns(PromptWarning, match="The vocabulary is 'left_brow', 'right_brow', 'nose', 'skin'"):
        warn_of_unknown_words(Prompts(words=("zzz",)), NAMES)
    with pytest.warns(PromptWarning, match="and 88 more"):
        warn_of_unknown_words(Prompts(words=("zzz",)), [str(k) for k in range(100)])
    with pytest.warns(PromptWarning, match="words change nothing"):
        warn_of_unknown_words(Prompts(words=("nose",)), NAMES, leaves_base=True)


@pytest.mark.filterwarnings("error")
def test_known_words_give_no_warning() -> None:
    for known in ("Right Brow", "right-brow", " NOSE ", "skin"):
        warn_of_unknown_words(Prompts(words=(known,)), NAMES)
    warn_of_unknown_words(Prompts(words=("",)), NAMES, leaves_base=True)


def test_near_names_have_like_letters_or_a_part_in_common() -> None:
    assert near_names("noze", NAMES) == ["nose"]
    assert near_names("brow", NAMES) == ["left_brow", "right_brow"]
    assert near_names("upper brow", NAMES)[:2] == ["left_brow", "right_brow"]
    assert near_names("xylophone", NAMES) == []


def test_plain_names() -> None:
    assert {plain_name(name) for name in ("Right_Brow", "right-brow", "  RIGHT   brow ")} == {"right brow"}
    assert plain_name("\uff2eose") == "nose" and plain_name("Stra\u00dfe") == "strasse"
    assert plain_name("__") == "__" and plain_name("") == "" and plain_name("e\u0301") == "\u00e9"


def test_kinds_with_words_can_be_evaluated() -> None:
    for kind in ("click", "box", "mix", "3 clicks", "word", "word+click", "wrong word+click"):
        check_evaluated_kind(kind)
    with pytest.raises(PromptError, match=r"Choose click, box, mix or interactive\. The method words adds words"):
        check_kind("word")
    with pytest.raises(PromptError, match=r"Choose click, box.*or wrong word\+click. Did you mean 'word'"):
        check_evaluated_kind("words")
