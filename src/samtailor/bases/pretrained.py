"""Read a model that transformers saved, from a local folder or the hub, strictly and without running its code."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from samtailor.bases.families import FAMILIES, Family, family_of_kind
from samtailor.bases.hub import hub_answers
from samtailor.bases.sam.quiet import first_sentence, quiet
from samtailor.bases.sources import check_base
from samtailor.bases.weights import check_finite, check_room, join_faults
from samtailor.errors import BaseModelError

__all__ = ["read_pretrained"]

_logger = logging.getLogger(__name__)


def read_pretrained(source: str) -> tuple[str, Family, Any]:
    """Read a model.

    Args:
        source: a local folder that ``save_pretrained`` wrote, or a hub id (``facebook/sam-vit-base``).

    Returns:
        the name of the base, its family, and transformers' model in float32.

    Raises:
        BaseModelError: it cannot be found or reached, is of no known family, or has missing or unexpected weights.
    """
    local = Path(source).expanduser()
    name = str(local.resolve()) if local.is_dir() else source
    check_base(name)
    here = local.is_dir() or not hub_answers()  # then nothing asks the hub
    if local.is_dir():
        check_room(source, sum(file.stat().st_size for file in local.glob("model*.safetensors")))
    with quiet():
        try:
            family, kind = _family(name, here)
            model, info = _load(name, family.kinds[kind], here)
        except BaseModelError:
            raise
        except Exception as error:  # transformers and the hub's client raise many kinds; some advise unsafe loading
            raise _unreachable(source, local, first_sentence(error)) from None
    _check_loading(source, info, family)
    model.float().eval()  # images are float32; a checkpoint may be in half precision
    check_finite(model.state_dict(), source)
    if family.restriction:
        _logger.warning("%s", family.restriction)
    return name, family, model


def _load(name: str, model_class: str, here: bool) -> Any:
    import transformers

    return getattr(transformers, model_class).from_pretrained(
        name,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are listed, and refused below
        trust_remote_code=False,
        local_files_only=here,
    )


def _family(source: str, here: bool) -> tuple[Family, str]:
    """Return the family and the model type. A config that names code of its own is refused without running it."""
    from transformers import PretrainedConfig

    settings, _ = PretrainedConfig.get_config_dict(source, local_files_only=here)
    if settings.get("auto_map"):
        raise BaseModelError(
            f"The config of {source} asks to run code of its own (auto_map); samtailor never runs such code.",
            "Use a checkpoint of the type 'sam', 'sam_hq' or 'sam2', whose config has no auto_map.",
        )
    kinds = ", ".join(repr(kind) for family in FAMILIES for kind in family.kinds)
    kind = settings.get("model_type")
    if not kind:
        raise BaseModelError(
            f"The config of {source} does not say what kind of model it is (model_type); expected one of {kinds}.",
            "Choose a folder that save_pretrained of transformers wrote.",
        )
    family = family_of_kind(str(kind))
    if family is None:
        raise BaseModelError(
            f"{source} holds a model of type {kind!r}; expected one of {kinds}.",
            "`samtailor bases` lists what can be loaded.",
        )
    return family, str(kind)


def _check_loading(source: str, info: dict[str, Any], family: Family) -> None:
    mismatched = [
        f"{key} {tuple(found)}, the config says {tuple(expected)}" for key, found, expected in info["mismatched_keys"]
    ]
    faults = {
        "missing": sorted(map(str, info["missing_keys"])),
        "unexpected": sorted(map(str, info["unexpected_keys"])),
        "of another size than in config.json": sorted(mismatched),
    }
    if any(faults.values()):
        raise BaseModelError(
            f"The weights of {source} do not fit {family.title}: {join_faults(faults)}.",
            "Use the config.json that belongs to these weights, or download the checkpoint again.",
        )


def _unreachable(source: str, local: Path, cause: str) -> BaseModelError:
    if local.is_dir():
        return BaseModelError(
            f"The folder {source} cannot be read as a SAM checkpoint: {cause}",
            "Expected config.json and model.safetensors, as save_pretrained of transformers writes them.",
        )
    return BaseModelError(
        f"The base {source!r} could not be loaded. Tried a local folder of that name (none exists), the local hub "
        f"cache, and the hub: {cause}",
        "Without a connection, fetch the model's config.json and model.safetensors on another machine and pass the "
        "folder's path as the base; or use mobile-sam, which is bundled.",
    )
