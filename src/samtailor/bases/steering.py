"""Changes inside a frozen mask decoder: what an adapter adds to its tokens while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

__all__ = ["Maps", "Memory", "Steering"]


@dataclass(frozen=True)
class Memory:
    """Extra tokens that a decoder's layers read beside its own tokens.

    Tokens and cells attend to them in an attention of its own, whose result is added to the usual one with a weight.
    With weights of zero, they change nothing.

    Attributes:
        tokens: (B, N, k, D); they stay the same in all layers.
        weights: (layers, 2), of each layer's self-attention and of its attention from cells to tokens.
        present: (B, N) of 0 and 1, which prompts have extra tokens; None if all have.
    """

    tokens: Tensor
    weights: Tensor
    present: Tensor | None = None

    def read(self, layer: int, attention: int) -> tuple[Tensor, Tensor]:
        """Return the tokens (BN, k, D), and their weight in an attention of a layer, (1 or BN, 1, 1)."""
        weight = self.weights[layer, attention].view(1, 1, 1)
        present = self.present
        return self.tokens.flatten(0, 1), weight if present is None else weight * present.flatten()[:, None, None]


@dataclass(frozen=True)
class Maps:
    """Offsets of cells, different for each prompt: a sum of r maps, each times a vector.

    Attributes:
        values: (B, N, r, hw), the maps; cells are counted row by row.
        vectors: (layers, r, D), added to the cells before the last norm of each layer.
    """

    values: Tensor
    vectors: Tensor

    def offsets(self, layer: int) -> Tensor:
        """Return the offsets of the cells in a layer, (BN, hw, D)."""
        return self.values.flatten(0, 1).transpose(1, 2) @ self.vectors[layer]


@dataclass(frozen=True)
class Steering:
    """What to add to the tokens and cells of a decoder. Zeros change nothing, bit for bit; so does leaving out a part.

    Attributes:
        output: (B, N, 1 + mask_tokens, D), added to the output tokens before the first layer: the IoU token, then the
            mask tokens.
        offsets: computes what is added to tokens (BN, t, D) at a stage, each token on its own. Stage i is layer i,
            before its cells attend to the tokens; the last stage follows the last norm.
        memory: extra tokens.
        maps: offsets of the cells.
        words: the extra tokens of words.
    """

    output: Tensor | None = None
    offsets: Callable[[int, Tensor], Tensor] | None = None
    memory: Memory | None = None
    maps: Maps | None = None
    words: Memory | None = None

    def scaled(self, strength: float) -> Steering:
        """Multiply everything that is added by ``strength``."""
        offsets, maps = self.offsets, self.maps
        memory, words = (
            None if part is None else replace(part, weights=strength * part.weights)
            for part in (self.memory, self.words)
        )
        return Steering(
            None if self.output is None else strength * self.output,
            None if offsets is None else lambda stage, tokens: strength * offsets(stage, tokens),
            memory,
            None if maps is None else replace(maps, vectors=strength * maps.vectors),
            words,
        )

    def started(self, output_tokens: Tensor) -> Tensor:
        """Add ``output`` to the output tokens (B, N, 1 + mask_tokens, D)."""
        return output_tokens if self.output is None else output_tokens + self.output

    def moved(self, stage: int, tokens: Tensor) -> Tensor:
        """Add the offsets of a stage to tokens (BN, t, D)."""
        return tokens if self.offsets is None else tokens + self.offsets(stage, tokens)

    def shifted(self, layer: int, cells: Tensor) -> Tensor:
        """Add the offsets of a layer to cells (BN, hw, D), in their type."""
        return cells if self.maps is None else cells + self.maps.offsets(layer).to(cells.dtype)

    def extra(self, layer: int, attention: int) -> list[tuple[Tensor, Tensor]]:
        """Return extra tokens (BN, k, D) with their weight (1 or BN, 1, 1) in an attention of a layer."""
        return [part.read(layer, attention) for part in (self.memory, self.words) if part is not None]
