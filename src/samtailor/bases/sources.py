"""Check that the name of a base leads to something, before torch or a model is loaded."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Any

from samtailor.bases.hub import hub_answers, is_cached, is_hub_id
from samtailor.bases.input_size import split_size
from samtailor.bases.mobile_sam import NAME as MOBILE_SAM
from samtailor.bases.weight_files import check_weight_file, foreign_text
from samtailor.errors import BaseModelError
from samtailor.machine.arguments import as_path

__all__ = ["base_name", "check_base", "check_folder", "weight_file_of"]

_ACCEPTED = "the name of a base, a path, a hub id, or a Base"
_HUB_ADDRESS = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([\w.-]+/[\w.-]+?)(?:/tree/.*)?/?")
_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".pkl", ".onnx", ".tar", ".zip")
_SIZES = {"b": "base", "l": "large", "h": "huge", "base": "base", "large": "large", "huge": "huge"}
_KNOWN = dict.fromkeys(("mobilesam", "mobilesamvitt", "samvitt", "vitt"), MOBILE_SAM)
_KNOWN |= {
    f"{start}vit{letter}": f"facebook/sam-vit-{size}" for start in ("", "sam") for letter, size in _SIZES.items()
}
"""Names of other packages, letters alone -> our name."""
_LATER = (
    (r"sam2\S*large", "facebook/sam2.1-hiera-large"),
    (r"sam2\S*base", "facebook/sam2.1-hiera-base-plus"),
    (r"sam2\S*small", "facebook/sam2.1-hiera-small"),
    (r"sam2", "facebook/sam2.1-hiera-tiny"),
    (r"sam3", "facebook/sam3"),
    (r"samhq|hqsam", "syscv-community/sam-hq-vit-base"),
    (r"edgetam", "yonigozlan/EdgeTAM-hf"),
)
"""Beginnings of names of later families, letters and digits alone, and the hub id of one of their models."""


def base_name(name: Any) -> str:
    """Return the name of a base as text; the address of a hub page becomes a hub id.

    Raises:
        ArgumentError: it is neither text nor a path.
    """
    if isinstance(name, str):
        if page := _HUB_ADDRESS.fullmatch(name.strip()):
            return page[1]
        plain = split_size(name)[0]
        if plain.partition(":")[0] == MOBILE_SAM or is_hub_id(plain):
            return name
    return str(as_path(name, "base", _ACCEPTED))


def weight_file_of(name: str) -> Path | None:
    """Return the MobileSAM checkpoint that a name leads to; None if the name means something else."""
    name = split_size(name)[0]
    family, _, file = name.partition(":")
    if family == MOBILE_SAM:
        return Path(file).expanduser() if file else None
    path = Path(name).expanduser()
    return path if path.is_file() else None


def check_base(name: str) -> None:
    """Check that a base is there and may be one; this takes at most a few seconds, also without a network.

    Raises:
        BaseModelError: there is no such base, or its files are no weights; says what to do.
    """
    name = split_size(name)[0]
    if name == MOBILE_SAM:
        return
    if file := weight_file_of(name):
        check_weight_file(file)
        return
    path = Path(name).expanduser()
    if path.is_dir():
        check_folder(path)
    elif not is_hub_id(name) or path.suffix.lower() in _SUFFIXES:
        raise _unknown(name, path)
    elif not is_cached(name) and not hub_answers():
        raise BaseModelError(
            f"The base {name!r} could not be loaded. Tried a local folder of that name (none exists), the local hub "
            "cache (not in it), and the hub (no connection).",
            "Without a connection, fetch the model's config.json and model.safetensors on another machine and pass the "
            f"folder's path as the base; or use {MOBILE_SAM}, which is bundled.",
        )


def check_folder(folder: Path) -> None:
    """Check that a folder has the files of a SAM that transformers saved.

    Raises:
        BaseModelError: a file is missing or is something else.
    """
    hint = "Expected config.json and model.safetensors, as SamModel.save_pretrained writes them."
    if (folder / "adapter.json").is_file():
        raise BaseModelError(
            f"The folder {folder} cannot be read as a SAM checkpoint: it is the folder of an adapter.",
            "Pass it as the adapter; its base is found by itself.",
        )
    config = folder / "config.json"
    if not config.is_file():
        names = sorted(entry.name for entry in folder.iterdir())
        held = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "") if names else "nothing"
        below = next(iter(sorted([*folder.glob("*/config.json"), *folder.glob("snapshots/*/config.json")])), None)
        raise _not_sam(folder, f"it has no config.json (it holds {held})", f"Pass {below.parent}." if below else hint)
    _check_json(folder, config)
    files = _weight_files(folder)
    if not files:
        pickled = next((p.name for p in sorted(folder.glob("*.bin"))), None)
        only = f" (but {pickled}, which is not read, because it may hold code)" if pickled else ""
        raise _not_sam(folder, f"it has no model.safetensors{only}", hint)
    for file in files:
        check_weight_file(file)


def _weight_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return sorted(folder.glob("model*.safetensors"))
    table = _check_json(folder, index).get("weight_map")
    names = set(table.values()) if isinstance(table, dict) else set()
    return [folder / Path(str(name)).name for name in sorted(map(str, names))]


def _check_json(folder: Path, path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    if fault := foreign_text(content[:1024]):
        raise _not_sam(folder, f"{path.name} {fault[0]}", fault[1])
    try:
        table = json.loads(content)
    except ValueError:
        table = None
    if not isinstance(table, dict):
        raise _not_sam(folder, f"{path.name} is not a table in JSON", "Download the folder again.")
    return table


def _not_sam(folder: Path, why: str, hint: str) -> BaseModelError:
    return BaseModelError(f"The folder {folder} cannot be read as a SAM checkpoint: {why}.", hint)


def _unknown(name: str, path: Path) -> BaseModelError:
    if path.suffix.lower() in _SUFFIXES or path.is_absolute():
        return BaseModelError(
            f"There is no base {name!r}: no such file or folder exists.",
            f"Check the path; {MOBILE_SAM} is bundled and needs none.",
        )
    plain = re.sub(r"[^a-z]", "", name.lower())
    with_digits = re.sub(r"[^a-z0-9]", "", name.lower())
    later = next((hub_id for start, hub_id in _LATER if re.match(start, with_digits)), None)
    close = later or _KNOWN.get(plain) or next(iter(difflib.get_close_matches(name.lower(), [MOBILE_SAM])), None)
    return BaseModelError(
        f"There is no base {name!r}: it is neither a known name, nor a file or folder, nor a hub id like owner/model.",
        f"Did you mean {close}?"
        if close
        else "Use mobile-sam, a hub id such as facebook/sam-vit-base, or the path of a folder with config.json and "
        "model.safetensors.",
    )
