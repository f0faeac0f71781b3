"""Damage to pictures: headers with other sizes, cuts, flipped bits, with checksums made right again."""

from __future__ import annotations

import struct
import zlib
from random import Random

__all__ = ["change_picture", "png_chunk"]

SIDES = [0, 1, 2, 255, 256, 30_000, 65_535, 65_536, 100_000, 399_999_999, 2**31 - 1, 2**31, 2**32 - 1]
_PNG = b"\x89PNG\r\n\x1a\n"


def change_picture(content: bytes, rng: Random) -> bytes:
    """Damage a picture in one of seven ways; the checksums of a PNG are right in most cases."""
    action, data = rng.randrange(7), bytearray(content)
    at = rng.randrange(len(data))
    if action == 0:
        del data[at:]
    elif action == 1:
        return _with_sides(data, rng)
    elif action == 2:
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(min(80, len(data)))] = rng.randrange(256)
    elif action == 3:
        for _ in range(rng.choice([1, 5, 50])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif action == 4:
        data[at:at] = data[at : at + rng.randint(1, 300)]
    elif action == 5:
        del data[at : at + rng.randint(1, 100)]
    else:
        data[at : at + 16] = bytes([rng.choice([0, 255])]) * 16
    return _right_checksums(bytes(data)) if data[:8] == _PNG and rng.random() < 0.7 else bytes(data)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG file with its checksum."""
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def _right_checksums(data: bytes) -> bytes:
    out, at = data[:8], 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + size > len(data):
            break
        out += png_chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + size])
        at += 12 + size
    return out + data[at:]


def _with_sides(data: bytearray, rng: Random) -> bytes:
    """Write another width and height into the header."""
    width, height = rng.choice(SIDES), rng.choice(SIDES)
    if data[:8] == _PNG:
        data[16:24] = struct.pack(">II", width, height)
        return _right_checksums(bytes(data))
    short = (width & 0xFFFF, height & 0xFFFF)
    if data[:2] == b"BM":
        data[18:26] = struct.pack("<II", width, height)
    elif data[:3] == b"GIF":
        data[6:10] = struct.pack("<HH", *short)
    elif data[:2] == b"\xff\xd8":
        for marker in (b"\xff\xc0", b"\xff\xc2"):
            if (at := data.find(marker)) > 0:
                data[at + 5 : at + 9] = struct.pack(">HH", *reversed(short))
    elif data[8:12] == b"WEBP":
        data[26:30] = struct.pack("<HH", *short)
    elif data[:2] in (b"II", b"MM"):
        _change_tags(data, rng, (width, height))
    elif data[:1] == b"P" and data.count(b"\n") > 2:
        first, _, *rest = bytes(data).split(b"\n", 3)
        return b"\n".join([first, b"%d %d" % (width, height), *rest])
    return bytes(data)


def _change_tags(data: bytearray, rng: Random, sides: tuple[int, int]) -> None:
    """Change width, height and other tags of a TIFF file."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    for place in range(start + 2, min(start + 2 + 12 * count, len(data) - 11), 12):
        if rng.random() < 0.4:
            (tag,) = struct.unpack_from(order + "H", data, place)
            value = {256: sides[0], 257: sides[1]}.get(tag, rng.choice(SIDES))
            struct.pack_into(order + "I", data, place + 8, value)
