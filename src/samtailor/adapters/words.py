"""Class names as prompts, alone or beside clicks and boxes, on top of another method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from samtailor.adapters.contract import Adapter, Changes, with_base_sizes
from samtailor.adapters.methods import DEFAULT_METHOD, method_class
from samtailor.adapters.training_step import TrainingStep
from samtailor.adapters.vocabulary import check_left_out, exchanged, left_out_names
from samtailor.adapters.word_reader import WordReader
from samtailor.bases.base import Base, Embeddings
from samtailor.bases.steering import Memory
from samtailor.errors import AdapterError
from samtailor.machine.text import plain_name

__all__ = ["Words"]

RATE = 1e-3
"""Peak learning rate of the word reader; the method below keeps its own."""
WEIGHTS_RATE = 1e-2
"""Peak learning rate of the weights with which the tokens are read."""


class Words(Adapter):
    """Reads class names beside all that another method does. Prompts without a word are those of that method.

    A name becomes k tokens (``WordReader``), which the decoder's layers read beside the prompt tokens, in an attention
    of their own with weights that start at zero. So before training a word changes nothing, bit for bit; a word alone
    gives what the base makes of a prompt without a place, the same for all words. A fit gives a third of the prompts as
    words alone, a third with their word, and a third without (``fitting/words.py``).

    This is a closed vocabulary: the class names of the fit.

    Args:
        inner: an adapter of the method below.
        layers: of the decoder.
        width: D.
        over: name of the method below.
        word_tokens: k.
        word_units: units of the MLP.
        shuffle: a seed by which every class gets the letters of another, to test whether letters matter; 0 leaves them.
        leave_out: class names, with commas between them, whose words the fit does not give, to test compounds.

    Raises:
        AdapterError: an option is out of its range.
    """

    method: ClassVar[str] = "words"

    def __init__(  # more than seven parameters: options of the method, all by name
        self,
        inner: Adapter,
        layers: int,
        width: int,
        *,
        over: str = DEFAULT_METHOD,
        word_tokens: int = 4,
        word_units: int = 128,
        shuffle: int = 0,
        leave_out: str = "",
    ) -> None:
        super().__init__()
        for name, value, low, high in (
            ("word_tokens", word_tokens, 1, 64),
            ("word_units", word_units, 1, 4096),
            ("shuffle", shuffle, 0, 9999),
        ):
            if not low <= value <= high:
                raise AdapterError(
                    f"{name} is {value!r}; expected {low} to {high}.", "Change this option of the method."
                )
        self.inner, self.over, self.shuffle, self.leave_out = inner, over, shuffle, leave_out
        self.units, self.reads_words = word_units, True
        self.reader = WordReader(width, word_tokens, word_units, layers)
        self._spelling: dict[str, str] = {}

    @classmethod
    def for_base(cls, base: Base, **config: Any) -> Self:
        values = {name: value for name, value in with_base_sizes(cls.method, base, config).items() if name != "width"}
        own = {name: values.pop(name) for name in super().options() if name in values}
        over = own.get("over", DEFAULT_METHOD)
        decoder: Any = base.tunable_decoder()
        if decoder is None:
            raise AdapterError(
                f"The method {cls.method!r} steers the mask decoder; the decoder of the base {base.name!r} cannot be "
                "tuned.",
                "Choose another base.",
            )
        inner = _below(over).for_base(base, **values)
        return cls(inner, len(decoder.transformer.layers), base.embed_dim, **own)

    @classmethod
    def options(cls, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
        own = super().options()
        return own | _below((chosen or {}).get("over", own["over"])).options()

    @classmethod
    def leading(cls, chosen: Mapping[str, Any] | None = None) -> type[Adapter]:
        return _below((chosen or {}).get("over", DEFAULT_METHOD))

    @property
    def config(self) -> dict[str, Any]:
        return {
            **self.inner.config,
            "over": self.over,
            "word_tokens": self.reader.count,
            "word_units": self.units,
            "shuffle": self.shuffle,
            "leave_out": self.leave_out,
        }

    def learn_names(self, names: Sequence[str]) -> None:
        check_left_out(self.leave_out, names)
        self.names = tuple(sorted(names, key=lambda name: (plain_name(name), name)))
        left_out = left_out_names(self.leave_out)
        self.vocabulary = tuple(name for name in self.names if plain_name(name) not in left_out)
        self._spelling = exchanged(self.names, self.shuffle)

    def read_words(self, words: Sequence[str]) -> Memory:
        plain = [plain_name(word) for word in words]
        tokens: Tensor = self.reader([self._spelling.get(name, name) for name in plain])
        present = torch.tensor([[float(bool(name)) for name in plain]], device=tokens.device)
        return Memory(tokens[None].float(), self.reader.weights, present)

    def changes(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor) -> Changes:
        return self.inner.changes(sparse, embeddings, positions, kinds)

    def forward(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor | None = None) -> Tensor:
        tokens: Tensor = self.inner(sparse, embeddings, positions, kinds)
        return tokens

    @property
    def decoder(self) -> nn.Module | None:
        return self.inner.decoder

    @property
    def starts_as_base(self) -> bool:  # type: ignore[override]  # that of the method below
        return self.inner.starts_as_base

    @property
    def peak_rate(self) -> float:  # type: ignore[override]
        return self.inner.peak_rate

    @property
    def chooses_token(self) -> bool:  # type: ignore[override]
        return self.inner.chooses_token

    def use_token(self, token: int) -> None:
        super().use_token(token)
        self.inner.use_token(token)

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        below = {f"inner.{name}": p for name, p in self.inner.owned_parameters().items()}
        return below | {f"reader.{name}": p for name, p in self.reader.named_parameters()}

    def kept_parameters(self) -> dict[str, nn.Parameter]:
        below = {f"inner.{name}": p for name, p in self.inner.kept_parameters().items()}
        return below | {f"reader.{name}": p for name, p in self.reader.named_parameters()}

    def rate_share(self, name: str) -> float:
        part, _, own = name.partition(".")
        if part == "inner":
            return self.inner.rate_share(own)
        return (WEIGHTS_RATE if own == "weights" else RATE) / self.peak_rate

    def clip_group(self, name: str) -> str:
        part, _, own = name.partition(".")
        return self.inner.clip_group(own) if part == "inner" else ""

    def extra_terms(self, step: TrainingStep) -> dict[str, Tensor]:
        return self.inner.extra_terms(step)

    def switch_off(self) -> None:
        self.inner.switch_off()

    def tokens_at(self, strength: float, sparse: Tensor, adapted: Tensor) -> Tensor:
        return self.inner.tokens_at(strength, sparse, adapted)

    def decoder_at(self, strength: float, base: Base) -> nn.Module | None:
        return self.inner.decoder_at(strength, base)


def _below(over: str) -> type[Adapter]:
    if over == Words.method:
        raise AdapterError("over is 'words'; expected another method.", "Choose what else is trained, such as plm.")
    return method_class(over)
