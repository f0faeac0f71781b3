"""Ask quickly whether the Hugging Face hub can be reached, and whether it is needed. Imports no torch."""

from __future__ import annotations

import re
import threading
import time

__all__ = ["hub_answers", "is_cached", "is_hub_id"]

SECONDS = 2.0
"""How long the hub may take to answer. Its own client tries five times, which takes 23 seconds without a network."""
REMEMBERED = 30.0
"""Seconds for which an answer holds."""

_HUB_ID = re.compile(r"(?!.*(\.\.|--))[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_last: tuple[float, bool] = (-REMEMBERED, False)


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a hub id, owner/name."""
    return bool(_HUB_ID.fullmatch(name))


def is_cached(name: str) -> bool:
    """Whether the config of a hub id is in the local cache of the hub's client."""
    from huggingface_hub import try_to_load_from_cache

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    except ValueError:  # no valid id
        return False


def hub_answers() -> bool:
    """Whether the hub answers within two seconds; any answer counts. False if the user set ``HF_HUB_OFFLINE``."""
    global _last
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    asked, answered = _last
    if time.monotonic() - asked < REMEMBERED:
        return answered
    answers: list[bool] = []
    # In a thread, because resolving a name has no time limit of its own.
    thread = threading.Thread(target=_ask, args=(constants.ENDPOINT, answers), daemon=True)
    thread.start()
    thread.join(SECONDS)
    _last = time.monotonic(), bool(answers)
    return bool(answers)


def _ask(address: str, answers: list[bool]) -> None:
    from huggingface_hub import get_session

    try:
        get_session().head(address, timeout=SECONDS)  # with the user's proxy settings, and without retries
    except Exception:  # the client's errors differ between its versions
        return
    answers.append(True)
