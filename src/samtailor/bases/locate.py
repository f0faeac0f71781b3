"""Find a base again whose file or folder was moved, by its fingerprint."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from samtailor.bases.families import family_of_kind
from samtailor.bases.input_size import sized_name, split_size
from samtailor.bases.mobile_sam import NAME as MOBILE_SAM
from samtailor.bases.sources import check_base, weight_file_of
from samtailor.errors import BaseModelError

__all__ = ["find_base", "nearby_bases"]

_SUFFIXES = (".pt", ".pth", ".safetensors")
_FOLDERS = ("weights", "models", "checkpoints", "bases")
LARGEST = 100 << 20
"""Bytes: a larger file is read only if it is called like the lost one, because reading gigabytes takes long."""
MOST = 200
"""Entries of a place that are looked at."""

_logger = logging.getLogger(__name__)


def find_base(name: str, fingerprint: str, near: Iterable[Path] = ()) -> str:
    """Return a name that ``load_base`` accepts for the base with a fingerprint.

    The name itself comes first. If it leads nowhere, these places are searched for a file or folder with the
    fingerprint, whatever its name: ``near``, the working folder, folders such as ``weights/`` in them, and the caches
    of torch and of the Hugging Face hub. The bundled base counts too.

    Args:
        name: as an adapter's card has it.
        fingerprint: as an adapter's card has it.
        near: folders to search first, such as that of the adapter.

    Raises:
        BaseModelError: the base is nowhere; the message lists the places.
    """
    try:
        check_base(name)
    except BaseModelError as error:
        cause = error
    else:
        return name
    plain, size = split_size(name)
    places = _places(plain, near)
    for candidate in (sized_name(found, size) for found in (MOBILE_SAM, *_candidates(plain, places))):
        if _fingerprint(candidate) == fingerprint:
            _logger.warning("The base %r is no longer there; %r has the same fingerprint and is used.", name, candidate)
            return candidate
    raise BaseModelError(
        f"The base of the adapter is {name!r}. {cause.what} No file or folder with its fingerprint "
        f"{fingerprint[:16]}... is in {', '.join(map(str, places))} either.",
        "Pass its new place as the base (base= in Python, --base on the command line).",
    )


def nearby_bases() -> list[Path]:
    """List what may be bases on this machine, without loading any.

    These are folders of models that transformers saved, and weight files with "sam" in their name, in the working
    folder, in folders such as ``weights/`` in it, and in the caches of torch and of the Hugging Face hub.
    """
    found = (Path(name) for name in _candidates("", _places("", ()), largest=None))
    return [path for path in found if path.is_dir() or "sam" in path.stem.lower()]


def _places(name: str, near: Iterable[Path]) -> list[Path]:
    """Folders to search, without repetition."""
    file = weight_file_of(name) or Path(name.partition(":")[2] or name).expanduser()
    parents = (p for p in (file.parent, file.parent.parent) if file.is_absolute() and len(p.parts) > 2)
    own = [*near, Path.cwd(), *parents]
    torch_home = Path(os.environ.get("TORCH_HOME") or "~/.cache/torch").expanduser()
    places = [*own, *(place / folder for place in own for folder in _FOLDERS), torch_home / "hub" / "checkpoints"]
    return [place for place in dict.fromkeys(p.resolve() for p in places) if place.is_dir()]


def _candidates(name: str, places: list[Path], largest: int | None = LARGEST) -> Iterator[str]:
    """Names of bases in the places: those that are called like the lost one first; no other file above ``largest``."""
    lost = Path(name.partition(":")[2] or name).name
    entries: list[Path] = []
    for place in places:
        try:
            entries += islice(place.iterdir(), MOST)
        except OSError:
            continue
    entries += _cached_folders()
    for path in sorted(dict.fromkeys(entries), key=lambda path: path.name != lost):
        if path.is_file() and path.suffix.lower() in _SUFFIXES:
            if path.name == lost or largest is None or path.stat().st_size <= largest:
                yield str(path)
        elif path.is_dir() and _is_base(path):
            yield str(path)


def _is_base(folder: Path) -> bool:
    try:
        kind = json.loads((folder / "config.json").read_bytes()).get("model_type")
        return family_of_kind(str(kind)) is not None
    except (OSError, ValueError, AttributeError):
        return False


def _cached_folders() -> list[Path]:
    """Snapshots of models in the cache of the hub's client."""
    from huggingface_hub import constants

    return sorted(Path(constants.HF_HUB_CACHE).glob("models--*/snapshots/*"))[:MOST]


def _fingerprint(name: str) -> str | None:
    """Load a candidate and return its fingerprint; None if it is no base."""
    from samtailor.bases.registry import load_base

    try:
        return load_base(name, "cpu").fingerprint
    except BaseModelError:
        return None
