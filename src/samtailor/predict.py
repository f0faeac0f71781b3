"""Predict masks for a user's own image and prompts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from samtailor.bases.base import MaskChoice
from samtailor.data.findings import times
from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import ImageError, PromptError
from samtailor.frames import Frame
from samtailor.machine.forks import before_computing
from samtailor.opening import AnyAdapter, AnyBase, AnyCache, AnyDevice, open_model
from samtailor.prediction.answers import Part, answers, any_answer
from samtailor.prediction.current import CurrentImage
from samtailor.prediction.session import Session
from samtailor.prompts import Prompts, check_prompts
from samtailor.prompts.doubts import warn_of_new_kinds
from samtailor.prompts.words import warn_of_unknown_words
from samtailor.runs import Run

__all__ = ["Outcome", "Prediction", "Predictor"]

Picture = EmbeddedImage | str | Path | Image.Image | np.ndarray
"""An image: a file, an array, a Pillow image, or a handle from ``Predictor.prepare``."""


@dataclass(frozen=True, repr=False)
class Prediction:
    """M masks for each of N prompts.

    Attributes:
        masks: (N, M, H, W) bool, image frame.
        iou: (N, M) float32, the model's own estimate of each mask's IoU, about 0..1. With an adapter, the mask that it
            was trained for has the highest: ``masks[i, iou[i].argmax()]`` is that mask.
        logits: (N, M, 4h, 4w) float32, low-res frame; (N, M, 256, 256) for SAM.
        trained: M flags: which of the masks the adapter was trained for; the first one if there is an adapter. All are
            False for the base alone, and for an adapter that leaves the base unchanged.
    """

    masks: np.ndarray
    iou: np.ndarray
    logits: np.ndarray
    trained: tuple[bool, ...] = ()

    def __repr__(self) -> str:
        n, m, height, width = self.masks.shape
        of_each = f"{times(n, 'prompt')}, {times(m, 'mask')} each"
        return f"<Prediction: {of_each}, {width} x {height} pixels>"


@dataclass(frozen=True)
class Outcome:
    """Prediction or error of one image.

    Attributes:
        image: as it was given.
        prediction: None if the image or its prompt could not be used.
        error: why; None if there is a prediction.
    """

    image: Picture
    prediction: Prediction | None = None
    error: ImageError | PromptError | None = None


class Predictor:
    """Predicts masks from prompts; the adapter can be switched off for each call.

    Example:
        >>> predictor = Predictor(adapter="runs/demo")
        >>> predictor.set_image("field.png")
        >>> predictor.predict(points=[[120, 80]]).masks.shape  # (1, 1, H, W)

    Several threads may share a predictor. Each thread has its own current image, so ``set_image`` and ``predict`` give
    a thread the masks of its own image. With ``handle = predictor.prepare(image)`` and ``predict(..., image=handle)``
    there is no current image at all; use it in asynchronous code and for several images at once. Worker processes must
    be started with the method ``spawn`` and load their own predictor; a forked process raises ``ForkError``.

    Args:
        base: a base, or its name; None takes the adapter's base, or the default one without an adapter.
        adapter: an adapter, or the folder of a run; None uses the base alone.
        cache: a cache or its folder; None is the user's own, False keeps embeddings in memory alone.
        device: where to load a base that is given by name: auto (a GPU if there is one), cpu, cuda, cuda:1 or mps.

    Raises:
        ArgumentError: an argument is of a wrong type.
        BaseModelError: the base cannot be loaded.
        AdapterError: the adapter cannot be loaded, or belongs to another base.
        ForkError: this process was forked after its parent computed.
    """

    def __init__(
        self,
        base: AnyBase | None = None,
        adapter: AnyAdapter | Run | None = None,
        cache: AnyCache = None,
        device: AnyDevice = "auto",
    ) -> None:
        before_computing()
        self.model = open_model(base, adapter, cache, device)
        self._current = CurrentImage()

    def __repr__(self) -> str:
        return f"<Predictor with {self.model.base!r}, {self.model.adapter or 'no adapter'!r}>"

    @property
    def frame(self) -> Frame | None:
        """The frame of this thread's current image; None before ``set_image``."""
        image = self._current.get()
        return None if image is None else image.frame

    def prepare(self, image: str | Path | Image.Image | np.ndarray) -> EmbeddedImage:
        """Encode an image and return a handle for ``predict(..., image=handle)``.

        The image goes through the encoder only if its embedding is not in the cache. The handle can be kept, used any
        number of times, and passed to other threads and to other predictors of the same base. It takes 4 MB for SAM.

        Args:
            image: a path, a PIL image, or an array: (H, W) or (H, W, 3 or 4), uint8, uint16, or float in 0..1.

        Raises:
            ImageError: it cannot be read or is not an image.
            ForkError: this process was forked after its parent computed.
        """
        before_computing(self.model.base.device)
        return self.model.embedder.open_picture(image)

    def set_image(self, image: str | Path | Image.Image | np.ndarray) -> None:
        """Choose the image for the following calls of ``predict`` in this thread; arguments as in ``prepare``."""
        self._current.set(None)  # if this image fails, later calls must not use the previous one
        self._current.set(self.prepare(image))

    def predict(  # more than seven parameters: parts of a prompt, all optional
        self,
        points: Any = None,
        labels: Any = None,
        boxes: Any = None,
        multimask: bool = False,
        adapted: bool = True,
        mask_input: Any = None,
        image: Picture | None = None,
        words: Any = None,
    ) -> Prediction:
        """Predict masks for one or several prompts on an image.

        Points, boxes and masks may be lists, arrays or tensors. A box that reaches a little outside the image is
        clipped. Without any prompt, as with ``boxes=[]``, there are no masks: N = 0.

        ``session`` refines a mask click by click. To do it yourself, pass its logits with the next clicks:

            first = predictor.predict(points=[[120, 80]])
            predictor.predict(points=[[120, 80], [60, 90]], labels=[1, 0], mask_input=first.logits[:, 0])

        Args:
            points: (P, 2) one prompt of P points, or (N, P, 2); (x, y) in image pixels, pixel centres at +0.5. In a
                list of N prompts, each may have its own number of points.
            labels: (P,) or (N, P), 1 foreground, 0 background, -1 padding, which is ignored; None means all foreground.
            boxes: (4,) or (N, 4), x0 y0 x1 y1 in image pixels; with points, prompt i has both.
            multimask: return the alternatives for an ambiguous prompt (three for SAM). With an adapter, the mask that
                it was trained for comes first and has the highest score; the alternatives follow.
            adapted: False uses the base alone.
            mask_input: (4h, 4w) or (N, 4h, 4w) low-res logits of an earlier mask; prompt i refines mask i.
            image: a handle from ``prepare``, or an image as ``prepare`` takes it; None uses the image of ``set_image``.
            words: for an adapter of the method ``words``: a class name for all prompts, or one per prompt (None for
                none). A word without anything else means all objects of the class.

        Raises:
            PromptError: no image is set, a prompt has a wrong shape or label, a prompt is outside the image, or the
                adapter reads no words.
            ForkError: this process was forked after its parent computed.

        Warns:
            PromptWarning: a prompt is probably not what you mean, is of a kind that the adapter was not fitted on, or
                has a word that is not in its vocabulary.
        """
        handle = self._handle(image)
        prompts = check_prompts(points, labels, boxes, mask_input, words, frame=handle.frame)
        parts = list(self.parts(handle, prompts, multimask, adapted))
        model = self.model if adapted else self.model.plain
        example = parts[0].answer if parts else any_answer(model, handle, _choice(multimask))
        n, frame, (m, h, w) = len(prompts), handle.frame, example.logits.shape[1:]
        prediction = Prediction(
            np.zeros((n, m, frame.height, frame.width), dtype=bool),
            np.empty((n, m), dtype=np.float32),
            np.empty((n, m, h, w), dtype=np.float32),
            example.trained,
        )
        for part in parts:
            prediction.iou[part.rows] = part.answer.iou
            prediction.logits[part.rows] = part.answer.logits
            for row, place in enumerate(part.rows.tolist()):
                for mask in range(m):
                    part.answer.mask(row, mask, prediction.masks[place, mask])
        return prediction

    def session(
        self, image: Picture | None = None, adapted: bool = True, with_mask: bool | None = None
    ) -> Session[Prediction]:
        """Start to segment one object click by click; the mask before each click goes back into the model.

        Example:
            >>> session = predictor.session("field.png")
            >>> session.click(120, 80)
            >>> session.click(60, 90, label=0).masks[0, 0]

        Args:
            image: as in ``predict``.
            adapted: as in ``predict``.
            with_mask: whether the logits of the mask before go back into the model. None does it if the base takes
                masks and the model knows them: the base alone, or an adapter fitted with ``prompts="interactive"``.

        Raises:
            PromptError: no image is set, or ``with_mask`` is True and the base does not take masks.
        """
        handle, base = self._handle(image), self.model.base
        adapter = self.model.adapter if adapted else None
        if with_mask and not base.takes_masks:
            raise PromptError(f"The base {base.name!r} does not take mask prompts.", "Leave out with_mask.")
        if with_mask is None:
            with_mask = base.takes_masks and (adapter is None or adapter.fitted_on == "interactive")
        return Session(partial(self.predict, adapted=adapted, image=handle), with_mask)

    def predict_many(
        self, jobs: Iterable[tuple[Picture, Mapping[str, Any]]], multimask: bool = False, adapted: bool = True
    ) -> Iterator[Outcome]:
        """Predict on many images; an image that fails does not stop the rest.

        Example:
            >>> jobs = [("a.jpg", {"points": [[120, 80]]}), ("b.jpg", {"boxes": [[10, 20, 200, 180]]})]
            >>> for outcome in predictor.predict_many(jobs):
            ...     print(outcome.image, outcome.error or outcome.prediction.masks.shape)

        Args:
            jobs: pairs of an image, as ``prepare`` takes it, and its prompt: arguments of ``predict`` by name.
            multimask: as in ``predict``.
            adapted: as in ``predict``.

        Yields:
            One outcome per job, in order, as soon as it is known.
        """
        for image, prompt in jobs:
            try:
                prediction = self.predict(**{"multimask": multimask, "adapted": adapted, **prompt}, image=image)
            except (ImageError, PromptError) as error:
                yield Outcome(image, error=error)
            else:
                yield Outcome(image, prediction)

    def parts(
        self, handle: EmbeddedImage, prompts: Prompts, multimask: bool = False, adapted: bool = True
    ) -> Iterator[Part]:
        """Predict like ``predict``, some prompts at a time; a mask is made when it is asked for.

        Args:
            handle: from ``prepare``.
            prompts: from ``samtailor.prompts.check_prompts`` with ``handle.frame``.
            multimask: as in ``predict``.
            adapted: as in ``predict``.
        """
        model = self.model if adapted else self.model.plain
        before_computing(model.base.device)
        if prompts.have_words:
            model.check_reads_words()
        if model.adapter is not None and len(prompts):
            warn_of_new_kinds(prompts, model.adapter.fitted_on)
            warn_of_unknown_words(prompts, model.adapter.vocabulary, model.adapter.leaves_base)
        return answers(model, handle, prompts, _choice(multimask))

    def _handle(self, image: Picture | None) -> EmbeddedImage:
        if image is None:
            return self._current.require()
        if not isinstance(image, EmbeddedImage):
            return self.prepare(image)
        if image.fingerprint not in ("", self.model.base.fingerprint):
            raise PromptError(
                f"The image was prepared by another base than {self.model.base.name!r}.",
                "Prepare it again with this predictor.",
            )
        device = self.model.base.device
        return replace(image, embeddings={name: tensor.to(device) for name, tensor in image.embeddings.items()})


def _choice(multimask: bool) -> MaskChoice:
    return "multi" if multimask else "single"
