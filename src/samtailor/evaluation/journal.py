"""Keep the results of a long study image by image, so that a killed study continues where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from samtailor.adapters.answer import AdaptedModel
from samtailor.adapters.contract import Adapter
from samtailor.data.task import ImageRecord, Task
from samtailor.errors import SamtailorError
from samtailor.machine.files import append_json, write_atomically
from samtailor.machine.progress import Count, Progress

__all__ = ["Journal", "identity"]

VERSION = 2
_BYTES = ("utf-8", "surrogatepass")  # a file name may hold bytes that are not text


class Journal:
    """Rows per unit (an image) as JSON lines, under a header that describes what they depend on.

    The file name holds a digest of the header, so results of other settings are in other files.

    Args:
        folder: folder of the file; None keeps nothing.
        name: of the study.
        header: everything that the rows depend on, as JSON types.
    """

    def __init__(self, folder: Path | None, name: str, header: dict[str, Any]) -> None:
        self.path: Path | None = None
        self._done: dict[str, Any] = {}
        if folder is None:
            return
        text = json.dumps(header, sort_keys=True)
        self.path = folder / f"{name}-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}.jsonl"
        lines = self.path.read_text().splitlines() if self.path.is_file() else []
        if not lines or lines[0] != text:
            write_atomically(self.path, f"{text}\n".encode())
            return
        kept = [text]
        for line in lines[1:]:
            try:
                entry = json.loads(line)
                self._done[entry["unit"]] = entry["rows"]
            except (ValueError, KeyError, TypeError):  # a kill cut this line in two
                continue
            kept.append(line)
        if len(kept) < len(lines):
            write_atomically(self.path, ("\n".join(kept) + "\n").encode())

    def rows(self, unit: str, compute: Callable[[], Any]) -> Any:
        """Return the rows of a unit from the file, or compute and store them; JSON types only."""
        if unit not in self._done:
            self._done[unit] = compute()
            if self.path is not None:
                append_json(self.path, {"unit": unit, "rows": self._done[unit]})
        return self._done[unit]

    def by_image(
        self,
        images: Sequence[ImageRecord],
        names: Mapping[Path, str],
        compute: Callable[[ImageRecord], list[dict[str, Any]]],
        stage: str,
        progress: Progress,
    ) -> list[dict[str, Any]]:
        """Return the rows of all images in order, each with the image's name.

        Args:
            images: of a split.
            names: name of each image file.
            compute: computes the rows of one image; JSON types only.
            stage: name of the work in progress events.
            progress: receives a ``Count`` of instances after each image.
        """
        named_rows, done, total = [], 0, sum(len(record.promptable) for record in images)
        progress(Count(stage, done, total))
        for place, record in enumerate(images):
            rows = self.rows(str(place), partial(compute, record))
            named_rows += [row | {"image": names[record.path]} for row in rows]
            done += len(record.promptable)
            progress(Count(stage, done, total))
        return named_rows


def identity(model: AdaptedModel, task: Task, split: str) -> dict[str, Any]:
    """Describe what every result on a split depends on: images, masks, base, adapter, stored type and decoder.

    Increase ``VERSION`` when the prompts or scores of a study change.
    """
    digest = hashlib.blake2b(digest_size=16)
    for record in task.split(split):
        try:
            stat = record.path.stat()
        except OSError as error:
            raise SamtailorError(f"{record.path} cannot be read: {error.strerror}.", "Check the path.") from error
        digest.update(f"{record.path.name} {stat.st_size} {stat.st_mtime_ns}".encode(*_BYTES))
        for i in record.instances:
            digest.update(f"{i.id} {i.label} {i.crowd} {i.parts}".encode(*_BYTES) + i.rle["counts"])
    return {
        "version": VERSION,
        "data": digest.hexdigest(),
        "task": task.name,
        "split": split,
        "base": model.base.fingerprint,
        "stored": model.cache.dtype,
        "reference_decoder": bool(model.base.reference_decoder),
        "device": model.base.device.type,
        "adapter": None if model.adapter is None else _digest(model.adapter),
    }


def _digest(adapter: Adapter) -> str:
    digest = hashlib.blake2b(
        json.dumps([adapter.method, adapter.config, adapter.mask_token], sort_keys=True).encode(), digest_size=16
    )
    for name, parameter in sorted(adapter.kept_parameters().items()):
        digest.update(name.encode() + parameter.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
