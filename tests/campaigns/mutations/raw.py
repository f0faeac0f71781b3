"""Damage to bytes: flipped bits, cuts, repeats, other encodings, and pieces that parsers stumble over."""

from __future__ import annotations

from random import Random

__all__ = ["change_bytes"]

_PIECES = [
    b"-1", b"1e999", b"NaN", b"9" * 20, b"9" * 5000, b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\x00", b"\xed\xa0\x80",
    b"[" * 3000, b'{"a":' * 3000, b"&lol9;", b"]]>", b"'", b'"', b"<", b"*a", b"&a ", b"\x1b]0;x\x07", b"\x85", b"\xa0",
    b"!!python/object/apply:os.getcwd []", b"\xe2\x80\xa8", b",", b";", b"\t",
]  # fmt: skip
_ENCODINGS = ["utf-16", "utf-32", "utf-16-be", "utf-7", "utf-8-sig"]


def change_bytes(content: bytes, rng: Random, times: int) -> bytes:
    """Change ``times`` random places."""
    data = bytearray(content)
    for _ in range(times):
        data = _change(data or bytearray(b"\x00"), rng)
    return bytes(data)


def _change(data: bytearray, rng: Random) -> bytearray:
    at, action = rng.randrange(len(data)), rng.randrange(9)
    if action == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif action == 1:
        data[at] = rng.randrange(256)
    elif action == 2:
        del data[at : at + rng.randint(1, 40)]
    elif action == 3:
        data[at:at] = rng.randbytes(rng.randint(1, 8))
    elif action == 4:
        del data[at:]
    elif action == 5:
        data[at:at] = data[at : at + rng.randint(1, 200)]
    elif action == 6:
        data[at:at] = rng.choice(_PIECES)
    elif action == 7:
        return bytearray(data.decode("utf-8", "replace").encode(rng.choice(_ENCODINGS)))
    elif digits := [place for place, byte in enumerate(data) if chr(byte).isdigit()]:
        data[rng.choice(digits)] = rng.choice(b"0123456789-.e")
    return data
