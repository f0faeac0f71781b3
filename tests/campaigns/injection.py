"""Names that try to steer a terminal or a browser, and names that the output's encoding does not have."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from random import Random

from tests.campaigns.campaign import Campaign
from tests.data.helpers import picture, write

__all__ = ["INJECTION"]

HOSTILE = [
    "\x1b[2Jcleared", "\x1b]0;title\x07", "\x1b]52;c;cm0gLXJm\x07", "\x9b31mred", "a\rb", "a\bb", "\x07", "a\x00b",
    "\u202eabc", "\u2066abc\u2069", "\ud83d", "Zellkérn", "細胞", "💥", "[bold red]x[/]", "[/]", "[link=file:///x]y[/link]",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "{{7*7}}", "{% raw %}",
    "&amp;", "</style><svg/onload=alert(1)>", "…", "%s %d", "{0}",
]  # fmt: skip
_ENCODINGS = ("utf-8", "ascii", "cp1252", "latin-1")
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SQUARE = [[2, 1, 7, 1, 7, 4, 2, 4]]


def _attempt(group: str, rng: Random, folder: Path) -> str:
    if group == "report":
        return _page(rng)
    name = rng.choice(HOSTILE)
    safe = re.sub(r"[/\x00\ud800-\udfff]", "", name) or "x"
    root = folder / (safe if rng.random() < 0.5 else "task")
    file_name = f"{safe}.png" if rng.random() < 0.5 else "a.png"
    if group != "error":
        picture(root / "images" / file_name, 12, 8)
    entry = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": _SQUARE, "iscrowd": 0, "bbox": [2, 1, 5, 3]}
    image = {"id": 1, "file_name": file_name, "width": 12, "height": 8}
    categories = [{"id": 1, "name": name}]
    write(root / "train.json", {"images": [image], "annotations": [entry], "categories": categories})
    return _printed(["inspect", str(root), *(["--json"] if group == "inspect --json" else [])], rng.choice(_ENCODINGS))


def _printed(arguments: list[str], encoding: str) -> str:
    """Run a command whose output has an encoding, and check what it prints."""
    from samtailor.cli import main

    out = io.TextIOWrapper(io.BytesIO(), encoding, write_through=True)
    sys.argv = ["samtailor", *arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(SystemExit):
        main()
    text = out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    steering = _STEERING.findall(text)
    assert not steering, f"the terminal receives {steering[:3]!r}"
    assert "Traceback" not in text, text[-200:]
    return f"{len(text)} characters"


class _Tags(HTMLParser):
    """Collects tags, and attributes that run code or fetch something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.bad: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            fetches = name in ("src", "href") and not str(value).startswith(("data:", "#", "http"))
            if name.startswith("on") or fetches or (name not in ("alt", "title") and "javascript:" in str(value)):
                self.bad.append(f"{tag} {name}={str(value)[:40]}")


def _page(rng: Random) -> str:
    """Build a report whose texts are hostile; its tags must be those of a report with harmless ones."""
    hostile, plain = _tags(rng.choice(HOSTILE)), _tags("name")
    assert hostile.tags == plain.tags, "a name adds tags"
    assert not hostile.bad, hostile.bad[:3]
    return f"{len(hostile.tags)} tags"


def _tags(name: str) -> _Tags:
    from samtailor.report.page.render import render_page
    from tests.report.page import page_data

    texts = {"title": name, "command": name, "commit": name, "hardware": {"cpu": name}, "versions": {name: name}}
    pictures = page_data.pictures()
    gallery = tuple(replace(picture, image=name, label=name) for picture in pictures.gallery)
    return _Tags(render_page(replace(page_data.report(), **texts), replace(pictures, gallery=gallery)))


def _prepare() -> None:
    import samtailor.cli.inspect
    import samtailor.data.load
    import samtailor.report.page.render  # noqa: F401


INJECTION = Campaign("injection", ("inspect", "inspect --json", "error", "report"), _attempt, _prepare)
