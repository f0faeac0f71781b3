"""Import matplotlib only where something is drawn, and draw to files whatever backend the environment names.

A Jupyter kernel sets ``MPLBACKEND`` to a module that may be absent where ``!samtailor ...`` runs; with it, the import
of matplotlib fails.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

__all__ = ["load_matplotlib"]


def load_matplotlib(module: str = "matplotlib") -> Any:
    """Import and return matplotlib, or a module of it."""
    try:
        return importlib.import_module(module)
    except ValueError:  # MPLBACKEND names a backend that does not exist here; we draw without one
        backend = os.environ.pop("MPLBACKEND", None)
        if backend is None:
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
            del sys.modules[name]  # the first attempt left parts behind
        try:
            return importlib.import_module(module)
        finally:
            os.environ["MPLBACKEND"] = backend
