"""Random numbers that neither use nor change torch's global generators, which threads share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["own_randomness"]


@contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    """Draw all random numbers of torch within the block, in this thread, from generators of ``seed``.

    Modules initialise their parameters from the global generator, so two fits in two threads would draw from one
    sequence. The numbers are those that ``torch.manual_seed(seed)`` leads to.

    Raises:
        RuntimeError: an operation within the block is random and takes no generator.
    """
    with _Seeded(seed):
        yield


class _Seeded(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Passes a generator to every random operation that has none."""

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        values = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded in func.tags and values.get("generator") is None:
            func = _with_generator(func)
            values["generator"] = self._generator(_device_of(args, values))
        return func(*args, **values)

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]


def _with_generator(func: Any) -> Callable[..., Any]:
    """Return the overload of an operation that takes a generator."""
    own = func._overloadname
    for name in (own, "generator" if own == "default" else f"{own}_generator"):
        overload = getattr(func.overloadpacket, name, None)
        if overload is not None and any(argument.name == "generator" for argument in overload._schema.arguments):
            return overload  # type: ignore[no-any-return]
    raise RuntimeError(f"{func} draws from the global random generator.")


def _device_of(args: Sequence[Any], values: Mapping[str, Any]) -> torch.device:
    tensors = [a for a in args if isinstance(a, torch.Tensor)]
    return tensors[0].device if tensors else torch.device(values.get("device") or "cpu")
