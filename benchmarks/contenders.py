"""The functions to compare: our decoder, training step, click and encoder, and the usual alternatives."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from samtailor.adapters.answer import CHUNK, AdaptedModel
from samtailor.adapters.plm import PLM
from samtailor.bases.prompts import PromptTensors
from samtailor.bases.sam.base import SamBase
from samtailor.bases.sam.parts import as_transformers
from samtailor.data.task import ImageRecord
from samtailor.embeddings.cache import EmbeddingCache
from samtailor.fitting.batches import Draw, Sampler
from samtailor.fitting.config import FitConfig
from samtailor.fitting.gradients import add_gradients
from samtailor.fitting.loop import Trainer
from samtailor.fitting.work import AdapterWork
from samtailor.runs import Run

__all__ = [
    "Step",
    "click",
    "decode_by_transformers",
    "decode_ours",
    "decode_reference",
    "onnx_encoder",
    "our_encoder",
    "vit_b_encoder",
]

Work = Callable[[], object]


def _prompts(base: SamBase, count: int) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    points = torch.rand(1, count, 1, 2, generator=rng) * base.input_size
    image = torch.randn(1, base.embed_dim, base.grid, base.grid, generator=rng).to(base.device)
    labels = torch.ones(1, count, 1, dtype=torch.int64)
    return image, *base.embed_prompts(PromptTensors(points.to(base.device), labels.to(base.device)))


def decode_ours(base: SamBase, count: int) -> Work:
    """Decode ``count`` single masks on one image like ``Predictor``: in small chunks on a CPU."""
    image, sparse, dense = _prompts(base, count)
    size = CHUNK.get(base.device.type, 64)

    @torch.inference_mode()
    def work() -> object:
        parts = zip(sparse.split(size, 1), dense.split(size, 1), strict=True)
        return torch.cat([base.decode({"image": image}, s, d).logits for s, d in parts], 1)

    return work


def decode_reference(base: SamBase, count: int) -> Work:
    """Decode the same chunks with transformers' order of evaluation."""
    ours = decode_ours(base, count)

    def work() -> object:
        base.reference_decoder = True
        try:
            return ours()
        finally:
            base.reference_decoder = False

    return work


def decode_by_transformers(base: SamBase, count: int) -> Work:
    """Decode all prompts in one call of the original ``SamMaskDecoder.forward``."""
    image, sparse, dense = _prompts(base, count)
    positions = base.image_positions()[None]
    decoder = as_transformers(base.mask_decoder)

    @torch.inference_mode()
    def work() -> object:
        return decoder(
            image_embeddings=image,
            image_positional_embeddings=positions,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense[:, 0],
            multimask_output=False,
        )[0]

    return work


