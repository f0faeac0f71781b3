"""Changes of annotation files that keep their syntax: JSON, XML, YAML, tables and lists of words."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable
from random import Random
from xml.etree import ElementTree

import yaml

from tests.campaigns.mutations.values import NUMBERS, TEXTS, change_tree, hostile_value

__all__ = ["change_text"]

_LAUGHS = [f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in itertools.pairwise("abcdefghi")]
XML_HEADS = [
    '<!DOCTYPE l [<!ENTITY a "lol">' + "".join(_LAUGHS) + "]>",
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE a SYSTEM "http://localhost:9/x.dtd">',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///dev/zero"> %p;]>',
    '<!DOCTYPE q [<!ENTITY a "' + "A" * 100_000 + '">]>',
    '<?xml version="1.0" encoding="rot13"?>',
    '<?xml version="1.0" encoding="utf-7"?>',
]  # fmt: skip
_ANCHORS = "\n".join(f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" if n else "k0: &a0 [x]" for n in range(10))
YAML_LINES = [
    "names: {0: &a [x, x], 1: *a}", "names: [*b]", "names: &a [*a]", "train: [images/train, [images/val]]",
    "train: {a: b}",
    "names: !!set {a, b}", "names: !!binary aGVsbG8=", "names: [2001-01-01, 12:30:45]", "names: [yes, no]",
    "nc: !!float .nan",
    "path: !!python/object/apply:os.getcwd []", "names: [1.5, null]", "train: ../../../../../etc/passwd",
    "path: 2001-13-45",
    "val: ''", "test: images/none", "names: {-1: a}", "names: {0x10: a}", "names: {1.0: a, 0: b}", "<<: *x",
    "train: /dev/zero",
    "train: " + "x" * 5000, "names: [" + "a," * 3000 + "]", "? [a, b]\n: c", "names: {0: a, 0: b}",
    "path: " + "[" * 400,
    "names: [\"\\ud800\"]", "names: ['\x1b[31m']", 'train: "images/tr\\0ain"', _ANCHORS, _ANCHORS + "\nnames: *a9",
    "names: {? {? {a: b} : c} : d}", "nc: 99999999999", "names: {99999999999: a}", "path: ~",
    "path: 'http://localhost:9'",
]  # fmt: skip


def change_text(suffix: str, content: bytes, rng: Random) -> bytes:
    """Change one to five places of an annotation file.

    Args:
        suffix: of the file; it chooses the syntax.
        content: the file as it is.
        rng: random numbers.
    """
    change = _CHANGES.get(suffix, _change_words)
    text = change(content.decode("utf-8"), rng, rng.choice([1, 1, 2, 5]))
    return text.encode("utf-8", "surrogatepass")


def _change_json(text: str, rng: Random, times: int) -> str:
    return json.dumps(change_tree(json.loads(text), rng, times), ensure_ascii=rng.random() < 0.8)


def _change_json_lines(text: str, rng: Random, times: int) -> str:
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    lines[at] = _change_json(lines[at], rng, times)
    return "\n".join(lines)


def _change_xml(text: str, rng: Random, times: int) -> str:
    if rng.random() < 0.15:
        return rng.choice(XML_HEADS) + text.replace("</name>", "&a;&x;</name>", 1)
    root = ElementTree.fromstring(text)
    for _ in range(times):
        nodes = list(root.iter())
        node, action = rng.choice(nodes), rng.randrange(5)
        if action == 0 and len(node):
            node.remove(rng.choice(list(node)))
        elif action == 1 and len(node):
            node.extend([rng.choice(list(node))] * rng.choice([1, 300]))
        elif node.attrib and rng.random() < 0.8:
            node.set(rng.choice(list(node.attrib)), _legal(_word(rng)))
        elif action == 2:
            node.tag = rng.choice(nodes).tag
        else:
            node.text = _legal(_word(rng))
    return ElementTree.tostring(root, encoding="unicode")


def _change_yaml(text: str, rng: Random, times: int) -> str:
    if rng.random() < 0.6:
        lines = text.splitlines()
        lines[rng.randrange(len(lines))] = rng.choice(YAML_LINES)
        return "\n".join(lines)
    try:
        return str(yaml.safe_dump(change_tree(yaml.safe_load(text), rng, times), allow_unicode=True))
    except RecursionError:  # a value that PyYAML itself cannot write
        return text + "more: " + "[" * 900 + "]" * 900


def _change_table(text: str, rng: Random, times: int) -> str:
    rows = list(csv.reader(io.StringIO(text)))
    for _ in range(times):
        row = rng.choice(rows)
        if rng.random() < 0.1:
            row.append(_word(rng))
        elif row:
            at = rng.randrange(len(row))
            cell = row[at]
            row[at] = _change_json(cell, rng, 1) if cell.startswith("{") and len(cell) > 2 else _word(rng)
    out = io.StringIO()
    csv.writer(out, escapechar="\\").writerows(rows)
    return out.getvalue()


def _change_words(text: str, rng: Random, times: int) -> str:
    words = re.split(r"(\s+)", text)
    for _ in range(times):
        words[rng.randrange(len(words))] = _word(rng)
    return "".join(words)


def _word(rng: Random) -> str:
    try:
        return str(rng.choice([*NUMBERS, *TEXTS, hostile_value(rng)]))[:5000]
    except ValueError:  # Python writes at most 4300 digits
        return "9" * 5000


def _legal(text: str) -> str:
    """Remove characters that XML cannot hold, which ElementTree would write all the same."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


_CHANGES: dict[str, Callable[[str, Random, int], str]] = {
    ".json": _change_json,
    ".jsonl": _change_json_lines,
    ".xml": _change_xml,
    ".yaml": _change_yaml,
    ".csv": _change_table,
}
