"""Collect the masks of an image one by one, and make a task of such images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from samtailor.data.findings import times
from samtailor.data.formats.drafts import Draft, LabelledMask, draft_labels, split_drafts, task_from_drafts
from samtailor.data.formats.files import FIX_HINT, picture_size
from samtailor.data.formats.find_images import ImageFinder
from samtailor.data.formats.oriented import BOX_SHARE, FEWEST_BOXES, has_right_angles
from samtailor.data.formats.shapes import BOXES_HINT, union
from samtailor.data.formats.sizes import stated_size_error, whole_size
from samtailor.data.pixels.rle import Rle
from samtailor.data.reading import Reading
from samtailor.data.split_names import SPLIT_OF
from samtailor.data.splits import split_note
from samtailor.data.task import SPLITS, Task
from samtailor.errors import DataError

__all__ = [
    "DraftBuilder",
    "all_boxes",
    "build_task",
    "label_text",
    "note_left_out",
    "open_image",
    "split_of",
    "without_repeats",
]


@dataclass
class DraftBuilder:
    """An image whose masks are added one by one. A broken shape is recorded and left out.

    Attributes:
        reading: counts shapes and collects broken ones.
        source: the annotation file.
        path: file of the image.
        width: width after EXIF rotation, pixels.
        height: height after EXIF rotation, pixels.
        split: split of the image; "" if the files say nothing.
        right_angles: for each shape that is not marked as a box, True if it has four corners with right angles, False
            if it has four others, and None if it is another shape.
    """

    reading: Reading
    source: Path
    path: Path
    width: int
    height: int
    split: str = ""
    right_angles: list[bool | None] = field(default_factory=list)
    _parts: dict[Any, list[tuple[LabelledMask, bool]]] = field(default_factory=dict)

    def add(  # more than seven parameters: all but the first three have defaults
        self,
        entry: str,
        label: Any,
        make: Callable[[int, int], tuple[Rle, int]],
        box: bool = False,
        group: Any = None,
        crowd: bool = False,
        corners: Any = None,
    ) -> None:
        """Add a shape.

        Args:
            entry: which shape of the file, in words.
            label: its class name; a number becomes text.
            make: (height, width) -> compressed RLE and area; raises ValueError with a short cause.
            box: True if the shape is a box, upright or turned.
            group: shapes with the same label and group are one instance; None for no group.
            crowd: True for a crowd region.
            corners: the points [[x, y], ...] of a polygon, to tell whether all are boxes; None for other shapes.
        """
        self.reading.count()
        try:
            name = label_text(label)
            mask = LabelledMask(name, *make(self.height, self.width), crowd)
        except (ValueError, OverflowError) as error:  # OverflowError: infinity as a number of pixels
            self.reading.broken(self.source, entry, str(error), FIX_HINT)
            return
        if not box:
            self.right_angles.append(_right_angles(corners))
        key = len(self._parts) if group is None else (name, str(group))
        self._parts.setdefault(key, []).append((mask, box))

    @property
    def masks(self) -> list[tuple[LabelledMask, bool]]:
        """Instances, each with True if it is made of boxes alone."""
        return [
            (
                LabelledMask(
                    parts[0][0].label, *union([(mask.rle, mask.area) for mask, _ in parts]), parts[0][0].crowd
                ),
                all(box for _, box in parts),
            )
            for parts in self._parts.values()
        ]


def _right_angles(corners: Any) -> bool | None:
    if not isinstance(corners, list):
        return None
    points = corners[:-1] if len(corners) == 5 and corners[0] == corners[-1] else corners
    if len(points) != 4:
        return None
    try:
        return has_right_angles([[float(x), float(y)] for x, y in points])
    except (TypeError, ValueError, OverflowError):
        return None


class _HasAngles(Protocol):
    right_angles: list[bool | None]


def all_boxes(builders: Iterable[_HasAngles]) -> bool:
    """Return True if all shapes that are not marked as boxes are rectangles all the same, and there are five or more.

    A person who draws outlines does not draw right angles only.
    """
    angles = [angle for builder in builders for angle in builder.right_angles]
    return len(angles) >= FEWEST_BOXES and None not in angles and sum(map(bool, angles)) >= BOX_SHARE * len(angles)


def open_image(
    reading: Reading,
    finder: ImageFinder,
    source: Path,
    name: Any,
    *,
    entry: str = "",
    stated: tuple[Any, Any] | None = None,
    split: str = "",
) -> DraftBuilder | None:
    """Find the image that an annotation file names; None if it is broken, which is recorded.

    Args:
        reading: the reading.
        finder: finds the image.
        source: the annotation file.
        name: path of the image in that file.
        entry: which entry of the file names it, in words.
        stated: (width, height) in the file; None, or None and None, if it states no size.
        split: split of the image; "" if the files say nothing.
    """
    try:
        if not isinstance(name, str):
            raise ValueError(f"its image is {str(name)[:80]!r}; expected a file name")
        path = finder.find(name, source.parent)
        size = picture_size(path)
        stated = whole_size(stated) if stated is not None else None
        if stated is not None and stated != (None, None) and stated != size:
            raise stated_size_error(source, stated, path, size)
    except ValueError as error:
        fault = DataError(f"{error}.", f"Put the image into {source.parent}.")
    except DataError as error:
        fault = error
    else:
        return DraftBuilder(reading, source, path, *size, split)
    reading.count()
    reading.broken(source, entry, fault.what.removesuffix(".").removeprefix(f"{source} "), fault.hint)
    return None


def label_text(label: Any) -> str:
    """Return a class name from a file; a number becomes text.

    Raises:
        ValueError: it is neither text nor a number.
    """
    if type(label) is int or (type(label) is float and label.is_integer()):
        return str(int(label))
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"its class is {str(label)[:60]!r}; expected text")
    return label.strip()


def without_repeats(
    masks: Sequence[tuple[LabelledMask, bool]], reading: Reading, image: Path
) -> list[tuple[LabelledMask, bool]]:
    """Keep one of several instances with the same class and the same mask, and note the others."""
    kept: dict[Any, tuple[LabelledMask, bool]] = {}
    for mask, box in masks:
        key = (mask.label, str(mask.rle["counts"]), mask.crowd, box)
        if key in kept:
            reading.note(
                "repeated-instance",
                "note",
                lambda count: (
                    f"{times(count, 'instance')} repeated another one of the same image; one of each is kept."
                ),
                "Remove the repeated entries if you want no note.",
                image,
            )
        kept.setdefault(key, (mask, box))
    return list(kept.values())


def split_of(path: Path | str, root: Path | None = None) -> str:
    """Return the split that a folder in a path names, such as ``val`` for ``images/valid/a.png``; "" if none does."""
    relative = Path(path)
    if root is not None:
        relative = relative.relative_to(root) if relative.is_relative_to(root) else Path(relative.name)
    return next((SPLIT_OF[part.lower()] for part in relative.parts[:-1] if part.lower() in SPLIT_OF), "")


def note_left_out(reading: Reading, file: Path) -> None:
    """Note a shape without an area, such as a point or a line."""
    reading.note(
        "shapes-left-out",
        "note",
        lambda count: f"{times(count, 'shape')} without an area left out: points, lines and the like.",
        "Nothing to do, unless they should be masks: draw polygons then.",
        file,
    )


def build_task(
    root: Path,
    layout: str,
    builders: Iterable[DraftBuilder],
    reading: Reading,
    classes: Iterable[str] = (),
    images_in: Path | None = None,
    note: str = "",
) -> Task:
    """Make a task of images.

    Boxes among masks are left out with a finding, unless the reading fills them. A task of boxes alone is an error.

    Args:
        root: folder of the task.
        layout: name of the format.
        builders: the images.
        reading: the reading.
        classes: class names that the files list, used or not, in order.
        images_in: folder of the images, if it is not ``root``.
        note: words at the end of the task's format.
    """
    builders = list(builders)
    boxes_only = all_boxes(builders)
    images = [
        (builder, without_repeats([(mask, box or boxes_only) for mask, box in builder.masks], reading, builder.path))
        for builder in builders
    ]
    drafts: dict[str, list[Draft]] = {}
    fill = reading.options.boxes_as_masks
    boxes = sum(box for _, masks in images for _, box in masks)
    if boxes and not fill:
        if boxes == sum(len(masks) for _, masks in images):
            raise DataError(f"All {boxes} shapes in {root} ({layout}) are boxes; expected masks.", BOXES_HINT)
        for builder, masks in images:
            for _ in range(sum(box for _, box in masks)):
                _note_box(reading, builder.path)
    for builder, masks in images:
        kept = [(mask, box) for mask, box in masks if fill or not box]
        draft = Draft(
            builder.path, builder.width, builder.height, tuple(mask for mask, _ in kept), sum(box for _, box in kept)
        )
        drafts.setdefault(builder.split, []).append(draft)
    if len(drafts) > 1 and (rest := drafts.pop("", [])):
        _note_no_split(reading, rest)
    if "" in drafts:
        seed = reading.options.seed
        drafts = split_drafts(drafts[""], images_in or root, seed)
        layout += f", {split_note('file name', seed)}"
    labels = draft_labels(draft for split in drafts.values() for draft in split)
    listed = list(dict.fromkeys(classes))
    ordered = {split: drafts[split] for split in SPLITS if split in drafts}
    return task_from_drafts(root, layout + note, [*listed, *sorted(labels - set(listed))], ordered)


def _note_box(reading: Reading, image: Path) -> None:
    reading.note(
        "boxes-left-out",
        "warning",
        lambda count: f"{times(count, 'box', 'boxes')} left out, because the other shapes are masks.",
        BOXES_HINT,
        image,
    )


def _note_no_split(reading: Reading, drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        reading.note(
            "no-split",
            "warning",
            lambda count: f"{times(count, 'image')} belong to no split and were left out, because others have one.",
            "Put them into train, val or test.",
            draft.path,
        )
