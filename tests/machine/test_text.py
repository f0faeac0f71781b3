"""Text from strangers made harmless, and text that a terminal can write."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtailor.machine.text import close_word, did_you_mean, encodable, register_replacements, visible

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zellkérn 細胞 😀 क्‍ष", "Zellkérn 細胞 😀 क्‍ष"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\tc\x7f", r"a\rb\tc\x7f"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("a\u200bb\ufeff\u2028", r"a\u200bb\ufeff\u2028"),
        ("caf\udce9.png", r"caf\xe9.png"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("two\nlines", r"two\nlines"),
        (r"C:\data", r"C:\data"),
    ],
)
def test_hidden_characters_become_escapes(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_line_breaks_stay_if_asked_for() -> None:
    assert visible("two\nlines\r", lines=True) == "two\nlines\\r"


@given(ANY_TEXT)
def test_no_visible_text_holds_a_control_character_or_fails_to_encode(text: str) -> None:
    shown = visible(text)
    shown.encode()
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in shown)
    assert visible(shown) == shown


@given(ANY_TEXT, st.sampled_from(["ascii", "cp1252", "latin-1", "utf-8", "cp437", "shift_jis", "no such codec", None]))
def test_every_encoding_can_write_the_replaced_text(text: str, encoding: str | None) -> None:
    codec = "ascii" if encoding in (None, "no such codec") else encoding
    encodable(visible(text), encoding).encode(codec)


def test_our_own_signs_become_plain_ones() -> None:
    assert encodable("a…b ─ 3 × 4 → ≥", "ascii") == "a...b - 3 x 4 -> >="
    assert encodable("a…b × 細", "cp1252") == r"a…b × \u7d30"


def test_a_stream_with_the_replacements_writes_any_text() -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii", errors=register_replacements())
    stream.write("é … 細 \udce9")
    stream.flush()
    assert buffer.getvalue() == rb"\xe9 ... \u7d30 \xe9"


def test_the_word_that_was_probably_meant() -> None:
    splits, meanings = ("train", "val", "test"), {"validation": "val", "dev": "val"}
    assert [
        close_word(w, splits, meanings) for w in ("tset", "Validation", "dev", "validaton", "TRAIN", "xyz", "")
    ] == [*("test", "val", "val", "val", "train", "", "")]
    assert did_you_mean("tset", splits) == " Did you mean 'test'?"
    assert did_you_mean("qqq", splits) == ""
    assert close_word("dev", ("train", "test"), meanings) == ""
