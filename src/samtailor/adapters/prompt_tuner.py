"""A prompt module that starts from SAM's own attention and steers the frozen mask decoder (ours)."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from samtailor.adapters.contract import Adapter, Changes, with_base_sizes
from samtailor.adapters.decoder_copies import copy_decoder
from samtailor.adapters.image_residual import build_residual
from samtailor.adapters.prompt_reader import PromptReader
from samtailor.adapters.similarity_maps import SimilarityMaps
from samtailor.bases.base import Base, Embeddings
from samtailor.bases.steering import Memory, Steering
from samtailor.errors import AdapterError

__all__ = ["PromptTuner"]

EXTRA_RMS = 0.2  # of the extra tokens at first: as large as SAM's own output tokens


class PromptTuner(Adapter):
    """Offsets of prompt tokens and output tokens, and other changes around a frozen decoder. Identity before training.

    A ``PromptReader`` sees the output tokens, the prompt tokens and the image, and computes what to add to the tokens
    before the first layer. Small MLPs add offsets inside the decoder. The decoder's parameters are never changed.
    Every part can be switched off.

    Args:
        decoder: a copy of the base's mask decoder, from which parts are copied.
        start: where the reader's attention starts: with the projections of ``sam``'s first layer, or at ``random``.
        normalise: 1 to read the normalised image, 0 to read it as it is. The bundled base's embedding has a standard
            deviation of 0.1 beside positions of 0.7, so without it attention sees little but positions.
        local: 1 to give each prompt token the image under it, which attention over the whole image blurs.
        outputs: 1 for offsets on the output tokens.
        extra: image-conditioned tokens that the decoder's layers read beside their own.
        residual: channels of a correction of the embedding.
        layers: 1 for offsets on the tokens inside each layer and after the last one.
        maps: offsets of the cells inside each layer, as a sum of so many maps for each prompt. A map is a learned
            similarity of a cell, with its position, to what the reader has read.
        units: width of the MLP that computes the offsets.

    Raises:
        AdapterError: an option is out of its range.
    """

    method: ClassVar[str] = "prompt-tuner"
    peak_rate: ClassVar[float] = 3e-4
    chooses_token: ClassVar[bool] = True
    output_tokens: Tensor

    def __init__(  # more than seven parameters: an option for each part, so that each can be tested alone
        self,
        decoder: Any,
        start: str = "sam",
        normalise: int = 1,
        local: int = 1,
        outputs: int = 1,
        extra: int = 4,
        residual: int = 112,
        layers: int = 1,
        maps: int = 0,
        units: int = 1024,
    ) -> None:
        super().__init__()
        _check(start, normalise=normalise, local=local, outputs=outputs, layers=layers)
        if extra < 0 or maps < 0 or units < 1:
            counts = f"extra is {extra}, maps {maps}, units {units}."
            raise AdapterError(counts, "Set extra and maps to 0 or more, and units to 1 or more.")
        width = decoder.hidden_size
        self.start, self.outputs, self.units = start, outputs, units
        self.residual = build_residual(width, residual)
        self.register_buffer("output_tokens", _output_tokens(decoder), persistent=False)
        self.reader = PromptReader(decoder.transformer.layers[0], start == "sam", bool(normalise), bool(local))
        self.last = _zero_mlp(width, units)
        stages = len(decoder.transformer.layers) + 1
        self.inside = nn.ModuleList(_zero_mlp(width, 2 * width) for _ in range(stages)) if layers else None
        self.queries = nn.Parameter(EXTRA_RMS * torch.randn(extra, width)) if extra else None
        self.memory_weights = nn.Parameter(torch.zeros(stages - 1, 2)) if extra else None
        self.maps = SimilarityMaps(width, maps, stages - 1) if maps else None
        for name, parameter in self.named_parameters():  # the biases of keys cancel in the softmax
            parameter.requires_grad_(not name.endswith("k_proj.bias"))

    @classmethod
    def for_base(cls, base: Base, **config: Any) -> Self:
        options = {k: v for k, v in with_base_sizes(cls.method, base, config).items() if k != "width"}
        return cls(copy_decoder(cls.method, base), **options)

    @property
    def config(self) -> dict[str, Any]:
        return {
            "width": self.output_tokens.shape[1],
            "start": self.start,
            "normalise": int(self.reader.scale is not None),
            "local": int(self.reader.local is not None),
            "outputs": self.outputs,
            "extra": 0 if self.queries is None else len(self.queries),
            "residual": 0 if self.residual is None else self.residual.channels,
            "layers": int(self.inside is not None),
            "maps": 0 if self.maps is None else self.maps.count,
            "units": self.units,
        }

    def owned_parameters(self) -> dict[str, nn.Parameter]:
        return {name: p for name, p in self.named_parameters() if not name.endswith("k_proj.bias")}

    def changes(self, sparse: Tensor, embeddings: Embeddings, positions: Tensor, kinds: Tensor) -> Changes:
        embeddings = embeddings if self.residual is None else self.residual(embeddings)
        b, n, t, _ = sparse.shape
        first = self.output_tokens if self.queries is None else torch.cat([self.queries, self.output_tokens])
        before = torch.cat([first.expand(b, n, -1, -1), sparse], dim=2)
        read = self.reader(before, t, embeddings["image"], positions)
        extra, moved = read.split([len(first) - len(self.output_tokens), len(self.output_tokens) + t], dim=2)
        offsets = self.last(moved)
        output, prompt = offsets.split([len(self.output_tokens), t], dim=2)
        memory = None if self.memory_weights is None else Memory(extra.float(), self.memory_weights)
        maps = (
            None if self.maps is None else self.maps(moved[:, :, 1 + self.mask_token], embeddings["image"], positions)
        )
        steering = Steering(output if self.outputs else None, self._inside if self.inside else None, memory, maps)
        return Changes(embeddings, sparse + prompt, steering)

    def _inside(self, stage: int, tokens: Tensor) -> Tensor:
        assert self.inside is not None
        offsets: Tensor = self.inside[stage](tokens)
        return offsets


def _output_tokens(decoder: Any) -> Tensor:
    return torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight]).detach().clone()


def _zero_mlp(width: int, hidden: int) -> nn.Sequential:
    """Build norm, linear, GELU, linear; the last layer starts at zero."""
    last = nn.Linear(hidden, width)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), last)


def _check(start: str, **switches: int) -> None:
    if start not in ("sam", "random"):
        raise AdapterError(f"start is {start!r}; expected sam or random.", "Change this option of the method.")
    for name, value in switches.items():
        if value not in (0, 1):
            raise AdapterError(f"{name} is {value!r}; expected 0 or 1.", "Change this option of the method.")
