"""A power cut at any point of a fit, with the worst that a file system may keep: the next fit goes on all the same.

Content that was not flushed (fsync) is lost, torn or zero; names that were not flushed with their folder are there or
not. Linux only: the paths of flushed files come from /proc.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from random import Random

from tests.campaigns.campaign import Campaign
from tests.campaigns.crash_points import points
from tests.campaigns.file_events import watch
from tests.campaigns.processes import run
from tests.campaigns.runs_compared import check_run, fit, reference
from tests.campaigns.sound.tasks import write_files

__all__ = ["POWER_CUT"]


class _Disk:
    """What of a folder is sure to survive a power cut."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.flushed: dict[int, bytes] = {}  # content by inode
        self.names: dict[str, int] = {}  # path -> inode, as of the last flush of its folder

    def see(self, event: str, path: Path) -> None:
        """Take note of an event before it happens."""
        if event in ("os.rename", "os.remove") and path.is_file() and str(path) not in self.names:
            self.flushed.pop(path.stat().st_ino, None)  # the number may be used again
        if event == "os.fsync" and path.is_dir():
            inside = {str(child): child.stat().st_ino for child in path.iterdir() if child.is_file()}
            self.names = {name: n for name, n in self.names.items() if Path(name).parent != path} | inside
        elif event == "os.fsync" and path.is_file():
            self.flushed[path.stat().st_ino] = path.read_bytes()

    def after_a_cut(self, rng: Random) -> dict[str, bytes]:
        """Return the files of one possible state of the disk, by path below the root."""
        now = {str(path): path for path in self.root.rglob("*") if path.is_file()}
        files = {}
        for name in sorted({*now, *self.names}):
            current = now[name].stat().st_ino if name in now else None
            inode = rng.choice([current, self.names.get(name)])
            if inode is not None:
                whole = now[name].read_bytes() if inode == current else b""
                files[os.path.relpath(name, self.root)] = self.flushed.get(inode, _torn(whole, rng))
        return files


def _torn(content: bytes, rng: Random) -> bytes:
    size = rng.randrange(len(content) + 1)
    return rng.choice([b"", content[:size], content[:size] + bytes(len(content) - size), bytes(len(content)), content])


def _attempt(group: str, rng: Random, folder: Path) -> str:
    point, kept = rng.randrange(points()), folder / "kept.pickle"

    def cut() -> None:
        disk, seen = _Disk(folder / "disk"), -1

        def act(event: str, path: Path) -> None:
            nonlocal seen
            seen += 1
            if seen == point:
                kept.write_bytes(pickle.dumps(disk.after_a_cut(rng)))
                os._exit(137)
            disk.see(event, path)

        watch(folder / "disk", act)
        fit(folder / "disk")
        kept.write_bytes(pickle.dumps(disk.after_a_cut(rng)))  # after success was reported

    errors = folder / "errors.txt"
    (folder / "disk").mkdir()
    run(cut, errors)
    files = pickle.loads(kept.read_bytes())
    (folder / "after" / "run").mkdir(parents=True)
    write_files(folder / "after", files)
    code = run(lambda: fit(folder / "after"), errors)
    assert code == 0, f"point {point}: {errors.read_text()[-300:] if errors.exists() else code}"
    check_run(folder / "after")
    return f"point {point}"


def _prepare() -> None:
    reference()
    points()


POWER_CUT = Campaign("power-cut", ("power cut",), _attempt, _prepare, limit_address_space=False, seconds=60, idle=120)
