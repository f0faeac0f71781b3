"""What every trainable method is."""

from __future__ import annotations

import abc
import inspect
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from samtailor.adapters.lesson import Lesson
from samtailor.bases.base import Base, Embeddings
from samtailor.errors import AdapterError

__all__ = ["Adapter", "agreed"]

FACTS = ("width",)  # what the base says, not the user


class Adapter(nn.Module, abc.ABC):
    """A method that changes how a frozen base answers prompts: its prompt tokens, its mask decoder, or both.

    What is in ``owned_parameters`` is trained, what is in ``kept_parameters`` is saved and loaded; nothing else is. A
    base is never changed: a method that tunes the decoder tunes a copy.

    Attributes:
        method: its name.
        trains: what it trains, in a few words.
        starts_as_base: whether an untrained one answers bit for bit as the base does.
        peak_rate: the learning rate with which a fit that is not told one starts.
        chooses_token: whether a fit that is not told a mask token takes the one with which the base does best; else 0.
        mask_token: the mask token whose mask is this adapter's single one, 0 to 3; 0 is the base's own single mask.
    """

    method: ClassVar[str]
    trains: ClassVar[str]
    starts_as_base: ClassVar[bool] = True
    peak_rate: ClassVar[float] = 3e-4
    chooses_token: ClassVar[bool] = False
    mask_token: int = 0

    @classmethod
    def for_base(cls, base: Base, **config: Any) -> Self:
        """An untrained one that fits ``base``; ``config`` as in an adapter's card.

        Raises:
            AdapterError: ``config`` says something else than the base, or the method cannot work with it.
        """
        return cls(**agreed(cls.method, {"width": base.embed_dim}, config))

    @classmethod
    def options(cls) -> dict[str, Any]:
        """Name -> default of what a user may set; ``for_base(base, **options)`` takes them."""
        found: dict[str, Any] = {}
        for each in cls.__mro__:
            if not issubclass(each, Adapter) or "__init__" not in vars(each):
                continue
            given = inspect.signature(each.__init__).parameters.values()
            found |= {p.name: p.default for p in given if p.default is not p.empty and p.name not in found}
            if not any(p.kind is p.VAR_KEYWORD for p in given):
                break  # what its parents take is not for the caller
        return {name: default for name, default in found.items() if name not in FACTS}

    @property
    @abc.abstractmethod
    def config(self) -> dict[str, Any]:
        """The numbers that build this adapter again: ``for_base(base, **config)``."""

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor | None = None) -> Tensor:
        """New prompt tokens; the same ones unless a method says otherwise.

        Args:
            sparse: (B, N, T, D), as ``Base.embed_prompts`` gives them.
            embeddings: of the B images.
            positions: (D, h, w), of the embedding's cells.
            kinds: (B, N, T) int, places in ``TOKEN_KINDS``; ``decode_prompts`` always gives them.

        Returns:
            (B, N, T', D).
        """
        return sparse

    def read_token(self, token: int) -> None:
        """Take the single mask from this token; before training, since it may say which parameters are owned."""
        self.mask_token = token

    @property
    def decoder(self) -> nn.Module | None:
        """The mask decoder to use in place of the base's; None: the base's."""
        return None

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        """Name -> parameter that is trained."""
        return dict(self.named_parameters())

    def kept_parameters(self) -> dict[str, nn.Parameter]:
        """Name -> parameter that answers need: what is saved, loaded and counted. Others only help in training."""
        return self.owned_parameters()

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.kept_parameters().values())

    def rate_share(self, name: str) -> float:
        """What share of the learning rate an owned parameter learns with."""
        return 1.0

    def extra_terms(self, lesson: Lesson) -> dict[str, Tensor]:
        """Name -> (N,), terms that training adds to the loss as they are, weighted already."""
        return {}

    def switch_off(self) -> None:
        """Make this adapter answer as the base does; called at the end of a fit where nothing trained beat the base.

        It holds its untrained parameters then, so that only a method that does not start as the base has work to do.
        """

    def tokens_at(self, strength: float, sparse: Tensor, moved: Tensor) -> Tensor:
        """Tokens between those of the base and ``moved``, what ``forward`` made of them; ``strength`` 0..1."""
        return sparse.lerp(moved, strength)

    def decoder_at(self, strength: float, base: Base) -> nn.Module | None:
        """A new decoder between the base's own and ``decoder``; None where the method leaves the base's."""
        return None


def agreed(method: str, facts: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """``config`` with the base's facts.

    Raises:
        AdapterError: they contradict each other.
    """
    wrong = [f"{k} {config[k]} where the base has {v}" for k, v in facts.items() if config.get(k, v) != v]
    if wrong:
        raise AdapterError(
            f"An adapter of method {method!r} for this base cannot have {', '.join(wrong)}.", "Fit anew."
        )
    return facts | config
