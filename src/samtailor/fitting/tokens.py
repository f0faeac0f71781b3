"""Select the mask token that a fit trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from samtailor.adapters.answer import AdaptedModel
from samtailor.bases.base import Base
from samtailor.errors import FitError
from samtailor.fitting.batches import Draw
from samtailor.fitting.config import FitConfig
from samtailor.fitting.state import FitState
from samtailor.fitting.validate import token_scores

__all__ = ["check_token", "choose_token"]


def check_token(config: FitConfig, base: Base) -> None:
    """Raise FitError if the base does not have the config's mask token."""
    if config.mask_token is not None and config.mask_token >= base.mask_tokens:
        raise FitError(
            f"mask_token is {config.mask_token}; the base {base.name!r} has {base.mask_tokens} mask tokens.",
            f"Choose 0 to {base.mask_tokens - 1}.",
        )


def choose_token(
    model: AdaptedModel, draws: Sequence[Draw], config: FitConfig, state: FitState | None, check: Callable[[], None]
) -> list[float]:
    """Set the adapter's mask token; a resumed run keeps its token. ``check`` is called before each image.

    Returns:
        Validation mIoU by token if the token was selected by it, else an empty list.
    """
    adapter = model.require_adapter()
    if config.mask_token is not None or not adapter.chooses_token:
        adapter.use_token(config.mask_token or 0)
        return []
    placed = [draw for draw in draws if draw.prompts.have_places] or draws  # the base reads no words
    scores = state.token_scores if state and state.token_scores else token_scores(model, placed, check)
    adapter.use_token(scores.index(max(scores)))
    return scores
