"""The contract of an adapter: every trainable method is a subclass of ``Adapter``."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from samtailor.adapters.training_step import TrainingStep
from samtailor.bases.base import Base, Embeddings
from samtailor.bases.steering import Memory, Steering
from samtailor.errors import AdapterError

__all__ = ["Adapter", "Changes", "with_base_sizes"]

BASE_SIZES = ("width",)  # config values that come from the base, not from the user


@dataclass(frozen=True)
class Changes:
    """What an adapter changes for some prompts: the arguments of ``Base.decode``.

    Attributes:
        embeddings: of the B images.
        sparse: (B, N, T', D), prompt tokens.
        steering: what to add inside the decoder; None for nothing.
        decoder: the mask decoder to use instead of the base's; None for the base's.
    """

    embeddings: Embeddings
    sparse: Tensor
    steering: Steering | None = None
    decoder: nn.Module | None = None


class Adapter(nn.Module, abc.ABC):
    """A small trainable module that changes what a frozen base decodes: prompt tokens, the mask decoder, or both.

    Most methods override ``forward``, which changes the prompt tokens, or ``decoder``. Those that also change the
    embedding, or what happens inside the decoder, override ``changes``.

    A fit trains exactly ``owned_parameters``; files hold exactly ``kept_parameters``. The base is never changed: a
    method that tunes the decoder tunes a copy.

    Attributes:
        method: name of the method.
        starts_as_base: whether an untrained adapter returns the base's masks bit for bit.
        peak_rate: learning rate with which a fit starts if the user sets none.
        chooses_token: whether a fit selects the mask token in validation if the user sets none; otherwise it uses 0.
        mask_token: the mask token that ``single`` means for this adapter; 0 is the base's own single mask.
        fitted_on: the setting ``prompts`` of its fit, such as ``click``; None if it is not known.
        base_name: name of the base that it was built for; None if ``build_adapter`` did not build it.
        base_fingerprint: fingerprint of that base.
        leaves_base: whether a fit ended without an adapter that beats the base; all answers are then the base's.
        score_corrections: by mask token, the mean IoU on val minus the mean of the model's own estimates; empty if it
            was not measured.
        reads_words: whether prompts may have words; then ``read_words`` turns them into tokens.
        names: class names of the fit of an adapter that reads words.
        vocabulary: those of the names that the fit gave as words.
    """

    method: ClassVar[str]
    starts_as_base: ClassVar[bool] = True
    peak_rate: ClassVar[float] = 3e-4
    chooses_token: ClassVar[bool] = False
    mask_token: int = 0
    fitted_on: str | None = None
    base_name: str | None = None
    base_fingerprint: str | None = None
    leaves_base: bool = False
    score_corrections: tuple[float, ...] = ()
    reads_words: bool = False
    names: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()

    @classmethod
    def for_base(cls, base: Base, **config: Any) -> Self:
        """Build an untrained adapter for ``base``; ``config`` is the one in an adapter's card, or a part of it.

        Raises:
            AdapterError: ``config`` contradicts the base, or the method cannot work with it.
        """
        return cls(**with_base_sizes(cls.method, base, config))

    @classmethod
    def options(cls, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return name -> default of the options that a user may set; ``for_base(base, **options)`` takes them.

        Args:
            chosen: the options that are set; a method on top of another has the options of that one too.
        """
        defaults: dict[str, Any] = {}
        for parent in cls.__mro__:
            if not issubclass(parent, Adapter) or "__init__" not in vars(parent):
                continue
            parameters = inspect.signature(parent.__init__).parameters.values()
            defaults |= {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in defaults}
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break  # this class takes no options of its parents
        return {name: default for name, default in defaults.items() if name not in BASE_SIZES}

    @classmethod
    def leading(cls, chosen: Mapping[str, Any] | None = None) -> type[Adapter]:
        """Return the class whose rate and choice of the mask token a fit takes; arguments as in ``options``."""
        return cls

    @property
    @abc.abstractmethod
    def config(self) -> dict[str, Any]:
        """The values that rebuild this adapter: ``for_base(base, **config)``."""

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor | None = None) -> Tensor:
        """Return new prompt tokens; by default the same ones.

        Args:
            sparse: (B, N, T, D), from ``Base.embed_prompts``.
            embeddings: of the B images.
            positions: (D, h, w), positional encoding of the embedding's cells.
            kinds: (B, N, T) int, indices into ``TOKEN_KINDS``; ``AdaptedModel.decode`` always passes them.

        Returns:
            (B, N, T', D).
        """
        return sparse

    def changes(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor) -> Changes:
        """Return all changes; arguments as in ``forward``."""
        return Changes(embeddings, self(sparse, embeddings, positions, kinds), None, self.decoder)

    def learn_names(self, names: Sequence[str]) -> None:
        """Take the class names of the fit, before training and after loading; methods that read no words ignore them.

        Raises:
            AdapterError: an option of the method contradicts the names.
        """

    def read_words(self, words: Sequence[str]) -> Memory | None:
        """Return extra tokens of the words of N prompts, B = 1; None if the method reads no words."""
        return None

    def use_token(self, token: int) -> None:
        """Set ``mask_token``. Call it before training, because the owned parameters may depend on it."""
        self.mask_token = token

    @property
    def decoder(self) -> nn.Module | None:
        """The mask decoder to use instead of the base's; None for the base's."""
        return None

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        """Return name -> parameter of the parameters to train."""
        return dict(self.named_parameters())

    def kept_parameters(self) -> dict[str, nn.Parameter]:
        """Return name -> parameter of those needed after training; they are saved, loaded and counted."""
        return self.owned_parameters()

    def __repr__(self) -> str:
        base = f" for {self.base_name!r}" if self.base_name else ""
        return f"<Adapter {self.method!r}{base}: {self.parameter_count():,} parameters>"

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.kept_parameters().values())

    def rate_share(self, name: str) -> float:
        """Return the factor on the learning rate for an owned parameter."""
        return 1.0

    def clip_group(self, name: str) -> str:
        """Return the group of an owned parameter; the gradient of each group is limited by itself."""
        return ""

    def extra_terms(self, step: TrainingStep) -> dict[str, Tensor]:
        """Return name -> (N,) of terms that training adds to the loss; they include their weights."""
        return {}

    def switch_off(self) -> None:
        """Make this adapter return the base's masks; called at the end of a fit in which nothing beat the base.

        The adapter then has its untrained parameters, so only methods that do not start as the base override this.
        """

    def tokens_at(self, strength: float, sparse: Tensor, adapted: Tensor) -> Tensor:
        """Interpolate between the base's tokens and ``adapted``, the output of ``forward``; ``strength`` is 0..1."""
        return sparse.lerp(adapted, strength)

    def decoder_at(self, strength: float, base: Base) -> nn.Module | None:
        """Build a decoder between the base's own and ``decoder``; None if the method uses the base's."""
        return None


def with_base_sizes(method: str, base: Base, config: dict[str, Any]) -> dict[str, Any]:
    """Add the sizes of the base to ``config``.

    Raises:
        AdapterError: ``config`` has other sizes.
    """
    width = config.get("width", base.embed_dim)
    if width != base.embed_dim:
        raise AdapterError(
            f"The config of method {method!r} has width {width}; the base has {base.embed_dim}.",
            "Fit a new adapter on this base.",
        )
    return {"width": base.embed_dim} | config
