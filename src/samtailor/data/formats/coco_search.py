"""Find the COCO files of a folder by their content, and the split of each by its name."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from samtailor.data.detect import CERTAIN, Match
from samtailor.data.findings import listed
from samtailor.data.pixels.pillow import is_file
from samtailor.data.split_names import split_in_name, split_word
from samtailor.data.task import SPLITS
from samtailor.errors import DataError
from samtailor.machine.reading import open_regular

__all__ = ["ROBOFLOW", "CocoSource", "Search", "base_folder", "make_source", "match_coco", "search_coco", "sniff"]

ROBOFLOW = "_annotations.coco.json"
_ANNOTATION_FOLDERS = {"annotations", "annotation", "anns", "ann", "annos", "labels", "json", "jsons"}
_DEPTH = 3  # folders below the root that are searched for json files
_FOLDERS = 2000  # so many at most
_SNIFFED = 40  # json files per folder that are looked into; a folder of LabelMe files may hold thousands
_SNIFFED_ALL = 2000  # and in all folders

_HAS = {
    "images": re.compile(rb'"images"\s*:\s*[\[{]'),
    "annotations": re.compile(rb'"annotations"\s*:\s*[\[{]'),
    "categories": re.compile(rb'"categories"\s*:\s*[\[{]'),
    "segments_info": re.compile(rb'"segments_info"\s*:\s*[\[{]'),
}
_LESS_USEFUL = ("keypoints", "captions", "image_info", "stuff", "panoptic", "densepose", "unlabeled")


@dataclass(frozen=True)
class CocoSource:
    """One COCO file of a task.

    Attributes:
        path: the json file.
        split: ``train``, ``val``, ``test``, or "" if no name says it.
        word: the name of the split as it is written, such as ``train2017`` or ``valid``; "" without a split.
        panoptic: True if the masks are pictures (COCO panoptic).
    """

    path: Path
    split: str
    word: str
    panoptic: bool = False


@dataclass(frozen=True)
class Search:
    """The COCO files of a folder.

    Attributes:
        sources: the files to read, in the order of the splits.
        unread: other COCO files, with the reason why they are not read.
        near_misses: json files that are not COCO, with the reason.
    """

    sources: tuple[CocoSource, ...]
    unread: tuple[tuple[Path, str], ...] = ()
    near_misses: tuple[tuple[Path, str], ...] = ()


def match_coco(root: Path) -> Match:
    """Judge whether a folder holds COCO files."""
    search = search_coco(root)
    if search.sources:
        names = [source.path.relative_to(root).as_posix() for source in search.sources]
        return Match(CERTAIN, f"has images and annotations: {listed(names, 3)}")
    if search.near_misses:
        path, reason = search.near_misses[0]
        more = f" (and {len(search.near_misses) - 1} more json files)" if len(search.near_misses) > 1 else ""
        return Match(0.0, f"{path} {reason}{more}")
    return Match(0.0)


def search_coco(root: Path) -> Search:
    """Find the COCO files below a folder.

    A COCO file is a JSON object with ``images`` and ``annotations``, whatever its name. Its split is in its name, or in
    the name of its folder. Of several files for one split, ``instances_*`` is read; files of one name in different
    folders are read together.

    Raises:
        DataError: two files claim the same split.
    """
    candidates: list[CocoSource] = []
    unread: list[tuple[Path, str]] = []
    near_misses: list[tuple[Path, str]] = []
    for path in _json_files(root):
        kind, reason = sniff(path)
        if kind in ("instances", "panoptic"):
            candidates.append(make_source(path, root, kind == "panoptic"))
        elif kind == "images":
            unread.append((path, reason))
        else:
            near_misses.append((path, reason))
    if any(source.split for source in candidates):
        unread += [(s.path, "its name names no split, unlike the others") for s in candidates if not s.split]
        candidates = [source for source in candidates if source.split]
    sources: list[CocoSource] = []
    for split in (*SPLITS, ""):
        chosen, others = _choose([source for source in candidates if source.split == split], root, split)
        sources += chosen
        unread += others
    return Search(tuple(sources), tuple(unread), tuple(near_misses))


def make_source(path: Path, root: Path, panoptic: bool) -> CocoSource:
    """Return the file with the split that its name, or else the nearest folder below ``root``, names."""
    names = [path.stem, *(folder.name for folder in path.parents if folder != root and folder.is_relative_to(root))]
    for name in names:
        if split := split_in_name(name):
            return CocoSource(path, split, split_word(name), panoptic)
    return CocoSource(path, "", "", panoptic)


def base_folder(path: Path) -> Path:
    """Return the folder of the data set of a COCO file: its own, or the one above ``annotations/``."""
    folder = path.parent
    if folder.name.lower() in _ANNOTATION_FOLDERS:
        return folder.parent
    if folder.parent.name.lower() in _ANNOTATION_FOLDERS:  # annotations/train/x.json
        return folder.parent.parent
    return folder


def sniff(path: Path) -> tuple[str, str]:
    """Look into a json file without parsing it.

    Returns:
        What it is, and why: ``instances``, ``panoptic``, ``images`` (a list of images without annotations), or "".
    """
    if not is_file(path):  # also a pipe or a device
        return "", "is a pipe or a device"
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                return "", "is empty"
            start = file.read(4096)
            if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
                return _kind((start + file.read()).decode("utf-16", "replace").encode("utf-8", "replace"))
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _kind(content, start)
    except (OSError, ValueError) as error:
        return "", f"cannot be read ({getattr(error, 'strerror', None) or error})"


def _kind(content: bytes | mmap.mmap, start: bytes | None = None) -> tuple[str, str]:
    start = (content[:4096] if start is None else start).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"version https://git-lfs"):
        return "", "is a pointer of Git LFS, not its content (run git lfs pull)"
    if start[:50].lower().startswith((b"<!doctype html", b"<html")):
        return "", "is a web page (HTML): the download failed, download it again"
    if not start.startswith(b"{"):
        return "", "is no JSON object; expected an object with images and annotations"
    missing = [key for key in ("images", "annotations") if not _HAS[key].search(content)]
    if missing == ["annotations"] and _HAS["categories"].search(content):
        return "images", "it lists images without annotations"
    if missing:
        return "", f"is a JSON object without {' and '.join(missing)}; COCO has images, annotations and categories"
    return ("panoptic" if _HAS["segments_info"].search(content) else "instances"), "has images and annotations"


def _choose(sources: list[CocoSource], root: Path, split: str) -> tuple[list[CocoSource], list[tuple[Path, str]]]:
    """Choose among the files of one split; return the chosen ones, and the others with the reason."""
    if len(sources) < 2:
        return sources, []
    best = min(_rank(source, root) for source in sources)
    chosen = [source for source in sources if _rank(source, root) == best]
    others = [
        (source.path, f"{chosen[0].path.relative_to(root)} is read") for source in sources if source not in chosen
    ]
    if len({source.path.name.lower() for source in chosen}) == 1:
        return chosen, others
    names = listed([str(source.path) for source in chosen], 5)
    raise DataError(
        f"{root} has {len(chosen)} COCO files {f'for the split {split}' if split else 'whose names name no split'}: "
        f"{names}; expected one, or one each for train, val and test.",
        "Pass the path of one file, or put train, val or test into their names.",
    )


def _rank(source: CocoSource, root: Path) -> tuple[int, int]:
    """Return how likely a file is the one to read; lower is better. ``train.json`` itself comes first."""
    stem = source.path.stem.lower()
    if stem in SPLITS and source.path.parent in (root, root / "annotations"):
        return 0, len(source.path.relative_to(root).parts)
    if any(word in stem for word in _LESS_USEFUL) or source.panoptic:
        return 3, 0
    return (1 if "instances" in stem else 2), 0


def _json_files(root: Path) -> Iterator[Path]:
    """List json files down to ``_DEPTH`` folders, those first whose names look like COCO; few per folder."""
    level, seen, left = [root], 0, _SNIFFED_ALL
    for _ in range(_DEPTH + 1):
        below: list[Path] = []
        for folder in level:
            if (seen := seen + 1) > _FOLDERS:
                return
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            names = [entry.name for entry in entries if entry.name.lower().endswith(".json") and entry.name[0] != "."]
            names = sorted(names, key=_unlike_coco)[: min(_SNIFFED, left)]
            left -= len(names)
            yield from (folder / name for name in names)
            below += [folder / e.name for e in entries if e.name[0] != "." and e.is_dir()]
        level = below


def _unlike_coco(name: str) -> int:
    words = ("coco", "instances", "annotation", "panoptic", "result", "label")
    return 0 if split_in_name(Path(name).stem) or any(word in name.lower() for word in words) else 1
