"""Tailor Segment Anything to your task.

The public names below are loaded when first used, so that ``import samtailor`` is instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samtailor.adapters.io import load_adapter
    from samtailor.adapters.methods import list_methods
    from samtailor.bases.registry import list_bases, load_base
    from samtailor.data import inspect_task, load_task
    from samtailor.drawing.preview import write_preview
    from samtailor.embeddings.cache import EmbeddingCache
    from samtailor.encode import encode_images
    from samtailor.errors import ArgumentError, ForkError, PromptWarning, SamtailorError
    from samtailor.evaluate import evaluate_task, measure_run
    from samtailor.evaluation.questions import Questions
    from samtailor.fit import fit_task
    from samtailor.fitting.config import FitConfig
    from samtailor.fitting.stop import FitInterrupted
    from samtailor.predict import Prediction, Predictor
    from samtailor.report.dataset import write_dataset_page
    from samtailor.report.run import report_run

__all__ = [
    "ArgumentError",
    "EmbeddingCache",
    "FitConfig",
    "FitInterrupted",
    "ForkError",
    "Prediction",
    "Predictor",
    "PromptWarning",
    "Questions",
    "SamtailorError",
    "encode_images",
    "evaluate_task",
    "fit_task",
    "inspect_task",
    "list_bases",
    "list_methods",
    "load_adapter",
    "load_base",
    "load_task",
    "measure_run",
    "report_run",
    "write_dataset_page",
    "write_preview",
]

_HOMES = {
    "ArgumentError": "samtailor.errors",
    "EmbeddingCache": "samtailor.embeddings.cache",
    "FitConfig": "samtailor.fitting.config",
    "FitInterrupted": "samtailor.fitting.stop",
    "ForkError": "samtailor.errors",
    "Prediction": "samtailor.predict",
    "Predictor": "samtailor.predict",
    "PromptWarning": "samtailor.errors",
    "Questions": "samtailor.evaluation.questions",
    "SamtailorError": "samtailor.errors",
    "encode_images": "samtailor.encode",
    "evaluate_task": "samtailor.evaluate",
    "fit_task": "samtailor.fit",
    "inspect_task": "samtailor.data",
    "list_bases": "samtailor.bases.registry",
    "list_methods": "samtailor.adapters.methods",
    "load_adapter": "samtailor.adapters.io",
    "load_base": "samtailor.bases.registry",
    "load_task": "samtailor.data",
    "measure_run": "samtailor.evaluate",
    "report_run": "samtailor.report.run",
    "write_dataset_page": "samtailor.report.dataset",
    "write_preview": "samtailor.drawing.preview",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("samtailor")
    if name not in _HOMES:
        raise AttributeError(f"module 'samtailor' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
