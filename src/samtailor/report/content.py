"""What a report is made from: figures, which ``report.json`` holds too, and pictures, which only the page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from samtailor.data.doctor.inspect import Inspection
from samtailor.evaluation.results import Results
from samtailor.evaluation.study_results import ClickMap

__all__ = ["GalleryPicture", "PagePictures", "Report", "RunFacts", "ValidationScore"]

NAN = float("nan")


@dataclass(frozen=True)
class ValidationScore:
    """Scores on the validation split during a fit.

    Attributes:
        miou: mean IoU over classes, 0..1.
        iou_instances: mean IoU over instances, 0..1.
        n: number of instances; None if unknown.
    """

    miou: float = NAN
    iou_instances: float = NAN
    n: int | None = None


@dataclass(frozen=True)
class RunFacts:
    """What a run folder says about its fit.

    Attributes:
        folder: name of the run folder.
        card: the adapter's card, ``adapter.json``, as it is; the other attributes come from it.
        method: name of the adapter's method.
        parameters: number of parameters in the adapter file; None if unknown.
        steps: steps trained; None if unknown.
        best_step: step of the saved adapter; None if unknown.
        ended: why the fit ended.
        seconds: duration of the fit.
        validation: ``base`` or ``adapted`` -> scores on the validation split.
        created: date and time of the fit, ISO 8601.
        weights_digest: digest of the adapter file.
        settings: settings of the fit by name.
        versions: package -> version that fitted.
    """

    folder: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    method: str = ""
    parameters: int | None = None
    steps: int | None = None
    best_step: int | None = None
    ended: str = ""
    seconds: float = NAN
    validation: Mapping[str, ValidationScore] = field(default_factory=dict)
    created: str = ""
    weights_digest: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """The figures of a report.

    Attributes:
        results: everything that was measured.
        title: heading of the page.
        created: date and time of the report, ISO 8601.
        command: the command that made the report.
        run: the fit; None if unknown.
        inspection: summary of the data; None if the data was not read.
        settings: settings of the fit by name.
        versions: package -> version that evaluated.
        hardware: part of the machine -> its name or size.
        commit: git commit of the source; None for an installed package.
        click_maps: click maps of single instances.
    """

    results: Results
    title: str = ""
    created: str = ""
    command: str = ""
    run: RunFacts | None = None
    inspection: Inspection | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    click_maps: tuple[ClickMap, ...] = ()


@dataclass(frozen=True)
class GalleryPicture:
    """One instance as the truth, the base's mask and the adapted model's mask side by side.

    Attributes:
        group: why it was chosen, such as ``best`` or ``most lost``.
        image: name of the image.
        label: class of the instance.
        base_iou: IoU of the base's single mask, 0..1.
        adapted_iou: IoU of the adapted model's mask, 0..1.
        picture: a PNG or JPEG file's content.
    """

    group: str
    image: str
    label: str
    base_iou: float
    adapted_iou: float
    picture: bytes


@dataclass(frozen=True)
class PagePictures:
    """The pictures of a page, each a PNG or JPEG file's content.

    Attributes:
        curve: the training curve; None if there is none.
        crops: for each click map of the report, the crop of the image that it covers; empty to leave them out.
        gallery: examples, grouped in the order of the page.
    """

    curve: bytes | None = None
    crops: tuple[bytes, ...] = ()
    gallery: tuple[GalleryPicture, ...] = ()
