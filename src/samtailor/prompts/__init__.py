"""Prompts in the image frame: their types, checks on a user's prompts, and simulation from masks."""

from samtailor.prompts.checking import check_prompts
from samtailor.prompts.corrections import next_click
from samtailor.prompts.simulation import (
    deepest_pixel,
    simulate_background_click,
    simulate_boundary_click,
    simulate_box,
    simulate_click,
    simulate_prompts,
)
from samtailor.prompts.types import WORD_KINDS, EvaluatedKind, PromptKind, Prompts, check_evaluated_kind, check_kind

__all__ = [
    "WORD_KINDS",
    "EvaluatedKind",
    "PromptKind",
    "Prompts",
    "check_evaluated_kind",
    "check_kind",
    "check_prompts",
    "deepest_pixel",
    "next_click",
    "simulate_background_click",
    "simulate_boundary_click",
    "simulate_box",
    "simulate_click",
    "simulate_prompts",
]
