"""Keep Pillow and libtiff from printing about damaged files. Our errors say what is wrong."""

from __future__ import annotations

import ctypes
import os
import warnings
from pathlib import Path

import PIL

__all__ = ["silence_decoders"]


def silence_decoders() -> None:
    """Silence Pillow's warnings, and the errors that libtiff prints to stderr, for the whole process.

    Only the libtiff that Pillow has loaded is changed. If it is not found, its messages stay.
    """
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    warnings.filterwarnings("ignore", module=r"PIL\.\w+ImagePlugin")
    home = Path(PIL.__file__).parent
    no_load = getattr(os, "RTLD_NOLOAD", 0)
    for folder in (home.parent / "pillow.libs", home / ".dylibs"):
        for path in sorted(folder.glob("libtiff*")):
            try:
                library = ctypes.CDLL(str(path), mode=no_load) if no_load else ctypes.CDLL(str(path))
                library.TIFFSetErrorHandler.argtypes = [ctypes.c_void_p]
                library.TIFFSetErrorHandler.restype = ctypes.c_void_p
                library.TIFFSetErrorHandler(None)
            except (OSError, AttributeError):
                continue
