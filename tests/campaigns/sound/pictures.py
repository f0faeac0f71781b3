"""Sound pictures in the formats and modes that are read, and pictures that are huge or strange by design."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

from tests.campaigns.mutations.pictures import png_chunk

__all__ = ["HUGE", "sound_pictures"]

_MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "TIFF": ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"),
    "BMP": ("1", "L", "P", "RGB"),
    "GIF": ("L", "P"),
    "PPM": ("1", "L", "RGB"),
    "JPEG2000": ("L", "RGB"),
    "AVIF": ("RGB",),
}
_SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp", "GIF": ".gif"}
_SUFFIXES |= {"PPM": ".ppm", "JPEG2000": ".jp2", "AVIF": ".avif"}
_COMPRESSIONS = ("raw", "tiff_lzw", "tiff_deflate", "jpeg", "packbits")


@cache
def sound_pictures(name: str) -> tuple[tuple[str, bytes], ...]:
    """Return (suffix, content) of pictures in one format of Pillow: all its modes, with and without EXIF."""
    noise = np.random.default_rng(0).integers(0, 255, (24, 40, 3), dtype=np.uint8)
    colour = Image.fromarray(noise)
    exif = Image.Exif()
    exif[0x0112] = 6
    options = [{"compression": kind} for kind in _COMPRESSIONS] if name == "TIFF" else [{}, {"exif": exif}]
    found = []
    for mode in _MODES[name]:
        deep = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
        image = deep if mode == "I;16" else colour.convert("L").convert(mode) if mode in "IF" else colour.convert(mode)
        for more in options:
            buffer = io.BytesIO()
            try:
                image.save(buffer, name, **more)
            except (KeyError, OSError, TypeError, ValueError, RuntimeError):  # not every mode takes every option
                continue
            found.append((_SUFFIXES[name], buffer.getvalue()))
    return tuple(found)


def png(width: int, height: int, depth: int = 8, colour: int = 0) -> bytes:
    """Return a PNG of zeros: a few hundred kilobytes for hundreds of megapixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = bytes(1 + (width * depth * channels + 7) // 8)
    packer, rows = zlib.compressobj(9), max(1, (1 << 20) // len(row))
    parts = [packer.compress(row * min(rows, height - start)) for start in range(0, height, rows)]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [png_chunk(b"IHDR", header), png_chunk(b"PLTE", bytes(768)) if colour == 3 else b""]
    chunks += [png_chunk(b"IDAT", b"".join(parts) + packer.flush()), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _text_bomb() -> bytes:
    """Return a PNG with compressed text and a colour profile of 1 GB each."""
    sound, packer = png(8, 8), zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1000)) + packer.flush()
    return sound[:33] + png_chunk(b"zTXt", b"c\0\0" + body) + png_chunk(b"iCCP", b"p\0\0" + body) + sound[33:]


def _many(name: str, mode: str, count: int, side: int) -> bytes:
    buffer = io.BytesIO()
    more = [Image.new(mode, (side, side), n % 255) for n in range(count)]
    Image.new(mode, (side, side)).save(buffer, name, save_all=True, append_images=more)
    return buffer.getvalue()


def _circular_tiff() -> bytes:
    """Return a TIFF whose first page names itself as the next one."""
    buffer = io.BytesIO()
    Image.new("L", (16, 16)).save(buffer, "TIFF")
    data = bytearray(buffer.getvalue())
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    return bytes(data)


HUGE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "1 x 399,999,999": (".png", lambda: png(1, 399_999_999, 1)),
    "2,000,000 x 1": (".png", lambda: png(2_000_000, 1)),
    "1 x 2,000,000": (".png", lambda: png(1, 2_000_000)),
    "30,000 x 30,000": (".png", lambda: png(30_000, 30_000, 1)),
    "1 x 65,000": (".png", lambda: png(1, 65_000, 8, 2)),
    "text of 1 GB": (".png", _text_bomb),
    "GIF of 2,000 frames": (".gif", lambda: _many("GIF", "P", 2000, 64)),
    "TIFF of 1,000 pages": (".tif", lambda: _many("TIFF", "L", 1000, 16)),
    "circular TIFF": (".tif", _circular_tiff),
    "svg": (".png", lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>"),
    "PostScript": (".png", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) (w) file\n"),
    "LFS pointer": (".jpg", lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
    "HTML": (".jpg", lambda: b"<!DOCTYPE html><html>Not found</html>"),
    "empty": (".png", lambda: b""),
}
