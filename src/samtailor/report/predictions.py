"""Predict on many images and write the masks; one bad image does not stop the rest."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from samtailor.drawing.overlay import SCREEN
from samtailor.embeddings.reading import read_picture
from samtailor.errors import DataError, ImageError, PromptError, PromptWarning
from samtailor.machine.progress import Note, Progress, counted, silent
from samtailor.predict import Predictor
from samtailor.prediction.jobs import Job, checked_groups
from samtailor.report.mask_files import LabelMap, Overlay, predicted_masks, write_mask
from samtailor.report.mask_json import MaskJson, MaskRecord, mask_record

__all__ = ["MaskFormat", "Outputs", "OverlaySize", "Written", "write_predictions"]

MaskFormat = Literal["png", "labels", "coco", "rle"]
OverlaySize = Literal["screen", "full", "none"]


@dataclass(frozen=True)
class Outputs:
    """What is written.

    Attributes:
        folder: where to write.
        formats: ``png`` is a picture per mask, ``labels`` a picture per image with the number of the prompt at each
            pixel, ``coco`` a COCO dataset and ``rle`` a list of COCO results, each in one JSON file.
        overlay: size of the pictures with masks painted over the image: ``screen`` shrinks them to 1600 pixels,
            ``full`` keeps the image's size, ``none`` writes none.
        categories: class name -> id, for the JSON files.
        skip_existing: leave out images whose results are in the folder already.

    Raises:
        PromptError: a format or size is unknown, or there is no format.
    """

    folder: Path
    formats: Sequence[MaskFormat] = ("png",)
    overlay: OverlaySize = "screen"
    categories: Mapping[str, int] = field(default_factory=dict)
    skip_existing: bool = False

    def __post_init__(self) -> None:
        for values, choice in ((self.formats, MaskFormat), ([self.overlay], OverlaySize)):
            for value in values:
                if value not in get_args(choice):
                    raise PromptError(
                        f"{value!r} is not a way to write masks.", f"Choose one of: {', '.join(get_args(choice))}."
                    )
        if not self.formats:
            raise PromptError("No format of the masks was given.", "Choose png, labels, coco or rle.")


@dataclass
class Written:
    """What happened.

    Attributes:
        files: number of files written.
        images: number of images whose masks were written.
        masks: number of masks written; the best one per prompt where a format takes one.
        skipped: number of images left out because their results were there.
        failed: file and reason of each image that failed.
        warnings: text -> number of images that it is about.
    """

    files: int = 0
    images: int = 0
    masks: int = 0
    skipped: int = 0
    failed: list[tuple[Path, str]] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)


def write_predictions(
    predictor: Predictor,
    jobs: Sequence[Job],
    outputs: Outputs,
    multimask: bool = False,
    progress: Progress = silent,
) -> Written:
    """Predict the masks of many images and write them.

    Memory does not grow with the number of images or prompts: masks are made and written one after another. The JSON
    files are also written if the run is stopped, and every minute.

    Args:
        predictor: the model.
        jobs: images with prompts.
        outputs: what to write.
        multimask: write all alternatives as ``png``; other formats take the best one.
        progress: receives counts of images, and a note per file if there are few images.

    Raises:
        ImageError, PromptError: the only image failed.
        SamtailorError: a file cannot be written.
    """
    written = Written()
    files = [
        MaskJson(outputs.folder / f"{name}.json", name, outputs.categories)
        for name in outputs.formats
        if name in ("coco", "rle")
    ]
    try:
        for job in counted(jobs, "Predicting", progress):
            if outputs.skip_existing and _is_written(job, outputs, files):
                written.skipped += 1
                continue
            try:
                with _recorded(written):
                    for path, text in _predict(predictor, job, outputs, files, multimask, written):
                        written.files += 1
                        if len(jobs) <= FEW:
                            progress(Note(f"{path}  ({text})"))
                written.images += 1
            except (ImageError, DataError, PromptError) as error:
                if len(jobs) == 1:
                    raise
                written.failed.append((job.path, str(error)))
    finally:
        for file in files:
            file.write()
    for file in files:
        progress(Note(f"{file.path}  (all masks)"))
    written.files += len(files)
    return written


FEW = 20
"""Number of images up to which each file is named."""


def _predict(
    predictor: Predictor, job: Job, outputs: Outputs, files: list[MaskJson], multimask: bool, written: Written
) -> Iterator[tuple[Path, str]]:
    """Predict one image; yields each picture after it is written, with a short description."""
    picture = read_picture(job.path)
    height, width = picture.pixels.shape[:2]
    handle = predictor.model.embedder.embed_picture(picture)
    groups = list(checked_groups(job.prompts, handle.frame))
    full = outputs.overlay == "full"
    overlay = None if outputs.overlay == "none" else Overlay(picture.pixels, max(height, width) if full else SCREEN)
    labels = LabelMap(height, width, len(job.prompts)) if "labels" in outputs.formats else None
    records: list[list[MaskRecord]] = [[] for _ in files]
    for places, prompts in groups:
        for part in predictor.parts(handle, prompts, multimask):
            for mask in predicted_masks(part.answer, places[part.rows], best_only="png" not in outputs.formats):
                if "png" in outputs.formats:
                    yield write_mask(job.stem, mask, outputs.folder)
                if not mask.best:
                    continue
                written.masks += 1
                if overlay is not None:
                    overlay.add(mask.place, mask.pixels)
                if labels is not None:
                    labels.add(mask.place, mask.pixels)
                for file, rows in zip(files, records, strict=True):
                    category = file.category(job.prompts[mask.place].category)
                    rows.append(mask_record(mask.place, mask.pixels, mask.score, category))
    if labels is not None:
        path = outputs.folder / f"{job.stem}_labels.png"
        labels.write(path)
        yield path, f"labels 1 to {len(job.prompts)}"
    for file, rows in zip(files, records, strict=True):
        file.add(job.name, (width, height), rows, job.image_id)
    if overlay is not None:
        path = outputs.folder / f"{job.stem}_overlay.png"
        overlay.write(path, [prompts for _, prompts in groups])
        yield path, "overlay"


def _is_written(job: Job, outputs: Outputs, files: list[MaskJson]) -> bool:
    """Return True if all results of an image are in the folder."""
    last = len(job.prompts) - 1
    names = {"png": tuple(f"_mask_{last}{end}.png" for end in ("", "_0", "_0_trained")), "labels": ("_labels.png",)}
    pictures = [
        any((outputs.folder / f"{job.stem}{end}").is_file() for end in names[name])
        for name in outputs.formats
        if name in names
    ]
    if outputs.overlay != "none":  # written last, so an image that was interrupted is predicted again
        pictures.append((outputs.folder / f"{job.stem}_overlay.png").is_file())
    return all(pictures) and all(job.name in file for file in files)


@contextmanager
def _recorded(written: Written) -> Iterator[None]:
    """Count warnings on prompts instead of showing each; other warnings are shown as usual."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PromptWarning)
        try:
            yield
        finally:
            texts = {str(w.message) for w in caught if issubclass(w.category, PromptWarning)}
            others = [w for w in caught if not issubclass(w.category, PromptWarning)]
            written.warnings.update(texts)
    for other in others:
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
