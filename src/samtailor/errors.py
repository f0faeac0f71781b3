"""Typed errors. Each says what came, what was expected and what to do; the command line prints it once."""

from __future__ import annotations

__all__ = [
    "AdapterError",
    "BaseModelError",
    "CacheError",
    "DataError",
    "FitCollapseError",
    "FitError",
    "ImageError",
    "PromptError",
    "SamtailorError",
]


class SamtailorError(Exception):
    """Root of all errors that a user can cause and mend.

    Args:
        what: one sentence that says what came and what was expected.
        hint: one sentence that says what to do; may be empty.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = what
        self.hint = hint
        super().__init__(f"{what} {hint}".strip())


class ImageError(SamtailorError):
    """A picture cannot be read, or has a size or type that cannot be used."""


class DataError(SamtailorError):
    """A task's files are missing, broken or contradict each other."""


class PromptError(SamtailorError):
    """A prompt has a wrong shape, a wrong label, or lies outside the image."""


class BaseModelError(SamtailorError):
    """A base model cannot be found, read, or has missing or unexpected weights."""


class AdapterError(SamtailorError):
    """An adapter file is broken, or belongs to another base."""


class CacheError(SamtailorError):
    """The embedding cache cannot be read or written."""


class FitError(SamtailorError):
    """Fitting cannot start or go on."""


class FitCollapseError(FitError):
    """Training ran into empty masks or into numbers that are not finite."""
