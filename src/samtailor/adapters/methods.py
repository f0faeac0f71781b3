"""The trainable methods by name. Imports none of them until one is used, so that help texts are instant."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samtailor.errors import AdapterError
from samtailor.machine.text import did_you_mean

if TYPE_CHECKING:
    from samtailor.adapters.contract import Adapter

__all__ = [
    "DEFAULT_METHOD",
    "METHODS",
    "Method",
    "MethodInfo",
    "check_method",
    "check_options",
    "list_methods",
    "method_class",
]


@dataclass(frozen=True)
class Method:
    """A trainable method.

    Attributes:
        path: module and name of its class; a relative path starts in this package. Nothing is imported before use, so
            help texts are instant.
        description: what it trains, in a few words.
        reads_words: whether its fits give class names as prompts.
    """

    path: str
    description: str
    reads_words: bool = False


METHODS = {
    "plm": Method(".plm.PLM", "an offset on the prompt tokens, by attention to the image"),
    "plm+pmm": Method(".pmm.adapter.PlmPMM", "as plm, with a Point Matching Module's loss on contours"),
    "plm+boundary": Method(".plm_boundary.PlmBoundary", "as plm, with an additional loss on boundaries"),
    "prompt-tuner": Method(
        ".prompt_tuner.PromptTuner", "offsets on prompt and output tokens, and small modules around the frozen decoder"
    ),
    "decoder": Method(".decoder.DecoderTuning", "a copy of the mask decoder"),
    "decoder-lite": Method(".decoder_lite.DecoderLite", "a copy of the mask decoder, except the MLPs of its layers"),
    "lora": Method(".lora.LoRA", "low-rank changes of the mask decoder's attention (LoRA, rank 4)"),
    "plm+lora": Method(".plm_lora.PlmLoRA", "as plm, and as lora in the mask decoder"),
    "offset": Method(".offset.Offset", "a constant offset for each kind of prompt token"),
    "tokens": Method(".tokens.Tokens", "8 tokens appended to every prompt"),
    "words": Method(".words.Words", "as another method, and class names as prompts", reads_words=True),
}
"""Name -> method, in the order of tables."""

DEFAULT_METHOD = "decoder-lite"  # docs/decisions/index.md has the reasons

KINDS = {str: "a word", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class MethodInfo:
    """What a method trains and what can be set.

    Attributes:
        description: what the method trains, in a few words.
        options: option name -> default value; ``FitConfig(method_options=...)`` and ``--method-option`` set them.
    """

    description: str
    options: dict[str, Any]


def list_methods() -> dict[str, MethodInfo]:
    """Return the methods that ``fit_task`` and the command line's ``--method`` accept.

    Example:
        >>> list_methods()["tokens"].options
        {'count': 8}

    Returns:
        method name -> its description and options.
    """
    return {name: MethodInfo(method.description, method_class(name).options()) for name, method in METHODS.items()}


def check_method(name: str) -> None:
    """Check that a method exists.

    Raises:
        AdapterError: it does not; the message lists all methods.
    """
    if name not in METHODS:
        raise AdapterError(
            f"There is no method {name!r}.", f"Choose one of: {', '.join(METHODS)}.{did_you_mean(name, METHODS)}"
        )


def method_class(name: str) -> type[Adapter]:
    """Import and return the class of a method.

    Raises:
        AdapterError: the method does not exist.
    """
    check_method(name)
    module, _, class_name = METHODS[name].path.rpartition(".")
    method: type[Adapter] = getattr(importlib.import_module(module, "samtailor.adapters"), class_name)
    return method


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Check names and types of a method's options; the method itself checks their ranges.

    Raises:
        AdapterError: the method or an option does not exist, or a value is not of the type of the option's default
            (a word, a whole number or a number).
    """
    check_method(name)
    if not options:
        return  # and no module is loaded
    over = options.get("over")
    defaults = method_class(name).options(options if isinstance(over, str) else None)
    for option, value in options.items():
        if option not in defaults:
            hint = (
                f"Its options: {', '.join(defaults)}.{did_you_mean(option, defaults)}" if defaults else "It has none."
            )
            raise AdapterError(f"The method {name!r} has no option {option!r}.", hint)
        kind = type(defaults[option])
        if not (type(value) is kind or (kind is float and type(value) is int)):
            raise AdapterError(
                f"{option} of the method {name!r} is {value!r}.",
                f"It must be {KINDS[kind]}, such as {defaults[option]!r}.",
            )
