"""What the loop trains: a module with named parameters."""

from __future__ import annotations

from typing import Any, Protocol

from torch import nn

__all__ = ["Trained"]


class Trained(Protocol):
    """A module that a fit trains: an adapter, or the proposal head."""

    def owned_parameters(self) -> dict[str, nn.Parameter]: ...

    def rate_share(self, name: str) -> float: ...

    def clip_group(self, name: str) -> str: ...

    def train(self, mode: bool = True) -> Any: ...

    def eval(self) -> Any: ...
