"""Class names as tokens: hashed character n-grams and a small MLP."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["BUCKETS", "WordReader", "hashed_ngrams"]

BUCKETS = 1024
"""Places that n-grams are hashed to. The 18 names of facial parts have 197 n-grams, in 179 places."""
LENGTHS = (3, 4, 5)
"""Of n-grams, in characters, the signs for the beginning and end of a part included."""


@lru_cache(maxsize=4096)
def hashed_ngrams(part: str) -> np.ndarray:
    """Return the hashed n-grams of a part of a name, (BUCKETS,) float32 of length 1; read-only.

    The hash is BLAKE2, so all machines and versions agree.
    """
    bounded = f"<{part}>"
    grams = {bounded, *(bounded[i : i + n] for n in LENGTHS for i in range(len(bounded) - n + 1))}
    vector = np.zeros(BUCKETS)
    for gram in grams:
        digest = hashlib.blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        number = int.from_bytes(digest, "big")
        vector[number // 2 % BUCKETS] += 1 if number % 2 else -1
    unit = (vector / (np.sqrt((vector**2).sum()) or 1.0)).astype(np.float32)
    unit.flags.writeable = False
    return unit


class WordReader(nn.Module):
    """Turns names into k tokens of width D: hashed n-grams, linear, GELU, linear.

    The tokens of a name are the sum of those of its parts between spaces, divided by the root of their number. So the
    tokens of a compound that was never seen are made of what its parts do in other names.

    The weights with which a decoder reads the tokens start at zero, so that at first a word changes nothing.

    Args:
        width: D.
        count: k.
        units: between the two linear layers.
        layers: of the decoder.
    """

    def __init__(self, width: int, count: int, units: int, layers: int) -> None:
        super().__init__()
        self.width, self.count = width, count
        self.enter = nn.Linear(BUCKETS, units)
        self.leave = nn.Linear(units, count * width)
        self.weights = nn.Parameter(torch.zeros(layers, 2))

    def forward(self, names: Sequence[str]) -> Tensor:
        """Return the tokens of n plain names, (n, k, D)."""
        parts = [name.split() or [name] for name in names]
        vectors = torch.from_numpy(np.stack([hashed_ngrams(part) for each in parts for part in each]))
        # The units get numbers of about 0.6 at first, and the tokens 0.2: as large as SAM's own output tokens.
        hidden = nn.functional.gelu(self.enter(BUCKETS**0.5 * vectors.to(self.enter.weight.device)))
        split = self.leave(hidden).split([len(each) for each in parts])
        tokens = torch.stack([each.sum(0) / len(each) ** 0.5 for each in split])
        return tokens.view(len(names), self.count, self.width)
