"""Fixtures of the bases under test: every test that asks for ``base`` runs once for each family."""

from __future__ import annotations

from pathlib import Path

import pytest

from samtailor.bases.base import Base
from tests.bases.families import FAMILIES, SLOW
from tests.models import save_tiny


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in FAMILIES],
)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def family_folder(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the family's tiny model; empty if the base is bundled."""
    folder = tmp_path_factory.mktemp("tiny")
    kind = FAMILIES[family].family
    return folder if kind is None else save_tiny(kind, folder)


@pytest.fixture(scope="module")
def base(family: str, family_folder: Path) -> Base:
    return FAMILIES[family].load(family_folder)
