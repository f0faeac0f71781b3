"""Things in the place of a file: pipes, links to devices and out of the folder, folders, other people's content."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

__all__ = ["put_strange_file"]

_TARGETS = ("/dev/zero", "/dev/stdin", "/etc/passwd", "/nowhere", "/dev/tty", "/proc/self/mem")


def put_strange_file(path: Path, rng: Random) -> None:
    """Replace a file by something else."""
    path.unlink(missing_ok=True)
    kind = rng.randrange(6)
    if kind == 0:
        os.mkfifo(path)
    elif kind in (1, 2):
        path.symlink_to(rng.choice(_TARGETS))
    elif kind == 3:
        path.mkdir()
    elif kind == 4:
        path.symlink_to(path.name)
    else:
        path.write_bytes(
            rng.choice([b"", b"\n", b"null", b"[]", b"{}", b"0", b"<a/>", b"<!DOCTYPE html><html></html>"])
        )
