"""Say what a weight file is from its first bytes, before anything loads it. Imports no torch."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from samtailor.errors import BaseModelError

__all__ = ["check_weight_file", "foreign_text", "is_safetensors"]

_HEAD = 1024
_AGAIN = "Download it again."
_ARCHIVES = {
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
}
_OTHERS = {
    b"\x89HDF": "an HDF5 file (Keras)",
    b"GGUF": "a GGUF file",
    b"\x93NUMPY": "a NumPy array",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF document",
}


def check_weight_file(path: Path) -> None:
    """Check that a file may hold weights: it is there, complete, and neither a text nor another kind of file.

    Raises:
        BaseModelError: says what the file is, and what to do.
    """
    if not path.exists():
        raise BaseModelError(f"The weight file {path} does not exist.", "Give the path of a .safetensors or .pt file.")
    if not path.is_file():
        raise BaseModelError(
            f"The weight file {path} is a folder or a device; expected a file.",
            "Give the path of a .safetensors or .pt file.",
        )
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
        fault = _fault(path, head, size)
    except OSError as error:
        raise BaseModelError(
            f"The weight file {path} cannot be read: {error.strerror or error}.", "Check the path and its permissions."
        ) from error
    if fault:
        raise BaseModelError(f"The weight file {path} {fault[0]}.", fault[1])


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as a safetensors file does: the length of a header, then the header."""
    with path.open("rb") as file:
        head = file.read(10)
    return head[8:9] == b"{" and head[9:10] in b'"}_ \n' and int.from_bytes(head[:8], "little") < 1 << 32


def foreign_text(head: bytes) -> tuple[str, str] | None:
    """Name a text that came in place of a file, such as a web page; None if the bytes are none."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"version https://git-lfs"):
        return (
            "is a git-lfs pointer, a short text in place of the file",
            "Run `git lfs pull` in its folder, or download the file itself.",
        )
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")) or b"<html" in start:
        return (
            "is a web page (HTML): the link led to a page, such as a log-in or a warning, not to the file",
            "Download the file itself; on the hub its link has `resolve` in place of `blob`.",
        )
    if start.startswith((b"<?xml", b"<error")):
        return "is a text in XML, such as an error of the server", _AGAIN
    return None


def _fault(path: Path, head: bytes, size: int) -> tuple[str, str] | None:
    """Return what is wrong with a file, to follow its name, and what to do; None if nothing is."""
    if not head:
        return "is empty (0 bytes): the download probably broke off", _AGAIN
    if text := foreign_text(head):
        return text
    for magic, kind in _ARCHIVES.items():
        if head.startswith(magic):
            return f"is {kind}", "Unpack it, and give the weight file in it."
    if head[257:262] == b"ustar":
        return "is a tar archive", "Unpack it, and give the weight file in it."
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            return f"is {kind}; expected weights", "Give a .safetensors file or a PyTorch checkpoint."
    if head.startswith(b"PK\x03\x04"):
        return _zip_fault(path, size)
    if is_safetensors(path):
        return _safetensors_fault(path, size)
    if _is_text(head):
        shown = head[:40].decode("utf-8", "ignore").split("\n")[0]
        return f"is a text that begins with {shown!r}; expected weights", "Give a .safetensors file or a checkpoint."
    return None


def _zip_fault(path: Path, size: int) -> tuple[str, str] | None:
    if not zipfile.is_zipfile(path):
        return f"is not complete: it begins as a PyTorch checkpoint, but its end is missing ({size:,} bytes)", _AGAIN
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "is damaged: its table of contents cannot be read", _AGAIN
    if any(name.endswith("/constants.pkl") for name in names):
        return (
            "is a TorchScript program, which holds code; expected tensors alone",
            "Give the model's state dict as .safetensors or .pt.",
        )
    if not any(name.endswith("data.pkl") for name in names):
        return "is a zip archive, but not a PyTorch checkpoint", "Unpack it, and give the weight file in it."
    return None


def _safetensors_fault(path: Path, size: int) -> tuple[str, str] | None:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        missing = "is not complete: it begins as a safetensors file, but {} of {} bytes are missing"
        if 8 + length > size:
            return missing.format(f"{8 + length - size:,}", f"at least {8 + length:,}"), _AGAIN
        try:
            table = json.loads(file.read(length))
            end = 8 + length + max((v["data_offsets"][1] for k, v in table.items() if k != "__metadata__"), default=0)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            return "is damaged: its table of tensors cannot be read", _AGAIN
    return (missing.format(f"{end - size:,}", f"{end:,}"), _AGAIN) if end > size else None


def _is_text(head: bytes) -> bool:
    """Whether the first bytes are a text in UTF-8; a character may be cut at the end."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return all(letter.isprintable() or letter in "\t\r\n\f" for letter in text)
