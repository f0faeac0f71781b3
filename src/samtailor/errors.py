"""Typed errors. Each says what came, what was expected and what to do. The command line prints an error once."""

from __future__ import annotations

__all__ = [
    "AdapterError",
    "ArgumentError",
    "BaseModelError",
    "CacheError",
    "DataError",
    "FitCollapseError",
    "FitError",
    "ForkError",
    "ImageError",
    "PromptError",
    "PromptWarning",
    "SamtailorError",
]

LONGEST = 10_000
"""Characters of a message. Values from a damaged file can make it as long as the file."""


class SamtailorError(Exception):
    """Base class of all errors that a user can cause and fix.

    Args:
        what: one sentence that says what came and what was expected; its middle is left out if it is very long.
        hint: one sentence that says what to do; may be empty.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = what if len(what) <= LONGEST else f"{what[: LONGEST // 2]} [...] {what[-LONGEST // 2 :]}"
        self.hint = hint
        super().__init__(f"{self.what} {hint}".strip())


class ArgumentError(SamtailorError, TypeError):
    """An argument of a Python function has a type or form that the function does not accept."""


class ImageError(SamtailorError):
    """An image cannot be read, or its size or type is not supported."""


class DataError(SamtailorError):
    """Files of a task are missing or damaged, or contradict each other."""


class PromptError(SamtailorError):
    """A prompt has a wrong shape or label, or is outside the image."""


class BaseModelError(SamtailorError):
    """A base cannot be found or read, or its weights do not fit."""


class AdapterError(SamtailorError):
    """An adapter cannot be built, its file is damaged, or it belongs to another base."""


class CacheError(SamtailorError):
    """The embedding cache cannot be read or written."""


class FitError(SamtailorError):
    """A fit cannot start or continue."""


class FitCollapseError(FitError):
    """Training collapsed: masks became empty, or numbers are no longer finite."""


class ForkError(SamtailorError):
    """A process was forked after its parent computed with torch, and would hang if it computed."""


class PromptWarning(UserWarning):
    """A prompt is accepted, but is probably not what the user meant."""
