"""The documented sizes of the methods agree with the code."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from samtailor.adapters.io import build_adapter
from samtailor.adapters.methods import method_class
from samtailor.bases.base import Base


def test_the_table_of_methods_agrees_with_the_code(mobile_sam: Base) -> None:
    root = Path(__file__).parents[2]
    tool = runpy.run_path(str(root / "tools" / "methods_table.py"))
    assert "\n".join(tool["table"](mobile_sam)) in (root / "docs" / "guides" / "methods.md").read_text()


def test_parameter_counts_in_docstrings_agree_with_the_code(mobile_sam: Any) -> None:
    whole = f"{sum(p.numel() for p in mobile_sam.mask_decoder.parameters()):,}"
    for name in ("plm", "decoder", "decoder-lite", "lora", "tokens"):  # tests/adapters/pmm/test_module.py has the PMM's
        assert f"{build_adapter(name, mobile_sam).parameter_count():,}" in str(method_class(name).__doc__)
    assert whole in str(method_class("decoder").__doc__)
    assert whole in (Path(__file__).parents[2] / "docs" / "guides" / "methods.md").read_text()
