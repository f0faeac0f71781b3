"""Sphinx extension: let pages link to files of the repository outside docs/.

The same links work where the repository is browsed. In the built site, a link to a file becomes a download of a copy,
and a link to a folder becomes plain text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# [text](target), but not ![image](target), not an absolute URL and not an anchor of the page.
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>(?!\w+:|#)[^)#\s]+)(?P<anchor>#[^)]*)?\)")


def rewrite_links(text: str, folder: Path, docs: Path) -> str:
    """Rewrite the links of one page that leave the documentation.

    Args:
        text: Markdown of the page.
        folder: the page's folder; link targets are relative to it.
        docs: the documentation's root folder.
    """

    def rewritten(match: re.Match[str]) -> str:
        path = (folder / match["target"]).resolve()
        if path.is_relative_to(docs):
            return match[0]
        if path.is_dir():
            return match["text"]
        return f"[{match['text']}](path:{match['target']})" if path.is_file() else match[0]

    return _LINK.sub(rewritten, text)


def _on_source_read(app: Sphinx, docname: str, content: list[str]) -> None:
    content[0] = rewrite_links(content[0], Path(app.env.doc2path(docname)).parent, Path(app.srcdir).resolve())


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", _on_source_read)
    return {"parallel_read_safe": True}
