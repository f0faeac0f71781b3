"""The Prompt Learning Module (PLM): a learned offset on the prompt tokens (arXiv 2403.09199, as summarised)."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from samtailor.adapters.attention import few_token_attention
from samtailor.adapters.contract import Adapter
from samtailor.bases.base import Embeddings

__all__ = ["PLM"]


class PLM(Adapter):
    """f_P' = f_P + PLM(f_P, f_I): prompt self-attention, prompt-to-image attention, MLP; all pre-norm.

    The last linear layer starts at zero, so before training the adapted model is the base, bit for bit. With the
    default sizes it has 1,578,752 parameters.

    Args:
        width: D, the base's embedding width.
        heads: attention heads; divides ``width``.
        hidden: width of the MLP's hidden layer.
    """

    method: ClassVar[str] = "plm"
    peak_rate: ClassVar[float] = 1e-4  # 3e-5 is slower, 3e-4 scatters more (docs/decisions/index.md)

    def __init__(self, width: int = 256, heads: int = 8, hidden: int = 2048) -> None:
        super().__init__()
        self.width, self.heads, self.hidden = width, heads, hidden
        self.norm_self = nn.LayerNorm(width)
        self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm_image = nn.LayerNorm(width)
        self.image_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm_mlp = nn.LayerNorm(width)
        last = nn.Linear(hidden, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), last)

    @property
    def config(self) -> dict[str, Any]:
        return {"width": self.width, "heads": self.heads, "hidden": self.hidden}

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor | None = None) -> Tensor:
        b, n, t, _ = sparse.shape
        if t == 0:  # a mask prompt without points and boxes has no tokens
            return sparse
        tokens = sparse.flatten(0, 1)  # (BN, T, D), so that tokens attend only to tokens of the same prompt
        normed = self.norm_self(tokens)
        tokens = tokens + self.self_attention(normed, normed, normed, need_weights=False)[0]

        # Each query attends on its own, so all prompts of an image can share its keys and values.
        tokens = tokens.reshape(b, n * t, -1)
        image = embeddings["image"]
        keys = (image + positions).flatten(2).transpose(1, 2)  # (B, hw, D)
        values = image.flatten(2).transpose(1, 2)
        tokens = tokens + few_token_attention(self.image_attention, self.norm_image(tokens), keys, values)

        offset: Tensor = self.mlp(self.norm_mlp(tokens)).reshape(b, n, t, -1)
        return sparse + offset
