"""Order and scores of the masks of one answer: the mask that an adapter was trained for wins.

SAM's users take ``masks[scores.argmax()]``. A fit trains one mask token and its score. The other tokens share the
decoder or the prompt tokens, so their masks and scores drift without any training, and they often outrank the trained
mask: on nuclei the best score gave a mean IoU of 0.572 where the trained mask had 0.702. Therefore the trained mask
comes first, and no other mask has a higher score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samtailor.adapters.contract import Adapter
from samtailor.bases.base import MaskChoice, selected_masks

__all__ = ["Ranking", "ranking_of"]


@dataclass(frozen=True)
class Ranking:
    """The mask tokens of an answer.

    Attributes:
        tokens: numbers of the M mask tokens, in the order of the answer.
        trained: which of them the adapter was trained for; at most one.
        corrections: what to add to the score of each of the M masks.
    """

    tokens: tuple[int, ...]
    trained: tuple[bool, ...]
    corrections: tuple[float, ...]

    @property
    def decoded(self) -> MaskChoice:
        """The choice of mask tokens to decode; ``rows`` says where the answer's masks are in it."""
        if len(self.tokens) == 1:
            return self.tokens[0]
        return "all" if 0 in self.tokens else "multi"

    @property
    def rows(self) -> list[int]:
        """Positions of the tokens among those of ``decoded``."""
        first = min(self.tokens, default=0)
        return [token - first for token in self.tokens]

    def scores(self, estimates: np.ndarray) -> np.ndarray:
        """Correct the model's own estimates, so that the trained mask has the highest score.

        Args:
            estimates: (n, M) float32, in the order of the tokens.

        Returns:
            (n, M) float32: the score of the trained mask as it is, and the others' corrected by what was measured on
            val, always below it.
        """
        if not any(self.trained):
            return estimates
        scores = estimates + np.array(self.corrections, dtype=np.float32)
        best = self.trained.index(True)
        scores[:, best] = estimates[:, best]
        below = np.nextafter(estimates[:, [best]], np.float32(-np.inf))
        others = [row for row in range(len(self.tokens)) if row != best]
        scores[:, others] = np.fmin(scores[:, others], below)
        return scores


def ranking_of(adapter: Adapter | None, masks: MaskChoice, count: int) -> Ranking:
    """Order the mask tokens.

    Args:
        adapter: an adapter, or None for the base alone.
        masks: which mask tokens the caller asks for. ``single`` is the adapter's own; ``multi`` starts with it.
        count: number of mask tokens of the base.
    """
    if adapter is None or adapter.leaves_base:
        tokens = (masks,) if isinstance(masks, int) else tuple(range(count)[selected_masks(masks)])
        return Ranking(tokens, (False,) * len(tokens), (0.0,) * len(tokens))
    own = adapter.mask_token
    if isinstance(masks, int):
        tokens = (masks,)
    elif masks == "single":
        tokens = (own,)
    elif masks == "multi":
        tokens = (own, *(token for token in range(1, count) if token != own))
    else:
        tokens = tuple(range(count))
    measured = adapter.score_corrections
    corrections = tuple(measured[token] if measured else 0.0 for token in tokens)
    return Ranking(tokens, tuple(token == own for token in tokens), corrections)
