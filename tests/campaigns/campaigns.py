"""The list of campaigns, and how many cases each is to try."""

from __future__ import annotations

from tests.campaigns.annotations import ANNOTATIONS, HUGGING_FACE
from tests.campaigns.campaign import Campaign
from tests.campaigns.concurrency import CONCURRENCY
from tests.campaigns.crash_points import CRASH_POINTS
from tests.campaigns.geometry import GEOMETRY
from tests.campaigns.images import HUGE_IMAGES, IMAGES
from tests.campaigns.injection import INJECTION
from tests.campaigns.kills import KILLS
from tests.campaigns.missing_files import MISSING_FILES
from tests.campaigns.own_files import OWN_FILES
from tests.campaigns.power_cut import POWER_CUT

__all__ = ["CAMPAIGNS"]

CAMPAIGNS: dict[str, tuple[Campaign, int]] = {
    "annotations": (ANNOTATIONS, 10_000),
    "hugging-face": (HUGGING_FACE, 500),
    "missing-files": (MISSING_FILES, 3_000),
    "geometry": (GEOMETRY, 3_000),
    "images": (IMAGES, 5_000),
    "own-files": (OWN_FILES, 3_000),
    "huge-images": (HUGE_IMAGES, 14),
    "injection": (INJECTION, 400),
    "concurrency": (CONCURRENCY, 40),
    "kills": (KILLS, 400),
    "crash-points": (CRASH_POINTS, 300),
    "power-cut": (POWER_CUT, 200),
}
