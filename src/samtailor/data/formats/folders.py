"""Read a task from folders of images and mask pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from samtailor.data.detect import PLAIN_SCORE, Match
from samtailor.data.findings import times
from samtailor.data.formats.class_tables import find_table
from samtailor.data.formats.drafts import IDS_PER_IMAGE, LabelledMask
from samtailor.data.formats.files import picture_size
from samtailor.data.formats.given_splits import listed_splits, splits_in_names
from samtailor.data.formats.label_maps import UNNAMED_CLASS, VOID
from samtailor.data.formats.mask_colours import colours_to_values
from samtailor.data.formats.mask_contents import MaskContent, read_mask_content
from samtailor.data.formats.mask_notes import note_oddities
from samtailor.data.formats.mask_values import Meaning, decide
from samtailor.data.formats.pair_group import Pair
from samtailor.data.formats.pairing import Pairing, find_pairs
from samtailor.data.pixels.masks import MAX_LABEL
from samtailor.data.pixels.pieces import split_pieces
from samtailor.data.pixels.rle import mask_rle
from samtailor.data.reading import Reading, ReadOptions
from samtailor.data.splits import split_items, split_note
from samtailor.data.task import SPLITS, ImageRecord, Instance, Task
from samtailor.errors import DataError

__all__ = ["find_splits", "is_flat", "match_folders", "read_folders"]

_LIKELY = 0.5  # score of a layout with other names of folders: other layouts may use them too
_UNCLEAR = 0.1  # score if images and masks are there, but cannot be paired: reading says why


class _Image(NamedTuple):
    """An image with the contents of its masks, each with its class and True if it is a part of the image's masks."""

    pair: Pair
    width: int
    height: int
    contents: list[tuple[MaskContent, str, bool]]


def find_splits(root: Path) -> list[str]:
    """Return the splits that ``root`` has as folders with ``images/`` or ``masks/``."""
    return [split for split in SPLITS if any((root / split / part).is_dir() for part in ("images", "masks"))]


def is_flat(root: Path) -> bool:
    """Return True if ``images/`` and ``masks/`` are directly in ``root``."""
    return (root / "images").is_dir() and (root / "masks").is_dir()


def match_folders(root: Path) -> Match:
    """Judge whether a folder holds images with mask pictures."""
    if is_flat(root) or any((root / split / "masks").is_dir() for split in find_splits(root)):
        return Match(PLAIN_SCORE, "images/ with masks/")
    try:
        pairing = find_pairs(root)
    except DataError as error:
        is_other = "No image and mask folders" in error.what
        return Match(0.0) if is_other else Match(_UNCLEAR, error.what.removesuffix("."))
    return Match(_LIKELY, f"{len(pairing.pairs)} images with masks ({pairing.words})")


def read_folders(root: str | Path, seed: int = 0, *, reading: Reading | None = None) -> Task:
    """Read images and mask pictures, such as ``train/images/`` with ``train/masks/``, or ``a.png`` with ``a_mask.png``.

    A table, such as ``classes.json`` ({"1": "cell", "2": "wall"}), ``class_dict.csv`` or ``_classes.csv``, names the
    values or the colours of the masks. Then there is one instance per class and image; 0 is background, and 255 is void
    unless it is named. Without a table each value above 0 is one instance of the class ``object``, unless the masks
    show that the values are classes. Masks are read whole; of each image only the header is read.

    Args:
        root: the folder.
        seed: seed of the split by file name, if there are no folders for splits.
        reading: its options replace ``seed``; it collects broken files and notes.

    Raises:
        DataError: images and masks cannot be paired, or it is not clear what the masks mean.
    """
    root = Path(root)
    reading = reading or Reading(ReadOptions(seed))
    pairing = find_pairs(root)
    _report_left(root, pairing, reading)
    table = find_table(_table_folders(root, pairing.pairs))
    images = [image for pair in pairing.pairs if (image := _read_image(pair, reading)) is not None]
    _sharpen(images)
    whole = [content for image in images for content, label, part in image.contents if not (label or part)]
    meant, names = colours_to_values(root, whole, table, reading)
    meaning = decide(meant, names, table, reading)
    parts = [content for image in images for content, label, part in image.contents if label or part]
    if parts:
        kept, _ = colours_to_values(root, parts, None, reading)
        meant += kept
    usable = {id(content) for content in meant}
    records = []
    for image in images:
        note_oddities([content for content, _, _ in image.contents], reading)
        if all(id(content) in usable for content, _, _ in image.contents):
            masks = _masks(image, meaning, table.file if table else None, reading)
            if masks is not None:
                records.append((image.pair, ImageRecord(image.pair.image, image.width, image.height), masks))
    splits, note = _split(records, pairing, root, reading)
    layout = "image and mask folders" + (f" ({pairing.words})" if pairing.words else "") + note
    labels = {label for image in images for _, label, _ in image.contents if label}
    classes = (
        tuple(sorted(labels)) if labels and not whole else (*meaning.classes, *sorted(labels - {*meaning.classes}))
    )
    words = meaning.words if whole or not labels else "one class per folder or file"
    return Task(root.resolve().name, root, f"{layout}, {words}", classes, splits)


