"""The proposal head: from an embedding to the foreground of each class, and the depth inside its instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ProposalHead", "Proposals"]


@dataclass(frozen=True)
class Proposals:
    """Output of the head for B images, low-res frame.

    Attributes:
        foreground: (B, C, 4h, 4w) logits.
        depth: (B, C, 4h, 4w), about 0..1.
    """

    foreground: Tensor
    depth: Tensor


class ProposalHead(nn.Module):
    """Two upsamplings by two, with a convolution before, between and after them; 156,866 parameters for one class.

    Args:
        width: D of the embedding.
        classes: C.
        channels: after the first convolution; half as many after each upsampling.
    """

    def __init__(self, width: int, classes: int, channels: int = 96) -> None:
        super().__init__()
        self.width, self.classes, self.channels = width, classes, channels
        half, quarter = channels // 2, channels // 4
        self.enter = nn.Conv2d(width, channels, 1)
        self.context = nn.Conv2d(channels, channels, 3, padding=1)
        self.up1 = nn.ConvTranspose2d(channels, half, 2, stride=2)
        self.between = nn.Conv2d(half, half, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(half, quarter, 2, stride=2)
        self.after = nn.Conv2d(quarter, quarter, 3, padding=1)
        self.leave = nn.Conv2d(quarter, 2 * classes, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.leave.bias[:classes] = -2.0  # type: ignore[index]  # little foreground at first

    @property
    def config(self) -> dict[str, Any]:
        """The values that rebuild this head."""
        return {"width": self.width, "classes": self.classes, "channels": self.channels}

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        """Return name -> parameter; all are trained and kept."""
        return dict(self.named_parameters())

    def rate_share(self, name: str) -> float:
        """Return the factor on the learning rate for a parameter."""
        return 1.0

    def clip_group(self, name: str) -> str:
        """Return the group of a parameter whose gradient is limited together."""
        return ""

    def forward(self, image: Tensor) -> Proposals:
        """Propose; ``image`` is (B, D, h, w)."""
        cells = F.layer_norm(image.permute(0, 2, 3, 1), (self.width,)).permute(0, 3, 1, 2)
        x = F.gelu(self.enter(cells))
        x = x + F.gelu(self.context(x))
        x = F.gelu(self.up1(x))
        x = x + F.gelu(self.between(x))
        x = F.gelu(self.up2(x))
        x = x + F.gelu(self.after(x))
        foreground, depth = self.leave(x).float().chunk(2, dim=1)
        return Proposals(foreground, depth)