class Step:
    """One training step on several images, in several implementations.

    Args:
        base: the frozen model.
        records: images with instances; missing embeddings are added to ``cache``.
        cache: the cache of embeddings.
        images: number of images in the step.
        per_image: number of prompts on each image.
    """

    def __init__(
        self, base: SamBase, records: Sequence[ImageRecord], cache: EmbeddingCache, images: int, per_image: int
    ) -> None:
        self.base, self.model = base, AdaptedModel.of(base, None, cache)
        chosen = [r for r in records if len(r.promptable) >= per_image][:images]
        sampler = Sampler(chosen, FitConfig(epochs=1, batch=images * per_image, min_area=1))
        sampler.per_image, sampler.images_per_step = per_image, images
        self.sampler, self.draws = sampler, sampler.batch(0)
        for draw in self.draws:
            self.model.open(draw.image)
        self.pictures = [np.zeros((d.image.height, d.image.width, 3), dtype=np.uint8) for d in self.draws]

    def ours(self, cells: float = 0.25, precision: str = "float32") -> Work:
        """The step of samtailor's loop: cached embeddings, fast decoder, loss on a share of the cells."""
        trainer = self._trainer(cells, precision)
        return lambda: self._step(trainer)

    def reference(self, precision: str = "float32") -> Work:
        """The step of samtailor's loop with transformers' decoder and the loss on all cells."""
        work = self.ours(1.0, precision)

        def reference() -> object:
            self.base.reference_decoder = True
            try:
                return work()
            finally:
                self.base.reference_decoder = False

        return reference

    def today(self, encode: Callable[[], object]) -> Work:
        """The usual training loop: run the frozen encoder at every step, then the reference step."""
        reference = self.reference()

        def today() -> object:
            for _ in self.draws:
                encode()
            return reference()

        return today

    def encode_one(self) -> object:
        """Run the base's encoder on one image."""
        return self.base.encode(self.pictures[:1])

    def _trainer(self, cells: float, precision: str) -> Trainer[AdapterWork]:
        plm = PLM(width=self.base.embed_dim).to(self.base.device)
        nn.init.normal_(plm.mlp[-1].weight, std=1e-3)  # not zero, as after some steps: zeros are faster
        config = FitConfig(epochs=1, cells=cells, precision=precision, lr=1e-9)
        work = AdapterWork(self.model.with_adapter(plm), self.sampler, [], config)
        return Trainer(work, self.sampler.steps_per_epoch, config, Run(Path()), {})

    def _step(self, trainer: Trainer[AdapterWork]) -> object:
        trainer.optimiser.zero_grad(set_to_none=True)
        draws: Sequence[Draw] = self.draws
        terms = add_gradients(trainer.work.model, draws, trainer.config)
        nn.utils.clip_grad_norm_(trainer.trained.parameters(), 1.0)
        trainer.optimiser.step()
        return terms


def click(base: SamBase, record: ImageRecord, cache: EmbeddingCache) -> Work:
    """Predict a click with ``Predictor`` on an image that is set and cached."""
    from samtailor.predict import Predictor

    predictor = Predictor(base, None, cache)
    predictor.set_image(record.path)
    point = [[record.width / 2, record.height / 2]]
    return lambda: predictor.predict(points=point)


def _pixels(base: SamBase) -> Tensor:
    return torch.randn(1, 3, base.input_size, base.input_size, generator=torch.Generator().manual_seed(0))


def our_encoder(base: SamBase) -> Work:
    """Run the base's encoder on one preprocessed image."""
    pixels = _pixels(base).to(base.device)

    @torch.inference_mode()
    def work() -> object:
        return base.image_encoder(pixels)

    return work


def onnx_encoder(base: SamBase) -> Work:
    """Run the same weights in ONNX Runtime on the CPU, with the same number of threads.

    The exported encoder is the published one, without samtailor's changes.

    Raises:
        RuntimeError: if its embedding differs from ours by more than 1e-3 (relative L2).
    """
    import onnxruntime

    from samtailor.bases.mobile_sam.load import plain_encoder

    pixels = _pixels(base)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "encoder.onnx"
        torch.onnx.export(plain_encoder(), (pixels,), path, dynamo=True, external_data=False, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name, values = session.get_inputs()[0].name, pixels.numpy()
    theirs, ours = torch.from_numpy(session.run(None, {name: values})[0]), our_encoder(base)()
    assert isinstance(ours, Tensor)
    difference = float((theirs - ours.cpu()).norm() / theirs.norm())
    if difference > 1e-3:
        raise RuntimeError(
            f"ONNX Runtime's embedding differs from ours by {difference:.1e} (relative L2); at most 1e-3 is expected. "
            "Check the export before comparing times."
        )
    return lambda: session.run(None, {name: values})


def vit_b_encoder() -> Callable[[], object]:
    """Run an encoder of SAM ViT-B's size, with random weights, on one image of 1024 x 1024."""
    from transformers.models.sam.configuration_sam import SamVisionConfig
    from transformers.models.sam.modeling_sam import SamVisionEncoder

    encoder: Any = SamVisionEncoder(SamVisionConfig()).eval()
    pixels = torch.zeros(1, 3, 1024, 1024)

    @torch.inference_mode()
    def work() -> object:
        return encoder(pixels)

    return work
