"""Checks of pixels: pictures that are nearly black or nearly uniform, and bands that were not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samtailor.data.findings import Finding, Severity, times
from samtailor.data.pixels.images import unread_bands

__all__ = ["FEWEST_LEVELS", "LevelCheck"]

FEWEST_LEVELS = 16  # of 256, between the 1st and the 99th percentile of a usable picture
_MANY = 0.1  # of the images: from this share on, a note becomes a warning
_SIDE = 512  # pixels of each side that are looked at


class LevelCheck:
    """Looks at the pixels of images one by one, and lists what is wrong at the end."""

    def __init__(self) -> None:
        self._images = 0
        self._flat: list[tuple[str, int]] = []
        self._bands: list[tuple[str, int, str]] = []

    def look(self, path: Path, pixels: np.ndarray) -> None:
        """Look at an image.

        Args:
            path: its file.
            pixels: (H, W, 3) uint8.
        """
        self._images += 1
        height, width, _ = pixels.shape
        few = pixels[:: max(1, height // _SIDE), :: max(1, width // _SIDE)].max(axis=2)
        low, high = np.percentile(few, (1, 99), method="nearest")
        if high - low < FEWEST_LEVELS:
            self._flat.append((str(path), int(high) - int(low) + 1))
        bands, unread, words = unread_bands(path)
        if unread:
            self._bands.append((str(path), bands, words))

    def findings(self) -> list[Finding]:
        """Return what was found in all images."""
        findings = []
        if self._flat:
            first, levels = self._flat[0]
            what = (
                f"{times(len(self._flat), 'image')} with fewer than {FEWEST_LEVELS} of 256 levels in most pixels: "
                f"nearly black or uniform. The first, {Path(first).name}, uses {levels}."
            )
            hint = (
                "Export the images with more contrast, or as 16-bit files, which samtailor scales by their own range."
            )
            severity: Severity = "warning" if len(self._flat) >= _MANY * self._images else "note"
            files = tuple(file for file, _ in self._flat)
            findings.append(Finding(severity, "few-levels", what, files, len(files), hint))
        if self._bands:
            first, bands, words = self._bands[0]
            what = (
                f"{times(len(self._bands), 'image')} with more bands than were read. The first, {Path(first).name}, "
                f"has {bands}: {words}."
            )
            hint = (
                "If other bands show the objects better, save one or three of them as the image, such as: "
                "gdal_translate -b 4 -b 3 -b 2 in.tif out.tif."
            )
            files = tuple(file for file, _, _ in self._bands)
            findings.append(Finding("warning", "unread-bands", what, files, len(files), hint))
        return findings
