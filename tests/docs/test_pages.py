"""Check what the documentation says against the code, without building it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from samtailor.adapters.methods import METHODS, method_class

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [page for page in sorted(DOCS.glob("**/*.md")) if not page.is_relative_to(DOCS / "_build")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_page_has_one_title(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^# .+$", text, re.MULTILINE)
    assert len(titles) == 1 or page.name == "changelog.md"  # which includes a file outside docs/


def test_the_guide_on_methods_lists_every_option_with_its_default() -> None:
    guide = (DOCS / "guides" / "methods.md").read_text()
    for name in METHODS:
        assert f"`{name}`" in guide
        for option, default in method_class(name).options().items():
            assert f"`{option}` ({default})" in guide, (name, option)


def test_every_decision_has_a_date_a_reason_and_an_alternative() -> None:
    pages = [page for page in (DOCS / "decisions").glob("*.md") if page.name != "index.md"]
    index = (DOCS / "decisions" / "index.md").read_text()
    for page in pages:
        assert f"]({page.name})" in index
        _, *decisions = re.split(r"^## ", page.read_text(), flags=re.MULTILINE)
        assert decisions
        dates = [re.match(r"\d{4}-\d\d-\d\d: \S", text) for text in decisions]
        assert all(dates), page.name
        for text in decisions:
            parts = re.findall(r"^\* \*\*(\w+)\.\*\* \S", text, re.MULTILINE)
            assert parts == ["Decision", "Reason", "Alternative"], text.splitlines()[0]


def test_links_that_leave_the_documentation_become_downloads_or_text(tmp_path: Path) -> None:
    rewrite_links = runpy.run_path(str(DOCS / "extensions" / "links_outside_docs.py"))["rewrite_links"]
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "other.md").touch()
    (tmp_path / "outside.md").touch()
    (tmp_path / "folder").mkdir()
    links = {
        "[a](other.md#part)": "[a](other.md#part)",
        "[a](../outside.md)": "[a](path:../outside.md)",
        "[a](../outside.md#part)": "[a](path:../outside.md)",
        "[a](../folder)": "a",
        "[a](../absent.md)": "[a](../absent.md)",
        "[a](https://example.org/x.md)": "[a](https://example.org/x.md)",
        "![a](../outside.png)": "![a](../outside.png)",
    }
    for link, expected in links.items():
        assert rewrite_links(f"see {link}.", docs, docs) == f"see {expected}."
