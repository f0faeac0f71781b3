"""A base, a task and a run that a fit wrote, as small as they can be."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.campaigns.sound.tasks import files_of, write_files
from tests.models import save_tiny_sam

__all__ = ["Sound", "contents", "sound"]


@dataclass(frozen=True)
class Sound:
    """What the campaigns on the package's own files begin with.

    Attributes:
        folder: holds ``base``, ``task``, ``run`` and ``cache``.
        base: the base of the folder, loaded.
        task: the task, loaded.
        settings: the settings of the fit.
        run: the files of the run by name.
    """

    folder: Path
    base: Any
    task: Any
    settings: Any
    run: dict[str, bytes]

    @property
    def embeddings(self) -> Path:
        """The embedding cache with all images of the task."""
        return self.folder / "cache"


@cache
def sound(steps: int = 4) -> Sound:
    """Build everything in a temporary folder, which stays until the process ends."""
    from samtailor.bases.registry import load_base
    from samtailor.data import load_task
    from samtailor.embeddings.cache import EmbeddingCache
    from samtailor.fit import fit_task
    from samtailor.fitting.config import FitConfig

    logging.getLogger("samtailor").setLevel(logging.ERROR)  # warnings about damaged entries are expected
    folder = Path(tempfile.mkdtemp(prefix="campaign-"))
    save_tiny_sam(folder / "base")
    write_files(folder / "task", files_of("folders"))
    base, task = load_base(str(folder / "base")), load_task(folder / "task")
    config = FitConfig(steps=steps, batch=1, val_prompts=1, validations=2, min_area=1, seed=3)
    fit_task(task, base, folder / "run", config, cache=EmbeddingCache(folder / "cache"))
    return Sound(folder, base, task, config, contents(folder / "run"))


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of the files of a folder by name; temporary files too."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


os.environ.setdefault("HF_HUB_OFFLINE", "1")
