"""Values that nobody expects, and random changes in a tree of values."""

from __future__ import annotations

import json
from random import Random
from typing import Any

__all__ = ["NUMBERS", "TEXTS", "change_tree", "hostile_value"]

TEXTS = [
    "", " ", "a" * 70_000, "\ud800", "\x00", "../../etc/passwd", "/etc/passwd", "..", ".", "\x1b[31mred",
    "[bold]x[/bold]",
    "[/nope]", "a\nb", "\u202eabc", "NaN", "-1", "C:\\x\\y.png", "a/../b.png", "é" * 300, "\ufeff", "1e999", "💥",
    "Zellkérn", "細胞", "/dev/zero", "http://localhost:9/x.png", "file:///etc/passwd", "~", "~nobody/x", "$HOME",
    "%s%n", "null", "١", "<script>alert(1)</script>", "9" * 5000, "0x10", "1_000", "inf", "{", "[", "[[1,2],[3,4]]",
]  # fmt: skip
NUMBERS: list[Any] = [
    0, -1, 1, 2, 0.5, -0.0, 1e308, -1e308, float("nan"), float("inf"), -float("inf"), 2**31, 2**32, 2**63, 2**64,
    10**400,
    1e-320, 65535, 65536, 10**6, 10**9, 10**12, 999_999, True, False, -(2**63), 1e6, -1e6, 4.9, 255, 256,
]  # fmt: skip


def hostile_value(rng: Random) -> Any:
    """Return a value of any type."""
    return rng.choice(
        [
            lambda: None,
            lambda: rng.choice(NUMBERS),
            lambda: rng.choice(TEXTS),
            list,
            dict,
            lambda: [rng.choice(NUMBERS) for _ in range(rng.randint(1, 9))],
            lambda: {"a": rng.choice(NUMBERS)},
            lambda: _nested(rng.choice([5, 100, 900])),
            lambda: [rng.choice(TEXTS)],
            lambda: [[]],
            lambda: [{}],
            lambda: [None],
            lambda: [rng.choice(NUMBERS)] * rng.choice([1000, 20_000]),
            lambda: {rng.choice(TEXTS): rng.choice(TEXTS)},
        ]
    )()


def change_tree(tree: Any, rng: Random, times: int) -> Any:
    """Change ``times`` random places of a tree of dicts and lists, in place."""
    for _ in range(times):
        node = tree
        while keys := list(node) if isinstance(node, dict) else list(range(len(node))):
            key = rng.choice(keys)
            if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
                node = node[key]
                continue
            _change(node, key, rng)
            break
    return tree


def _change(node: Any, key: Any, rng: Random) -> None:
    old, action = node[key], rng.randrange(7)
    if action == 0 and isinstance(node, dict):
        del node[key]
    elif action == 1 and isinstance(node, list):
        node[key:key] = [json.loads(json.dumps(old, default=str))] * rng.choice([1, 1, 1, 300])
    elif action == 2 and isinstance(old, str) and old:
        at = rng.randrange(len(old))
        part = rng.choice(["", "~", "0", "\x7f", "P", old[at] * 50, rng.choice(TEXTS)])
        node[key] = old[:at] + part + old[at + 1 :]
    elif action == 3 and type(old) in (int, float):
        node[key] = rng.choice([-old, old + 1, old * 10**9, old * 1000, str(old), old + 0.5, [old]])
    elif action == 4 and isinstance(node, dict):
        node[rng.choice([*list(node), *TEXTS])] = node.pop(key)
    elif action == 5 and isinstance(old, dict | list):
        node[key] = str(old)
    else:
        node[key] = hostile_value(rng)


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value