def _table_folders(root: Path, pairs: Iterable[Pair]) -> list[Path]:
    """Return the folders that may hold a table of classes: those of masks and all above, up to ``root``."""
    folders = {root: None, root / "annotations": None, root / "labels": None}
    for pair in pairs:
        for file in pair.masks:
            for parent in file.path.parents:
                folders.setdefault(parent)
                if parent == root:
                    break
    return sorted(folders, key=lambda folder: (len(folder.parts), str(folder)))


def _report_left(root: Path, pairing: Pairing, reading: Reading) -> None:
    """Report images without masks, masks without images, and folders that were not read."""
    reading.count(len(pairing.pairs))
    mask_hint = "Add a mask with the same name for each image. If an image shows no object, its mask is all 0."
    for image in pairing.images_left:
        reading.count()
        reading.broken(image, "", "the image has no mask", mask_hint)
    for mask in pairing.masks_left:
        reading.count()
        reading.broken(mask, "", "the mask has no image", "Add the images or remove the masks.")
    for path in pairing.derived:
        reading.note(
            "pictures-left-out",
            "warning",
            lambda count: f"{times(count, 'picture')} named like an image with a word added were not read.",
            "Nothing, if they were made from the images. If they belong to the task, add masks with their names.",
            path,
        )
    for folder, reason in pairing.folders_left:
        name = folder.path.relative_to(root).as_posix()
        for file in folder.files:
            reading.note(
                "pictures-left-out",
                "warning",
                lambda count, name=name, reason=reason: (  # type: ignore[misc]
                    f"{times(count, 'picture')} in folders that were not read, such as {name}/: {reason}."
                ),
                "If they belong to the task, name the folders images/ and masks/. If not, move them away.",
                file,
            )


def _read_image(pair: Pair, reading: Reading) -> _Image | None:
    """Read the header of an image and its masks; None if one of them is broken, which is recorded."""
    try:
        width, height = picture_size(pair.image)
        contents = []
        for file in pair.masks:
            content = read_mask_content(file.path, pair.image, width, height)
            contents.append((content, file.label, file.is_part))
    except DataError as error:
        reading.broken(pair.image, "", error.what.removesuffix("."), error.hint)
        return None
    return _Image(pair, width, height, contents)


def _sharpen(images: list[_Image]) -> None:
    """Remove the greys along edges from all masks if some masks have them; in small objects they are not recognised."""
    if not any(content.smoothed for image in images for content, _, _ in image.contents):
        return
    for image in images:
        for n, (content, label, part) in enumerate(image.contents):
            if content.colours is None and not content.smoothed and content.values - {VOID}:
                again = read_mask_content(content.path, image.pair.image, image.width, image.height, smooth=True)
                image.contents[n] = (again, label, part)


