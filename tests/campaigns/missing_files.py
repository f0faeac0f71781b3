"""Tasks with files that are missing, or that are links to a secret elsewhere, which no message may quote."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from random import Random

from tests.campaigns.annotations import prepare
from tests.campaigns.campaign import Campaign
from tests.campaigns.sound.tasks import FORMATS, files_of, write_files

__all__ = ["MISSING_FILES"]

SECRET = "root:x5Zq:0:0:/root"
_CONTENTS = (
    f"{SECRET}\n{SECRET}2\n",
    f"-----BEGIN KEY-----\n{SECRET}\n-----END KEY-----\n",
    f'["{SECRET}"]',
    f'{{"{SECRET}": 1}}',
    f"names: [{SECRET.replace(':', '-')}]\n",
)


def _attempt(group: str, rng: Random, folder: Path) -> str:
    root, secret = folder / "task", folder / "secret"
    files = dict(files_of(group))
    if group == "yolo" and rng.random() < 0.5:
        files["classes.txt"] = b"cell\nwall\n"
    names = sorted(files)
    secret.write_text(rng.choice(_CONTENTS))
    write_files(root, files)
    if rng.random() < 0.3:
        _point_outside(root, names, secret, rng)
    else:
        for name in rng.sample(names, rng.choice([1, 1, 2, 4])):
            (root / name).unlink(missing_ok=True)
            if rng.random() < 0.5:
                (root / name).symlink_to(secret)
    os.environ["SAMTAILOR_PICTURES"] = str(folder / "pictures")
    return _inspected(root, rng)


def _point_outside(root: Path, names: list[str], secret: Path, rng: Random) -> None:
    """Change a text that names a file, so that it names the secret."""
    name = rng.choice([name for name in names if not name.endswith((".png", ".jpg"))] or names)
    content = (root / name).read_bytes()
    for named in ("images/train", "images/val", *(f"{n}{end}" for n in range(4) for end in (".jpg", ".png"))):
        content = content.replace(named.encode(), str(secret).encode())
    (root / name).write_bytes(content)


def _inspected(root: Path, rng: Random) -> str:
    """Inspect a task; what is printed and what an error says must not hold the secret."""
    from rich.console import Console

    from samtailor.cli.inspect import print_inspection
    from samtailor.data import inspect_task, load_task

    try:
        inspection = inspect_task(load_task(root, skip_broken=rng.random() < 0.5))
    except Exception as error:
        assert "x5Zq" not in str(error), f"an error quotes the secret: {str(error)[:150]}"
        raise
    out = io.StringIO()
    print_inspection(Console(file=out, highlight=False, width=500), inspection)
    shown = out.getvalue() + json.dumps(inspection.to_dict())
    assert "x5Zq" not in shown, f"the inspection shows the secret: {shown[max(0, shown.find('x5Zq') - 100) :][:150]}"
    return inspection.format


MISSING_FILES = Campaign("missing-files", tuple(name for name in FORMATS if name != "hf"), _attempt, prepare)
