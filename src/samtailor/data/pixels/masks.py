"""Read a mask picture, whose pixels are labels, or colours that stand for labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from samtailor.data.pixels.deep_png import is_deep_grey_alpha, read_deep_png
from samtailor.data.pixels.images import own_tiff, stored_values
from samtailor.data.pixels.pillow import open_picture, upright
from samtailor.data.pixels.tiff import Tiff, turned
from samtailor.errors import DataError, ImageError
from samtailor.machine.reading import open_regular

__all__ = ["MAX_COLOURS", "MAX_LABEL", "MaskPicture", "read_labels", "read_mask_picture", "soft_mask_error"]

MAX_LABEL = 65535
MAX_COLOURS = 4096  # of a mask; a photo has more

_Colour = tuple[int, int, int]


@dataclass(frozen=True)
class MaskPicture:
    """The pixels of a mask picture, upright.

    Attributes:
        values: (H, W) whole numbers: labels, or positions in ``colours``.
        colours: the colour of each position; None if the picture has no colours.
        is_palette: True if ``values`` are indices of a palette, which may be labels, and ``colours`` the palette.
        lossy: the format, if it changes values along edges, such as JPEG; empty otherwise.
        inverted: True if the file says that 0 is shown as white. ``values`` are as stored.
        soft: True if the file has shares from 0 to 1, not labels. ``values`` are these times 255.
    """

    values: np.ndarray
    colours: tuple[_Colour, ...] | None = None
    is_palette: bool = False
    lossy: str = ""
    inverted: bool = False
    soft: bool = False


def read_labels(path: str | Path) -> np.ndarray:
    """Read the labels of a mask picture: one channel of any depth, palette indices, or three equal channels.

    EXIF rotation is applied, as it is to images. Floats must be whole numbers.

    Returns:
        (H, W) integers from 0 to ``MAX_LABEL``. A black-and-white (1-bit) picture has the labels 0 and 1.

    Raises:
        DataError: the file cannot be read, is a colour picture, has lossy compression, or has labels out of range.
    """
    path = Path(path)
    picture = read_mask_picture(path)
    if picture.soft:
        raise soft_mask_error(path)
    if picture.lossy:
        raise DataError(
            f"Mask {path} has lossy {picture.lossy} compression, which changes values along every edge; expected a "
            "lossless file.",
            "Export the mask again as PNG. Converting this file to PNG does not restore its values.",
        )
    if picture.colours is not None and not picture.is_palette:
        raise DataError(
            f"Mask {path} is a colour picture; expected one number per pixel, a class or an instance.",
            "Export the mask as 8- or 16-bit grey PNG. Colours and overlays are not read.",
        )
    labels = picture.values
    if labels.size == 0 or labels.min() < 0 or labels.max() > MAX_LABEL:
        raise DataError(
            f"Mask {path} has values from {labels.min(initial=0)} to {labels.max(initial=0)}; expected 0 to "
            f"{MAX_LABEL}.",
            "Save the mask as 8- or 16-bit PNG.",
        )
    return labels


def read_mask_picture(path: str | Path) -> MaskPicture:
    """Read a mask picture with what its colours may mean.

    Raises:
        DataError: the file cannot be read, has transparent pixels, too many colours, or values that are no labels.
    """
    path = Path(path)
    try:
        if (tiff := own_tiff(path)) is not None:
            return _of_values(turned(stored_values(tiff), tiff.orientation), path, tiff)
        if is_deep_grey_alpha(path):
            grey, alpha = np.moveaxis(read_deep_png(path), 2, 0)
            if alpha.min() < 65535:
                raise _transparent(path)
            return MaskPicture(np.ascontiguousarray(grey))
        with open_picture(path) as picture:
            _check_depth(picture, path)
            if picture.format == "GIF" and getattr(picture, "n_frames", 1) > 1:
                raise DataError(f"Mask {path} is an animation; expected one picture.", "Save one frame as PNG.")
            lossy = _lossy_format(picture, path)
            inverted = picture.format == "TIFF" and any("L;I" in str(tile) for tile in getattr(picture, "tile", []))
            picture.load()
            mask = _of_picture(upright(picture), path, lossy)
    except ImageError as error:
        raise DataError(f"Mask {path} cannot be read: {error.what}", error.hint) from error
    if inverted and mask.colours is None:
        return MaskPicture(255 - mask.values, inverted=True)
    return mask


def _of_picture(picture: Image.Image, path: Path, lossy: str) -> MaskPicture:
    mode = picture.mode
    if mode == "1":
        return MaskPicture(np.asarray(picture).astype(np.uint8))
    if mode == "F":
        return _of_floats(np.asarray(picture), path)
    if mode in ("L", "I") or mode.startswith("I;16"):
        return MaskPicture(np.asarray(picture), lossy=lossy)
    if mode in ("P", "PA"):
        _check_opaque(picture, path)
        indices = np.asarray(picture if mode == "P" else picture.getchannel(0))
        return MaskPicture(indices, _palette(picture), is_palette=True)
    if mode == "LA":
        _check_opaque(picture, path)
        return MaskPicture(np.asarray(picture.getchannel(0)), lossy=lossy)
    if mode in ("RGB", "RGBA"):
        _check_opaque(picture, path)
        channels = np.asarray(picture)[..., :3]
        if (channels == channels[..., :1]).all() or (lossy and np.ptp(channels, axis=2).max() <= 32):
            return MaskPicture(channels[..., 0], lossy=lossy)
        if lossy:
            return MaskPicture(channels[..., 0], colours=(), lossy=lossy)
        return _of_colours(channels, path)
    raise DataError(f"Mask {path} has colour mode {mode}; expected 8- or 16-bit grey.", "Save it as grey PNG.")


def _of_values(values: np.ndarray, path: Path, tiff: Tiff) -> MaskPicture:
    """Make a mask of the stored values (H, W, bands) of a TIFF file."""
    if not (values == values[..., :1]).all():
        if values.dtype == np.uint8 and values.shape[2] == 3:
            return _of_colours(values, path)
        raise DataError(
            f"Mask {path} has {tiff.bands} channels of {tiff.bits} bits; expected one.",
            "Save one channel as 16-bit TIFF.",
        )
    if tiff.unread_bands:
        raise DataError(f"Mask {path} has {tiff.bands} bands; expected one.", "Save the band with the labels.")
    first = values[..., 0]
    return _of_floats(first, path) if first.dtype.kind == "f" else MaskPicture(first)


def _of_floats(values: np.ndarray, path: Path) -> MaskPicture:
    """Return floats as whole numbers; shares from 0 to 1, such as probabilities, as 0 to 255."""
    if np.isfinite(values).all() and (values == np.rint(values)).all() and abs(values).max(initial=0) < 2**53:
        return MaskPicture(values.astype(np.int64))
    if np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1:
        return MaskPicture(np.rint(values.astype(np.float64) * 255).astype(np.uint8), soft=True)
    raise DataError(
        f"Mask {path} has floats that are not whole numbers, from {values.min():.4g} to {values.max():.4g}; "
        "expected labels: 0, 1, 2, ...",
        "If they are probabilities, choose a threshold and save the mask as 8-bit PNG.",
    )


def soft_mask_error(path: Path) -> DataError:
    """Return the error for a mask of probabilities."""
    return DataError(
        f"Mask {path} has shares between 0 and 1, not labels; expected 0, 1, 2, ...",
        "If they are probabilities, choose a threshold and save the mask as 8-bit PNG.",
    )


def _of_colours(channels: np.ndarray, path: Path) -> MaskPicture:
    packed = channels.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    used, positions = np.unique(packed, return_inverse=True)
    if used.size > MAX_COLOURS:
        raise DataError(
            f"Mask {path} has {used.size} colours: it looks like a photo or an overlay; expected one colour for each "
            "class.",
            "Export the mask without the picture below it.",
        )
    colours = tuple((c >> 16, c >> 8 & 255, c & 255) for c in used.tolist())
    return MaskPicture(positions.reshape(packed.shape), colours)


def _palette(picture: Image.Image) -> tuple[_Colour, ...]:
    flat = picture.getpalette("RGB") or []
    return tuple((flat[n], flat[n + 1], flat[n + 2]) for n in range(0, len(flat) - 2, 3))


def _check_opaque(picture: Image.Image, path: Path) -> None:
    """Refuse a mask in the alpha channel, which would be read as all background."""
    if picture.mode.endswith("A") and picture.getchannel("A").getextrema() != (255, 255):
        raise _transparent(path)


def _transparent(path: Path) -> DataError:
    return DataError(
        f"Mask {path} has transparent pixels; expected one number per pixel.", "Save the mask without alpha."
    )


def _check_depth(picture: Image.Image, path: Path) -> None:
    """Refuse 16 bits per channel: Pillow keeps only the upper 8, so small labels would become 0."""
    if picture.mode in ("RGB", "RGBA") and ";16" in str(getattr(picture, "tile", "")):
        raise DataError(f"Mask {path} has three channels of 16 bits; expected one.", "Save one channel as 16-bit PNG.")


def _lossy_format(picture: Image.Image, path: Path) -> str:
    """Return the format if its compression invents values along every edge."""
    tiff_jpeg = picture.format == "TIFF" and "jpeg" in str(picture.info.get("compression", ""))
    lossy = picture.format in ("JPEG", "MPO", "AVIF", "HEIF") or tiff_jpeg
    lossy = lossy or (picture.format == "WEBP" and not _is_lossless_webp(path))
    return ("JPEG" if tiff_jpeg else str(picture.format)) if lossy else ""


def _is_lossless_webp(path: Path) -> bool:
    """Find the chunk with the pixels of a WebP file: ``VP8L`` is lossless, ``VP8 `` is not."""
    with open_regular(path) as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            if head[:4] in (b"VP8L", b"VP8 "):
                return head[:4] == b"VP8L"
            size = int.from_bytes(head[4:], "little")
            file.seek(size + size % 2, 1)
    return False
