"""Keep other libraries from printing while they load a model, so that the user reads one sentence: ours."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["first_sentence", "quiet"]

_LIBRARIES = ("transformers", "huggingface_hub", "httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "filelock")
_ESCAPES = re.compile(r"\x1b?\[[0-9;]*m|[\x00-\x1f\x7f-\x9f]")
_UNSAFE = re.compile(r"trust_remote_code|weights_only|allow_pickle", re.IGNORECASE)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence logs, warnings and loading bars of transformers and the hub's client, then restore them."""
    from transformers.utils import logging as theirs

    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    levels = [logger.level for logger in loggers]
    bars = theirs.is_progress_bar_enabled()
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        theirs.disable_progress_bar()  # type: ignore[no-untyped-call]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            theirs.enable_progress_bar()  # type: ignore[no-untyped-call]


def first_sentence(error: Exception) -> str:
    """Return the first line of another library's error as plain text, unless it advises to load unsafely."""
    lines = [_ESCAPES.sub("", line).strip() for line in str(error).splitlines()]
    text = next((line for line in lines if line), type(error).__name__)[:300]
    return type(error).__name__ if _UNSAFE.search(text) else text
