"""The image that ``set_image`` chose, kept apart for each thread and each asyncio task."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from samtailor.embeddings.embedder import EmbeddedImage
from samtailor.errors import PromptError

__all__ = ["CurrentImage"]


class CurrentImage:
    """The current image of one predictor.

    Each thread and each asyncio task sees the image that it set itself. A thread that set none sees the image of the
    thread that made the predictor, as long as no other thread sets one: so one image may be used by many threads, and a
    notebook may set the image in one cell and predict in the next.
    """

    def __init__(self) -> None:
        self._maker = threading.get_ident()
        self._makers_image: EmbeddedImage | None = None
        self._set_by_others = False

    def __reduce__(self) -> tuple[type[CurrentImage], tuple[()]]:
        return CurrentImage, ()  # a copy of a predictor starts without an image

    def set(self, image: EmbeddedImage | None) -> None:
        """Choose the image of this thread; None if there is none."""
        chosen = WeakKeyDictionary(_chosen.get() or {})
        chosen[self] = image
        _chosen.set(chosen)
        if threading.get_ident() == self._maker:
            self._makers_image = image
        else:
            self._set_by_others = True

    def get(self) -> EmbeddedImage | None:
        """Return the image of this thread; None if there is none."""
        chosen = _chosen.get()
        if chosen is not None and self in chosen:
            return chosen[self]
        return None if self._set_by_others else self._makers_image

    def require(self) -> EmbeddedImage:
        """Return the image of this thread.

        Raises:
            PromptError: there is none.
        """
        image = self.get()
        if image is None and self._set_by_others:
            raise PromptError(
                "No image is set in this thread; other threads set theirs.",
                "Call set_image in the thread that calls predict, or pass image=predictor.prepare(...).",
            )
        if image is None:
            raise PromptError("No image is set.", "Call set_image first, or pass image=predictor.prepare(...).")
        return image


_chosen: ContextVar[WeakKeyDictionary[CurrentImage, EmbeddedImage | None] | None] = ContextVar(
    "samtailor_current_images", default=None
)
