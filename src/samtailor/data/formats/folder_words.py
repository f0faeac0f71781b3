"""What the name of a folder or a file says: images, masks, or a split."""

from __future__ import annotations

import re

from samtailor.data.split_names import split_in_name

__all__ = ["is_image_word", "is_mask_word", "is_only_role", "role_of", "split_of_folder", "words_of"]

_MASK_WORDS = frozenset(
    [
        "mask",
        "masks",
        "maske",
        "masken",
        "label",
        "labels",
        "labelled",
        "labeled",
        "lbl",
        "lbls",
        "lab",
        "gt",
        "gts",
        "groundtruth",
        "groundtruths",
        "truth",
        "truths",
        "annotation",
        "annotations",
        "annotated",
        "ann",
        "anns",
        "anno",
        "annos",
        "annot",
        "annots",
        "seg",
        "segs",
        "segm",
        "segmentation",
        "segmentations",
        "segmap",
        "segmaps",
        "segmented",
        "target",
        "targets",
        "manual",
        "trimap",
        "trimaps",
        "matte",
        "mattes",
        "labelmap",
        "labelmaps",
        "stuffthingmaps",
        "pixelmaps",
        "labelids",
        "labeltrainids",
        "instanceids",
        "semantic",
        "instances",
    ]
)
_IMAGE_WORDS = frozenset(
    [
        "image",
        "images",
        "img",
        "imgs",
        "photo",
        "photos",
        "picture",
        "pictures",
        "pic",
        "pics",
        "frame",
        "frames",
        "input",
        "inputs",
        "raw",
        "rgb",
        "orig",
        "original",
        "originals",
        "org",
        "source",
        "sources",
        "src",
        "sat",
        "tissue",
        "jpegimages",
        "rawimages",
        "imagery",
    ]
)
_SPLIT_PREFIX = re.compile(r"^(train|training|test|testing|val|valid|validation)(?=[a-z]{2})")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case: ``imagesTr`` is images, tr; ``trainannot`` is train, annot."""
    words = re.findall(r"[a-z]+", _CAMEL.sub(" ", name).lower())
    parts = []
    for word in words:
        match = _SPLIT_PREFIX.match(word)
        rest = word[match.end() :] if match else ""
        known = rest in _MASK_WORDS or rest in _IMAGE_WORDS
        parts += [match[0], rest] if match and known else [word]
    return parts


def is_mask_word(word: str) -> bool:
    """Return True for a word of masks, in lower case."""
    return word in _MASK_WORDS


def is_image_word(word: str) -> bool:
    """Return True for a word of images, in lower case."""
    return word in _IMAGE_WORDS


def role_of(name: str) -> str:
    """Return ``masks`` or ``images`` if the name of a folder says so, or else an empty text."""
    words = words_of(name)
    if any(is_mask_word(word) for word in words):
        return "masks"
    return "images" if any(is_image_word(word) for word in words) else ""


def is_only_role(name: str) -> bool:
    """Return True if all words of a folder's name say what it holds: ``annotations``, but not ``Kvasir-SEG``."""
    words = words_of(name)
    return all(map(is_mask_word, words)) or all(map(is_image_word, words))


def split_of_folder(name: str) -> str:
    """Return the split that the name of a folder says; "" if none or several."""
    words = words_of(name)
    if words[-1:] in (["tr"], ["ts"]) and len(words) > 1:  # imagesTr of nnU-Net
        return {"tr": "train", "ts": "test"}[words[-1]]
    return split_in_name(" ".join(words))
