"""Compute the same bits whatever PyTorch settings the caller has.

Scripts and notebooks set a default number type or device, or call us within ``torch.autocast`` or
``torch.inference_mode``. Embeddings are stored for everyone, and a fit needs gradients, so the public verbs work under
PyTorch's own defaults and restore the caller's settings at the end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import ParamSpec, TypeVar

import torch

__all__ = ["undisturbed", "undisturbed_steps"]

_DEVICES = ("cpu", "cuda", "mps", "xpu")

_P = ParamSpec("_P")
_Item = TypeVar("_Item")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Use PyTorch's defaults for a while; also a decorator.

    They are: no autocast, gradients on, no inference mode, float32 as default number type and for products of float32
    matrices, and the CPU as default device. The default number type is one per process: it is touched only if the
    caller changed it.
    """
    with ExitStack() as stack:
        for kind in _DEVICES:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        if not torch.is_grad_enabled():
            stack.enter_context(torch.enable_grad())
        if (dtype := torch.get_default_dtype()) != torch.float32:
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, dtype)
        if (precision := torch.get_float32_matmul_precision()) != "highest":
            torch.set_float32_matmul_precision("highest")
            stack.callback(torch.set_float32_matmul_precision, precision)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield


def undisturbed_steps(function: Callable[_P, Iterator[_Item]]) -> Callable[_P, Iterator[_Item]]:
    """Decorate a generator function: each step runs ``undisturbed``, the caller's code between the steps does not."""

    @functools.wraps(function)
    def steps(*args: _P.args, **kwargs: _P.kwargs) -> Iterator[_Item]:
        iterator = function(*args, **kwargs)
        while True:
            with undisturbed():
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    return steps
