"""The families of bases: what they are called, how large they are, and under which licence. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FAMILIES", "Family", "family_of_kind"]


@dataclass(frozen=True)
class Family:
    """Models that differ in size alone.

    Attributes:
        name: short name, for tables and messages.
        title: full name.
        room: the package inside ``samtailor.bases`` that loads it.
        sizes: name of a size -> millions of parameters, without the parts for videos.
        input_size: side of the square that the published encoders see, pixels.
        licence: of the published weights.
        restriction: what the licence forbids, as a sentence; empty if it is a usual open-source licence.
        kinds: model types of transformers' configs -> the class that loads them.
        examples: names of published files and hub ids that lead to this family.
        takes_files: whether a file that the authors published can be loaded; all load from transformers' folders.
    """

    name: str
    title: str
    room: str
    sizes: dict[str, float]
    input_size: int
    licence: str
    restriction: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    takes_files: bool = True


FAMILIES = (
    Family("mobile-sam", "MobileSAM", "mobile_sam", {"vit_t": 10.1}, 1024, "Apache-2.0", examples=("mobile_sam.pt",)),
    Family(
        "sam",
        "SAM",
        "sam",
        {"vit_b": 93.7, "vit_l": 312.3, "vit_h": 641.1},
        1024,
        "Apache-2.0",
        kinds={"sam": "SamModel"},
        examples=("sam_vit_b_01ec64.pth", "facebook/sam-vit-base"),
    ),
    Family(
        "sam-hq",
        "HQ-SAM",
        "sam_hq",
        {"vit_b": 94.8, "vit_l": 313.7, "vit_h": 642.7},
        1024,
        "Apache-2.0",
        kinds={"sam_hq": "SamHQModel"},
        examples=("sam_hq_vit_b.pth", "syscv-community/sam-hq-vit-base"),
    ),
    Family(
        "sam2",
        "SAM 2 and 2.1",
        "sam2",
        {"tiny": 31.4, "small": 38.5, "base_plus": 73.3, "large": 216.9},
        1024,
        "Apache-2.0",
        kinds={"sam2": "Sam2Model", "sam2_video": "Sam2Model"},
        examples=("sam2.1_hiera_tiny.pt", "facebook/sam2.1-hiera-tiny"),
    ),
    Family(
        "edgetam",
        "EdgeTAM",
        "sam2",
        {"repvit_m1": 9.1},
        1024,
        "Apache-2.0",
        kinds={"edgetam": "EdgeTamModel", "edgetam_video": "EdgeTamModel"},
        examples=("yonigozlan/EdgeTAM-hf",),
        takes_files=False,
    ),
    Family(
        "sam3",
        "SAM 3 tracker",
        "sam2",
        {"vit": 458.3},
        1008,
        "SAM License",
        restriction=(
            "The weights of SAM 3 are under Meta's SAM License, which is no open-source licence: it forbids some uses, "
            "such as military ones, and has conditions for passing the weights on. Read it before you use them."
        ),
        kinds={
            "sam3_tracker": "Sam3TrackerModel",
            "sam3_tracker_video": "Sam3TrackerModel",
            "sam3_video": "Sam3TrackerModel",
        },
        examples=("facebook/sam3",),
        takes_files=False,
    ),
)


def family_of_kind(kind: str) -> Family | None:
    """Return the family of a model type in a config of transformers; None if there is none."""
    return next((family for family in FAMILIES if kind in family.kinds), None)
