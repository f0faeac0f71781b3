"""Optional packages: what a user reads when one is missing."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from samtailor.errors import SamtailorError
from samtailor.machine.extras import require

ROOT = Path(__file__).parents[2]


def test_an_installed_module_is_returned() -> None:
    assert require("json", extra="formats", purpose="A test").loads("1") == 1


def test_a_missing_module_is_named_with_its_purpose_and_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SamtailorError) as raised:
        require("datasets", extra="formats", purpose="Reading a Hugging Face dataset")
    assert raised.value.what == "Reading a Hugging Face dataset needs the package 'datasets', which is not installed."
    assert raised.value.hint == "Run: pip install 'samtailor[formats]'"


def test_a_missing_dependency_of_the_module_is_named_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needs_more.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SamtailorError, match="needs the package 'no_such_package'"):
        require("needs_more", extra="formats", purpose="A test")


def test_every_extra_that_the_code_asks_for_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {
        extra
        for path in (ROOT / "src").rglob("*.py")
        for extra in re.findall(r'require\([^)]*extra="(\w+)"', path.read_text())
    }
    assert "formats" in asked
    assert asked <= set(declared)
