"""Files are replaced whole; links, pipes and devices given as output stay what they are."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from samtailor.errors import SamtailorError
from samtailor.machine import files
from samtailor.machine.files import write_atomically, write_json


def test_a_file_is_replaced_and_no_temporary_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    for value in ({"a": 1}, {"a": float("nan"), "b": [float("inf")]}):
        write_json(path, value)
    assert path.read_text() == '{\n  "a": null,\n  "b": [\n    null\n  ]\n}\n'
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


def test_the_content_is_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut between the two would else leave a name without its content."""
    calls: list[str] = []
    sync, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("sync"), sync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (calls.append("rename"), rename(self, to))[1])
    write_atomically(tmp_path / "a", b"content")
    assert calls == ["sync", "rename", "sync"]  # the file, then the folder


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere" / "a.json", tmp_path / "link.json"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"content")
    reader.join(timeout=10)
    assert received == [b"content"] and pipe.is_fifo()


def test_a_device_is_written_to() -> None:
    write_atomically(Path(os.devnull), b"content")
    assert not Path(os.devnull).is_file()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SamtailorError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "a.json", b"")


# --- temporary files that killed processes left


def test_only_stale_temporary_files_of_ours_are_removed(tmp_path: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    ).stdout.strip()
    host, other = files._HOST, "0" * 8
    stale = [f".{gone}.{host}0123abcd.tmp", f".key.{gone}.{host}0123abcd.tmp", f".{os.getpid()}.{host}0123abcd.tmp"]
    in_use = [f".{os.getppid()}.{host}0123abcd.tmp", f".{gone}.{other}0123abcd.tmp", f".{gone}.0123abcd.tmp"]
    users_own = ["notes.tmp", ".notes.tmp", ".1.tmp", "a.1.0123abcd.tmp"]
    for name in (*stale, *in_use, *users_own):
        (tmp_path / name).write_bytes(b"x" * 10)
    with files.temporary_beside(tmp_path / "target") as writing:
        writing.write_bytes(b"y")
        assert files.remove_stale(tmp_path) == 30
        assert writing.exists()
    assert {path.name for path in tmp_path.iterdir()} == {*in_use, *users_own}
    for name in (*in_use, *users_own):
        os.utime(tmp_path / name, (0, 0))
    assert files.remove_stale(tmp_path) == 30  # after an hour also those of other hosts and of a reused number
    assert {path.name for path in tmp_path.iterdir()} == set(users_own)
    assert files.remove_stale(tmp_path / "missing") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /dev")
def test_the_standard_output_as_a_file_is_written_to(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from samtailor.machine.files import write_atomically as w; w(Path(%r), b'content')"
    )
    link = tmp_path / "link"
    link.symlink_to("/dev/stdout")
    for name in ("/dev/stdout", str(link)):
        done = subprocess.run([sys.executable, "-c", code % name], capture_output=True, text=True)
        assert (done.stdout, done.stderr) == ("content", "")
    assert link.is_symlink()
