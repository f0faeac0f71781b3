"""The trainable methods by name. Imports none of them until one is used, so that help texts are instant."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samtailor.errors import AdapterError

if TYPE_CHECKING:
    from samtailor.adapters.contract import Adapter

__all__ = [
    "DEFAULT_METHOD",
    "METHODS",
    "MethodInfo",
    "check_method",
    "check_options",
    "list_methods",
    "method_class",
    "method_summaries",
]

METHODS = {
    "plm": "samtailor.adapters.plm.PLM",
    "plm+pmm": "samtailor.adapters.pmm.adapter.PlmPMM",
    "plm+boundary": "samtailor.adapters.plm_boundary.PlmBoundary",
    "decoder": "samtailor.adapters.decoder.DecoderTuning",
    "decoder-lite": "samtailor.adapters.decoder_lite.DecoderLite",
    "lora": "samtailor.adapters.lora.LoRA",
    "plm+lora": "samtailor.adapters.plm_lora.PlmLoRA",
    "offset": "samtailor.adapters.offset.Offset",
    "tokens": "samtailor.adapters.tokens.Tokens",
}
"""Name -> module and class."""

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
    classes = {name: method_class(name) for name in METHODS}
    return {name: MethodInfo(method.trains, method.options()) for name, method in classes.items()}


def method_summaries() -> dict[str, str]:
    """Return the descriptions of ``list_methods`` without importing a method: a help text must not wait for torch.

    They are read from the source files, where each class sets ``trains`` to a string.
    """
    return {name: _read_description(*home.rsplit(".", 1)) for name, home in METHODS.items()}


def _read_description(module: str, class_name: str) -> str:
    path = Path(__file__).parents[1].joinpath(*module.split(".")[1:]).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (definition,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name]
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "trains" and node.value is not None:
            return str(ast.literal_eval(node.value))
    return ""


def check_method(name: str) -> None:
    """Check that a method exists.

    Raises:
        AdapterError: it does not; the message lists all methods.
    """
    if name not in METHODS:
        raise AdapterError(f"There is no method {name!r}.", f"Choose one of: {', '.join(METHODS)}.")


def method_class(name: str) -> type[Adapter]:
    """Import and return the class of a method.

    Raises:
        AdapterError: the method does not exist.
    """
    check_method(name)
    module, _, class_name = METHODS[name].rpartition(".")
    method: type[Adapter] = getattr(importlib.import_module(module), class_name)
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
    defaults = method_class(name).options()
    for option, value in options.items():
        if option not in defaults:
            hint = f"Its options: {', '.join(defaults)}." if defaults else "It has none."
            raise AdapterError(f"The method {name!r} has no option {option!r}.", hint)
        kind = type(defaults[option])
        if not (type(value) is kind or (kind is float and type(value) is int)):
            raise AdapterError(
                f"{option} of the method {name!r} is {value!r}.",
                f"It must be {KINDS[kind]}, such as {defaults[option]!r}.",
            )
