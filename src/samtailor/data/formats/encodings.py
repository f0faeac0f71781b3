"""Decode text files of unknown encoding, and parse the JSON in them."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from samtailor.data.formats.files import FIX_HINT, read_bytes
from samtailor.data.reading import Reading
from samtailor.errors import DataError

__all__ = ["choose_encoding", "decode_unicode", "note_encoding", "parse_json", "read_any_json", "read_text"]

# The most frequent syllables of Korean. Most Korean text also reads as frequent Chinese characters.
_KOREAN = set(
    "이다는을에가의하고지도사기로한은를대어자인있시해리나스수정아서그라일제들부만으전것보구원장주상여면과거오우동조"
    "세용유비성모국방치미신공경안연내진무학당없관회소생게발교화실선심등문물산야체식분때마계번중와양적개년말간명입히"
    "단반최음더차업본위월외"
)
_HINT = "Save the files as UTF-8."


def read_text(path: Path) -> tuple[str, str]:
    """Return the text of a file and its encoding: UTF-8, UTF-16, or the only older encoding that makes sense.

    Raises:
        DataError: the file cannot be read, or its encoding is not clear.
    """
    content = read_bytes(path)
    if (decoded := decode_unicode(content)) is not None:
        return decoded
    encoding = choose_encoding([content], path)
    return content.decode(encoding), encoding


def read_any_json(path: Path, encoding: str | None = None) -> tuple[Any, str]:
    """Return the content of a JSON file and its encoding.

    Args:
        path: the file.
        encoding: its encoding; None detects it.

    Raises:
        DataError: the file cannot be read, its encoding is not clear, or it is not JSON.
    """
    if encoding is None:
        text, encoding = read_text(path)
    else:
        try:
            text = read_bytes(path).decode(encoding)
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not {encoding.upper()} text like the other files.", _HINT) from error
    return parse_json(path, text), encoding


def parse_json(path: Path, text: str) -> Any:
    """Return the content of a JSON text; DataError if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({str(error)[:200]}).", FIX_HINT) from error


def decode_unicode(content: bytes) -> tuple[str, str] | None:
    """Return (text, encoding) of UTF-8, UTF-16 or UTF-32; None if the text is in none of them."""
    marks = (
        *((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")),
        *((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
    )
    encoding = next((name for mark, name in marks if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content[:200]:  # UTF-16 without a mark: every second byte of ASCII text is 0
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    try:
        return content.decode(encoding), encoding.removesuffix("-sig")
    except UnicodeDecodeError:
        return None


def choose_encoding(contents: Iterable[bytes], path: Path) -> str:
    """Choose the encoding of files that are not Unicode, by the letters that each encoding would make of them.

    Args:
        contents: the files, all in one encoding.
        path: one of the files, for the error message.

    Raises:
        DataError: no encoding makes sense, or several do.
    """
    # Without ASCII, which looks the same in all of them; a byte below 0x80 may be the second half of a character.
    parts = [match for content in contents for match in re.findall(rb"[\x80-\xff]+[\x40-\x7e]?", content)]
    readings = {name: text for name, sensible in _SENSIBLE.items() if (text := _decoded(parts, name, sensible))}
    if "cp949" in readings and len(readings) > 1:
        frequent = [sign in _KOREAN for sign in readings["cp949"] if sign > "\x7f"]
        korean = readings.pop("cp949")
        readings = {"cp949": korean} if sum(frequent) * 2 >= len(frequent) else readings
    if len(readings) == 1:
        return next(iter(readings))
    if not readings:
        raise DataError(f"{path} is not UTF-8 text, and its encoding is not known.", _HINT)
    choices = "; or ".join(f"{name}, which reads {text[:20]!r}" for name, text in readings.items())
    raise DataError(
        f"{path} is not UTF-8 text. It may be {choices}.", f"{_HINT} For example: iconv -f ENCODING -t UTF-8"
    )


def note_encoding(reading: Reading, path: Path, encoding: str) -> None:
    """Note a file that is not UTF-8 text."""
    if encoding not in ("utf-8", "ascii"):
        name = encoding.upper()
        reading.note(
            "encoding",
            "note",
            lambda count: (
                f"{count} text files are not UTF-8; they were read as {name}."
                if count > 1
                else f"One text file is not UTF-8; it was read as {name}."
            ),
            "If class names look wrong, save the files as UTF-8.",
            path,
        )


def _decoded(parts: list[bytes], encoding: str, sensible: Callable[[str, bytes], bool]) -> str:
    """Return the text of the parts if at least 90 % of its characters make sense, or else an empty text."""
    try:
        texts = [part.decode(encoding) for part in parts]
    except UnicodeDecodeError:
        return ""
    if encoding in ("cp1252", "cp1251"):
        longest = max((len(text.rstrip("\x00-\x7f")) for text in texts), default=0)
        singles = sum(len([sign for sign in text if sign > "\x7f"]) <= 2 for text in texts)
        if (encoding == "cp1252") != (singles * 10 >= len(texts) * 9) or not longest:
            return ""
    signs = [sign for text in texts for sign in text if sign > "\x7f"]
    good = sum(sensible(sign, sign.encode(encoding)) for sign in signs)
    return "".join(texts) if signs and good >= 0.9 * len(signs) else ""


def _is_western(sign: str, _: bytes) -> bool:
    return sign.isalpha() or sign in "°²³’–"


def _is_russian(sign: str, _: bytes) -> bool:
    return "А" <= sign <= "я" or sign in "ёЁ№"


def _is_chinese(_: str, code: bytes) -> bool:
    return len(code) == 2 and 0xA1 <= code[0] <= 0xD7 and code[1] >= 0xA1  # signs and the 3,755 frequent characters


def _is_traditional(_: str, code: bytes) -> bool:
    return len(code) == 2 and 0xA4 <= code[0] <= 0xC6  # the 5,401 frequent characters


def _is_korean(_: str, code: bytes) -> bool:
    return len(code) == 2 and 0xB0 <= code[0] <= 0xC8 and code[1] >= 0xA1  # the 2,350 frequent syllables


def _is_japanese(sign: str, code: bytes) -> bool:
    return "\u3041" <= sign <= "\u30ff" or (len(code) == 2 and 0x88 <= code[0] <= 0x97)  # kana, frequent kanji


_SENSIBLE: dict[str, Callable[[str, bytes], bool]] = {
    "gb18030": _is_chinese,
    "big5": _is_traditional,
    "cp932": _is_japanese,
    "cp949": _is_korean,
    "cp1251": _is_russian,
    "cp1252": _is_western,
}
