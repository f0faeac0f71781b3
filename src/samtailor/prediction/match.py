"""Join images with the prompts of a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from samtailor.data.formats.files import IMAGE_SUFFIXES
from samtailor.errors import PromptError
from samtailor.prediction.jobs import Job
from samtailor.prediction.prompt_file import PromptFile
from samtailor.prediction.sources import Source, unique_sources, whole_path

__all__ = ["Matched", "jobs_of_file"]


@dataclass(frozen=True)
class Matched:
    """Images with the prompts that a file has for them.

    Attributes:
        jobs: in the order of the images.
        without_prompts: number of images that the file does not name.
        without_image: names in the file that no image has.
    """

    jobs: tuple[Job, ...]
    without_prompts: int = 0
    without_image: tuple[str, ...] = ()


def jobs_of_file(file: PromptFile, sources: Sequence[Source] | None) -> Matched:
    """Give each image its prompts.

    Args:
        file: names of images with prompts.
        sources: images; None takes those that the file names, from the folder of the file or its ``images`` folder.

    Raises:
        PromptError: a name of the file fits several images, or no image has prompts.
    """
    names_of: dict[Path, list[str]] = {}
    if sources is None:
        named = [(_beside(file.path.parent, name), _plain(name)) for name in file.prompts]
        for (path, _), name in zip(named, file.prompts, strict=True):
            names_of.setdefault(whole_path(path), []).append(name)
        return Matched(tuple(_job(s, names_of[whole_path(s.path)], file) for s in unique_sources(named)))
    lost = []
    index = _Index(sources)
    for name in file.prompts:
        fitting = index.find(name)
        if len(fitting) > 1:
            raise PromptError(
                f"{file.path} names the image {name!r}, which fits {len(fitting)} images, such as "
                f"{fitting[0].path} and {fitting[1].path}.",
                "Write more of the path into the file.",
            )
        if fitting:
            names_of.setdefault(fitting[0].path, []).append(name)
        else:
            lost.append(name)
    jobs = [_job(source, names_of[source.path], file) for source in sources if source.path in names_of]
    if not jobs:
        raise PromptError(
            f"{file.path} has prompts for {len(file.prompts)} images, such as {next(iter(file.prompts))!r}, "
            f"but for none of the {len(sources)} given ones, such as {sources[0].name!r}.",
            "Names of images must end like their paths.",
        )
    return Matched(tuple(jobs), len(sources) - len(jobs), tuple(lost))


def _job(source: Source, names: list[str], file: PromptFile) -> Job:
    prompts = tuple(row for name in names for row in file.prompts[name])
    return Job(source.path, source.name, source.stem, prompts, file.image_ids.get(names[0]))


def _plain(name: str) -> str:
    """Return a name with forward slashes, without ``./`` and parent folders; a drive or root is left out."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return "/".join(part for part in parts if not part.endswith(":")) or name


def _beside(folder: Path, name: str) -> Path:
    """Return the file of a name: as it is, or with the suffix of an image; the first place if there is none."""
    relative = Path(name.replace("\\", "/")).expanduser()
    places = [folder / relative, folder / "images" / relative]
    for place in places:
        if place.is_file():
            return place
    for place in places:
        for suffix in IMAGE_SUFFIXES:
            longer = place.with_name(place.name + suffix)
            if longer.is_file():
                return longer
    return places[0]


class _Index:
    """Images by the end of their path."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._by_name: dict[str, list[tuple[tuple[str, ...], Source]]] = {}
        for source in sources:
            parts = tuple(_composed(part) for part in source.path.absolute().parts)
            for key in {parts[-1], PurePosixPath(parts[-1]).stem, _number(parts[-1])} - {""}:
                self._by_name.setdefault(key, []).append((parts, source))

    def find(self, name: str) -> list[Source]:
        """Return the images whose paths end with a name, with or without its suffix."""
        parts = tuple(_composed(part) for part in PurePosixPath(_plain(name)).parts)
        number = "" if PurePosixPath(parts[-1]).suffix else _number(parts[-1])
        candidates = self._by_name.get(parts[-1]) or self._by_name.get(number, [])
        folders = parts[:-1]
        exact = [source for have, source in candidates if have[-1 - len(folders) : -1] == folders]
        # Paths of another machine: its folders differ, but the name is enough if it is the only one.
        return exact or [source for _, source in candidates]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _number(name: str) -> str:
    """Return the number that is the whole name, without leading zeros: 000000000139.jpg is image 139 of COCO."""
    stem = PurePosixPath(name).stem
    return f"#{int(stem)}" if stem.isascii() and stem.isdigit() else ""
