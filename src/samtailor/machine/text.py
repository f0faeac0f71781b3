"""Text for people: control characters made visible, characters that a terminal cannot write replaced, close words."""

from __future__ import annotations

import codecs
import difflib
import unicodedata
from collections.abc import Iterable, Mapping

__all__ = ["close_word", "did_you_mean", "encodable", "plain_name", "register_replacements", "visible"]

REPLACEMENTS = "samtailor.replacements"
"""Name of the error handler for ``str.encode`` that writes what ``encodable`` writes."""

_INVISIBLE = {
    *range(0x2028, 0x202F),  # line and paragraph separator; direction of text
    *range(0x2060, 0x2070),  # isolated directions, invisible operators
    *range(0x206A, 0x2070),
    *range(0xFFF9, 0xFFFC),  # interlinear annotations
    *range(0xE0000, 0xE0080),  # tags
    0x00AD,  # soft hyphen
    0x061C,  # mark of direction
    0x180E,
    0x200B,  # space without width
    0x200E,  # marks of direction
    0x200F,
    0xFEFF,  # byte order mark
}
"""Characters that hide or turn text around. The joiners U+200C and U+200D stay: Persian, Hindi and emoji need them."""

_PLAIN = {
    "…": "...",
    "–": "-",
    "—": "-",
    "‑": "-",
    "−": "-",
    "×": "x",
    "→": "->",
    "·": ".",
    "•": "*",
    "±": "+-",
    "≥": ">=",
    "≤": "<=",
    "\u00a0": " ",
    "\u202f": " ",
    **dict.fromkeys("‘’‚", "'"),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("─━╸╺╴╶┄═", "-"),
    **dict.fromkeys("│┃║┆", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝", "+"),
    **dict.fromkeys("█▇▉▊▋▌▍▎▏", "#"),
}
"""What our own signs become if the terminal has no such sign."""


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return the text with each control, direction and invisible character written as an escape such as ``\x1b``.

    Names of files and classes come from strangers. Raw, they could move the cursor, set the title of the window, or
    turn the text around. A byte of a file name that is not text becomes ``\xe9``. The result can be encoded as UTF-8.

    Args:
        text: any text.
        lines: keep line breaks.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c == "\n" and lines else _escape(c) if _is_hidden(c) else c for c in text)


def encodable(text: str, encoding: str | None) -> str:
    r"""Return the text with each character that the encoding lacks replaced: ``…`` by three dots, others as ``\u7d30``.

    Args:
        text: any text.
        encoding: of the terminal or the pipe; None is ASCII.
    """
    try:
        codec = codecs.lookup(encoding or "ascii").name
    except LookupError:
        codec = "ascii"
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return "".join(c if _fits(c, codec) else _replacement(c, codec) for c in text)
    return text


def register_replacements() -> str:
    """Register the error handler ``REPLACEMENTS`` and return its name; streams with it can write any text."""

    def replace(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        return "".join(_replacement(c, error.encoding) for c in error.object[error.start : error.end]), error.end

    codecs.register_error(REPLACEMENTS, replace)
    return REPLACEMENTS


def plain_name(name: str) -> str:
    """Return one spelling for a class name however it is written: ``Right_Brow`` and ``right-brow`` are ``right brow``.

    Letters are folded to lower case and to one form of each character; a name of signs alone stays as it is.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.replace("_", " ").replace("-", " ").split()) or folded.strip()


def close_word(word: str, choices: Iterable[str], meanings: Mapping[str, str] | None = None) -> str:
    """Return the choice that was probably meant; empty if none is close.

    Args:
        word: what was typed.
        choices: what could have been typed.
        meanings: other words -> the choice they stand for, such as ``validation`` -> ``val``.
    """
    known = {choice.casefold(): choice for choice in choices}
    other = {key.casefold(): value for key, value in (meanings or {}).items() if value in known.values()}
    word = word.casefold()[:200]
    if word in other:
        return other[word]
    close = difflib.get_close_matches(word, [*known, *other], n=1, cutoff=0.6)
    return {**other, **known}[close[0]] if close else ""


def did_you_mean(word: str, choices: Iterable[str], meanings: Mapping[str, str] | None = None) -> str:
    """Return the sentence " Did you mean 'val'?", with a space before it, or nothing; arguments as ``close_word``."""
    close = close_word(word, choices, meanings)
    return f" Did you mean {close!r}?" if close else ""


def _is_hidden(character: str) -> bool:
    return ord(character) in _INVISIBLE or unicodedata.category(character) in ("Cc", "Cs")


def _escape(character: str) -> str:
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that Python could not decode
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _fits(character: str, codec: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _replacement(character: str, codec: str) -> str:
    plain = _PLAIN.get(character, "")
    if plain and all(_fits(c, codec) for c in plain):
        return plain
    return _escape(character)
