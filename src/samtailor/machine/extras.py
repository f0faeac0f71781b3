"""Import packages that only some features need, and name the extra that installs a missing one."""

from __future__ import annotations

import importlib
from typing import Any

from samtailor.errors import SamtailorError

__all__ = ["require"]


def require(module: str, *, extra: str, purpose: str) -> Any:
    """Import ``module`` and return it.

    Args:
        module: the module to import, such as ``datasets``.
        extra: the extra of samtailor that installs it, as named in pyproject.toml.
        purpose: what needs it, as the start of a sentence, such as ``Reading a Hugging Face dataset``.

    Raises:
        SamtailorError: the module, or a package that it imports, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise SamtailorError(
            f"{purpose} needs the package {error.name or module!r}, which is not installed.",
            f"Run: pip install 'samtailor[{extra}]'",
        ) from error