def _masks(
    image: _Image, meaning: Meaning, table: Path | None, reading: Reading
) -> list[tuple[int, LabelledMask]] | None:
    """Return numbers and masks of an image; None if a value has no name, which is recorded."""
    masks: list[tuple[int, LabelledMask]] = []
    for n, (content, label, part) in enumerate(image.contents):
        if label or part:
            union = content.union(content.values)
            masks += [(n + 1, LabelledMask(label or UNNAMED_CLASS, *union))] if union else []
            continue
        if meaning.has_zero:
            content.masks = {0: content.without_values(), **content.masks}
        for value, mask in content.masks.items():
            if value in meaning.void:
                continue
            if meaning.names and value not in meaning.names:
                names = ", ".join(f"{value} {name}" for value, name in list(meaning.names.items())[:20])
                source = table.name if table else "the table"
                reading.broken(
                    content.path,
                    "",
                    f"it has the value {value} ({mask[1]} pixels), which {source} does not name; expected {names}",
                    f"Name the value in {source}, or set those pixels to {VOID} (void).",
                )
                return None
            if mask[1]:
                masks.append((value, LabelledMask(meaning.names.get(value, UNNAMED_CLASS), *mask)))
    return _in_pieces(masks) if meaning.split else masks


def _in_pieces(masks: list[tuple[int, LabelledMask]]) -> list[tuple[int, LabelledMask]]:
    pieces: list[tuple[int, LabelledMask]] = []
    for _, mask in masks:
        whole = Instance(0, mask.label, mask.rle, mask.area).mask()
        for piece in split_pieces(whole):
            pieces.append((len(pieces) + 1, LabelledMask(mask.label, mask_rle(piece), int(piece.sum()))))
    return pieces


_Record = tuple[Pair, ImageRecord, list[tuple[int, LabelledMask]]]


def _split(
    records: list[_Record], pairing: Pairing, root: Path, reading: Reading
) -> tuple[dict[str, tuple[ImageRecord, ...]], str]:
    """Return split -> images, and the words for the format if samtailor made the split."""
    given = [pair.split for pair, _, _ in records]
    names = [pair.name for pair, _, _ in records]
    if not any(given):
        stated, lists = listed_splits(root, names)
        words = f", splits of {lists}" if stated else ", splits in the names of the images"
        if stated := stated or splits_in_names(names):
            _note_unlisted([record for record in records if record[0].name not in stated], reading)
            by_list = {
                split: [r for r in records if stated.get(r[0].name) == split]
                for split in SPLITS
                if split in stated.values()
            }
            return _all_numbered(by_list), words
    unlabelled = any(not any(masks for pair, _, masks in records if pair.split == split) for split in set(given))
    only_train = set(given) == {"train"} and not (pairing.plain and (root / "train").is_dir())
    mixed = "" in given and len(set(given)) > 1
    note = ""
    if "" in given or only_train or (unlabelled and "train" in given and pairing.words):
        if mixed:
            first = next(pair for pair, _, _ in records if not pair.split)
            raise DataError(
                f"Some images of {root} are in folders of splits and others are not, such as {first.image}; expected "
                "all or none.",
                "Move the images to train, val or test.",
            )
        chosen: dict[str, list[_Record]] = split_items(records, lambda record: record[0].name, reading.options.seed)
        note = f", {split_note('file stem', reading.options.seed)}"
    else:
        chosen = {
            split: [record for record in records if record[0].split == split] for split in SPLITS if split in given
        }
    return _all_numbered(chosen), note


def _all_numbered(splits: dict[str, list[_Record]]) -> dict[str, tuple[ImageRecord, ...]]:
    return {split: tuple(_numbered(n, record) for n, record in enumerate(rows)) for split, rows in splits.items()}


def _note_unlisted(records: list[_Record], reading: Reading) -> None:
    for pair, _, _ in records:
        reading.note(
            "no-split",
            "warning",
            lambda count: f"{times(count, 'image')} belong to no split and were left out, because others have one.",
            "Put them into the lists of train, val or test, or remove the lists.",
            pair.image,
        )


def _numbered(index: int, record: _Record) -> ImageRecord:
    _, image, masks = record
    ids = [number for number, _ in masks]
    if len(set(ids)) < len(ids) or max(ids, default=0) > MAX_LABEL:
        ids = list(range(1, len(ids) + 1))
    instances = (Instance(index * IDS_PER_IMAGE + i, *mask) for i, (_, mask) in zip(ids, masks, strict=True))
    return ImageRecord(image.path, image.width, image.height, tuple(instances))
