"""What was repaired in COCO files, and where they contradict their pictures or themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtailor.data.findings import Severity, listed, times
from samtailor.data.formats.coco_masks import CocoMask, finite_box, is_number
from samtailor.data.reading import Reading

__all__ = ["CocoNotes"]

# A polygon may reach outside by this many pixels, or this share of the side, without a word: tools round outwards.
_OUTSIDE_PIXELS, _OUTSIDE_SHARE = 3.0, 0.02
_FAR_OUTSIDE = 0.1  # share of the side; so far outside, the polygon belongs to a larger picture
_BOX_PIXELS, _BOX_SHARE = 3.0, 0.1  # differences of stored boxes that are not worth a word
_AREA_PIXELS, _AREA_FACTOR = 25.0, 1.5  # likewise of stored areas; polygons and pixels differ by the outline
_AREA_BOX_SHARE = 0.05
_MANY = 0.1  # share of all masks: so many far outside are an error, because the masks would be wrong


@dataclass
class CocoNotes:
    """Collects repairs and contradictions of all files of a task, and turns them into findings at the end.

    Attributes:
        masks: number of masks that were checked.
    """

    masks: int = 0
    _repairs: Counter[str] = field(default_factory=Counter)
    _repaired_files: dict[str, None] = field(default_factory=dict)
    _outside: list[tuple[str, str, float]] = field(default_factory=list)
    _stored: list[tuple[str, str]] = field(default_factory=list)
    _scaled: dict[str, str] = field(default_factory=dict)
    _turned: list[str] = field(default_factory=list)

    def repaired(self, what: str, file: Path | str, count: int = 1) -> None:
        """Count something that was read although it is not as COCO writes it."""
        self._repairs[what] += count
        self._repaired_files[str(file)] = None

    def scaled(self, image: Path, sizes: str) -> None:
        """Record a picture of another size than stated, to which the polygons were scaled; ``sizes`` in words."""
        self._scaled[str(image)] = sizes

    def turned(self, image: Path) -> None:
        """Record a picture with an EXIF rotation whose masks were drawn before it, and turned."""
        self._turned.append(str(image))

    def check(self, name: str, annotation: dict[str, Any], mask: CocoMask, image: Path, size: tuple[int, int]) -> None:
        """Compare a mask with its picture, and with the box and the area that the file stores for it.

        Args:
            name: the annotation in words.
            annotation: its entry in the file.
            mask: its mask.
            image: the picture.
            size: (width, height) of the picture.
        """
        self.masks += 1
        width, height = size
        x0, y0, x1, y1 = mask.extent
        beyond = ((max(-x0, x1 - width, 0.0), width), (max(-y0, y1 - height, 0.0), height))
        if any(length > max(_OUTSIDE_PIXELS, _OUTSIDE_SHARE * side) for length, side in beyond):
            where = f"{name} spans x {x0:g} to {x1:g}, y {y0:g} to {y1:g}, but {image} has {width} x {height} pixels"
            self._outside.append((str(image), where, max(length / side for length, side in beyond)))
        elif difference := _stored_difference(annotation, mask):
            self._stored.append((str(image), f"{name} on {image} {difference}"))

    def report(self, reading: Reading, where: Path) -> None:
        """Pass everything on to the reading."""
        if self._repairs:
            listing = "; ".join(f"{what}: {count}" for what, count in self._repairs.most_common(8))
            text = f"{where.name} was read although it is not written as COCO is: {listing}."
            for file in self._repaired_files:
                hint = "Nothing to do. samtailor convert writes a clean copy."
                reading.note("repaired", "note", lambda _: text, hint, file)
        for image in self._scaled:
            reading.note(
                "scaled",
                "warning",
                lambda count: (
                    f"{times(count, 'picture has', 'pictures have')} another size than stated, in the same shape; the "
                    f"polygons were scaled to it. First: {next(iter(self._scaled.values()))}."
                ),
                "Look at the masks. Better use the images that were annotated.",
                image,
            )
        for image in self._turned:
            reading.note(
                "exif-turned",
                "warning",
                lambda count: (
                    f"{times(count, 'image has', 'images have')} an EXIF rotation, and the file states the size before "
                    "it: the masks were turned like the image."
                ),
                "Look at the preview. To be sure, save the images without EXIF rotation, as they are shown.",
                image,
            )
        far = sum(share > _FAR_OUTSIDE for _, _, share in self._outside)
        many = far > max(2, _MANY * self.masks)
        for image, _, _ in self._outside:
            reading.note(
                "outside-image",
                "error" if many else "warning",
                _sentence(
                    self._outside[0][1],
                    self.masks,
                    "mask reaches outside its image and was clipped",
                    "masks reach outside their images and were clipped",
                ),
                "Probably the images were scaled down after they were annotated: use the images that were annotated, "
                "or scale the coordinates.",
                image,
            )
        severity: Severity = "warning" if len(self._stored) > 0.01 * self.masks else "note"
        for image, _ in self._stored:
            reading.note(
                "stored-values",
                severity,
                _sentence(
                    self._stored[0][1],
                    self.masks,
                    "mask differs from the box or the area that the file stores for it",
                    "masks differ from the box or the area that the file stores for them",
                ),
                "The masks were read, the stored values were not. Check that masks, boxes and images belong together.",
                image,
            )


def _sentence(first: str, total: int, noun: str, plural: str) -> Callable[[int], str]:
    return lambda count: f"{times(count, noun, plural)}, of {total}; first: {first}."


def _stored_difference(annotation: dict[str, Any], mask: CocoMask) -> str:
    """Return how the stored box or area differs from the mask; empty if they agree or nothing usable is stored."""
    if mask.area == 0:
        return ""
    box = finite_box(annotation.get("bbox"))
    x0, y0, x1, y1 = mask.extent
    if box is not None:
        x, y, w, h = box
        allowed = max(_BOX_PIXELS, _BOX_SHARE * max(x1 - x0, y1 - y0, w, h))
        if max(abs(x - x0), abs(y - y0), abs(x + w - x1), abs(y + h - y1)) > allowed:
            return f"spans x {x0:g} to {x1:g}, y {y0:g} to {y1:g}; its box {_numbers(box)} does not"
    stored = annotation.get("area")
    if not is_number(stored) or not 0 < stored < float("inf"):
        return ""
    if abs(stored - mask.area) <= _AREA_PIXELS or mask.area / _AREA_FACTOR <= stored <= mask.area * _AREA_FACTOR:
        return ""
    of_boxes = [(x1 - x0) * (y1 - y0)] + ([box[2] * box[3]] if box else [])  # Roboflow and VIA store those
    if any(abs(stored - area) <= _AREA_BOX_SHARE * area for area in of_boxes):
        return ""
    return f"has {mask.area} pixels; the file says {stored:g}"


def _numbers(box: tuple[float, ...]) -> str:
    return f"[{listed([f'{value:g}' for value in box], 4)}]"
