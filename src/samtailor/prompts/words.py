"""Check the words of a user's prompts, and warn of those that an adapter does not know."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from samtailor.errors import PromptError
from samtailor.machine.text import plain_name
from samtailor.prompts.doubts import warn
from samtailor.prompts.types import Prompts

__all__ = ["check_words", "near_names", "warn_of_unknown_words"]

NEAR = 3
"""Class names that are suggested for an unknown word."""
SHOWN = 12
"""Class names that are listed if none is near."""


def check_words(words: Any, count: int) -> tuple[str, ...] | None:
    """Return N words; None if no prompt has one.

    Args:
        words: a text, which is the word of every prompt, or one text per prompt; None or an empty text is no word.
        count: N, the number of prompts that have something else; 0 if the words are all there is.

    Raises:
        PromptError: words are not text, their number is wrong, or a word alone is empty.
    """
    if isinstance(words, str):
        texts = [words] * max(count, 1)
    else:
        texts = ["" if word is None else word for word in _listed(words)]
    wrong = next((word for word in texts if not isinstance(word, str)), None)
    if wrong is not None:
        raise PromptError(f"A word is {wrong!r:.80}.", "Give each prompt the name of a class, as text, or None.")
    texts = [str(word).strip() for word in texts]
    if count and len(texts) != count:
        raise PromptError(
            f"{count} prompts and {len(texts)} words were given.",
            "Word i belongs to prompt i: give one word per prompt, or one text for all.",
        )
    if not count and not all(texts):
        place = f"Word {texts.index('')} of {len(texts)} (counted from 0)" if len(texts) > 1 else "The word"
        raise PromptError(f"{place} is empty, and its prompt has nothing else.", "Give the name of a class.")
    return tuple(texts) if any(texts) else None


def _listed(words: Any) -> list[Any]:
    if isinstance(words, np.ndarray):
        words = words.tolist()
    if isinstance(words, bytes) or not isinstance(words, Iterable):
        raise PromptError(f"The words are {words!r:.80}.", "Give a text, or a list with a text for each prompt.")
    return list(words)


def near_names(word: str, names: Sequence[str]) -> list[str]:
    """Return the names that are most like a word, or share a part with it, the nearest first; at most three."""
    plain = plain_name(word)[:200]
    by_spelling = {plain_name(name): name for name in names}
    near = difflib.get_close_matches(plain, by_spelling, n=NEAR, cutoff=0.6)
    parts = set(plain.split())
    near += [spelling for spelling in by_spelling if spelling not in near and parts & set(spelling.split())]
    return [by_spelling[spelling] for spelling in near[:NEAR]]


def warn_of_unknown_words(prompts: Prompts, vocabulary: Sequence[str], leaves_base: bool = False) -> None:
    """Warn of words that an adapter was not fitted with.

    Args:
        prompts: what the adapter is prompted with.
        vocabulary: class names that were words in its fit.
        leaves_base: whether the adapter leaves the base unchanged.
    """
    if not prompts.have_words:
        return
    if leaves_base:
        warn("The fit ended without an adapter that beats the base, so words change nothing.")
        return
    known = {plain_name(name) for name in vocabulary}
    for word in dict.fromkeys(prompts.words or ()):
        if not word or plain_name(word) in known:
            continue
        what = f"The word {word!r:.80} is not in the adapter's vocabulary; its mask is a guess from the letters."
        warn(f"{what} {_suggestion(word, vocabulary)}")


def _suggestion(word: str, vocabulary: Sequence[str]) -> str:
    if near := near_names(word, vocabulary):
        return f"Did you mean {' or '.join(map(repr, near))}?"
    more = f" and {len(vocabulary) - SHOWN} more" if len(vocabulary) > SHOWN else ""
    return f"The vocabulary is {', '.join(map(repr, vocabulary[:SHOWN])) or 'empty'}{more}."
