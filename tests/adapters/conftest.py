"""Fixtures shared by tests of the adapters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from samtailor.bases.base import Base


@pytest.fixture(params=[False, True], ids=["fast", "reference"])
def base(request: pytest.FixtureRequest, tiny_sam: Any) -> Iterator[Base]:
    """The tiny base with each of its two decoders."""
    tiny_sam.reference_decoder = request.param
    yield tiny_sam
    tiny_sam.reference_decoder = False
