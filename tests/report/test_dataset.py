"""The page about a dataset."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from samtailor.data import inspect_task, load_task
from samtailor.data.task import Task
from samtailor.report.dataset import write_dataset_page

HOSTILE = ("<script>alert(1)</script>", "\x1b]0;x\x07", "\udce9\u202e", "細胞", '"><img src=x onerror=alert(2)>')


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def parsed(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(page)
    return parser.tags


def test_a_page_has_findings_counts_and_pictures_and_needs_nothing_else(tmp_path: Path) -> None:
    task = load_task("sample")
    inspection = inspect_task(task)
    page = write_dataset_page(task, tmp_path / "new" / "page.html", inspection=inspection, images=5).read_text(
        encoding="utf-8"
    )
    tags = parsed(page)
    pictures = [attrs for tag, attrs in tags if tag == "img"]
    assert len(pictures) == 5 and all(str(p["src"]).startswith("data:image/jpeg;base64,") for p in pictures)
    assert all(str(p["alt"]).startswith(("train: ", "val: ", "test: ")) for p in pictures)
    assert {"findings", "pictures", "data"} <= {str(attrs.get("id")) for tag, attrs in tags if tag == "section"}
    for finding in inspection.findings:
        assert finding.hint in page.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
    assert re.search(r"nucleus.*2,007 \(train", page) or "nucleus" in page
    assert str(task.root) not in page
    outside = [a for t, a in tags for k in ("src", "href") if (v := a.get(k)) and not v.startswith(("data:", "#"))]
    assert outside == []


def test_hostile_names_are_text(tmp_path: Path) -> None:
    task = load_task("sample")
    names = dict(zip("abcde", HOSTILE, strict=True))
    splits = {
        split: tuple(
            replace(r, instances=tuple(replace(i, label=HOSTILE[k % 5]) for k, i in enumerate(r.instances)))
            for r in records[:2]
        )
        for split, records in task.splits.items()
    }
    hostile = Task(names["a"], task.root, names["b"], HOSTILE, splits)
    page = write_dataset_page(hostile, tmp_path / "page.html").read_bytes().decode("utf-8")
    tags = parsed(page)
    assert "script" not in {tag for tag, _ in tags}
    assert not any(key.startswith("on") for _, attrs in tags for key in attrs)
    assert "\x1b" not in page and "\u202e" not in page
    assert r"\x1b]0;x\x07" in page and r"\xe9\u202e" in page and "細胞" in page
