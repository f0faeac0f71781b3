"""Build the wheel and check what it contains."""

from __future__ import annotations

import email.parser
import importlib.util
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

needs_build_tools = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("build", "hatchling"))),
    reason="needs the packages build and hatchling: pip install 'samtailor[dev]'",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from this repository without network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@needs_build_tools
def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    source = ROOT / "src"
    package_files = {
        path.relative_to(source).as_posix()
        for path in (source / "samtailor").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    info = f"samtailor-{PROJECT['version']}.dist-info"
    info_files = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE", "licenses/NOTICE")
    expected = package_files | {f"{info}/{name}" for name in info_files}
    assert set(wheel.namelist()) == expected


@needs_build_tools
def test_the_wheel_holds_typing_marker_weights_sample_and_templates(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert "samtailor/py.typed" in names
    assert "samtailor/assets/mobile_sam.safetensors" in names
    assert {f"samtailor/assets/sample/{split}.json" for split in ("train", "val", "test")} <= set(names)
    assert sum(name.startswith("samtailor/assets/sample/images/") for name in names) == 70
    assert any(name.endswith(".html.j2") for name in names)
    assert any(name.endswith(".css") for name in names)


@needs_build_tools
def test_the_wheel_says_what_pyproject_says(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = email.parser.Parser().parsestr(wheel.read(name).decode())
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == PROJECT["license"]
    assert set(metadata.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])
    entry_points = wheel.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert "samtailor = samtailor.cli:main" in entry_points


def test_the_version_is_written_in_one_place() -> None:
    version = re.escape(PROJECT["version"])
    copies = [path for path in (ROOT / "src").rglob("*.py") if re.search(rf"[\"']{version}[\"']", path.read_text())]
    assert copies == []
    assert (ROOT / "CHANGELOG.md").read_text().count(f"## [{PROJECT['version']}]") == 1
