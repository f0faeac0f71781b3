"""Random numbers from own generators equal those of the global one and leave it alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from samtailor.machine.randomness import own_randomness


def drawn() -> list[Tensor]:
    return [
        nn.Linear(5, 7).weight,
        nn.Conv2d(3, 4, 3).weight,
        nn.Embedding(3, 3).weight,
        nn.MultiheadAttention(8, 2).in_proj_weight,
        nn.init.trunc_normal_(torch.empty(9)),
        nn.init.orthogonal_(torch.empty(3, 3)),
        torch.randn(3),
        torch.rand(2, 2),
        torch.randperm(9),
        torch.randint(0, 9, (4,)),
        torch.bernoulli(torch.full((9,), 0.5)),
        torch.multinomial(torch.ones(9), 3),
        nn.functional.dropout(torch.ones(50), 0.5, True),
    ]


def test_the_numbers_are_those_of_the_seed_and_the_global_generator_stays() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        expected = drawn()
        torch.manual_seed(1)
        before = torch.get_rng_state()
        with own_randomness(7):
            assert all(torch.equal(a, b) for a, b in zip(drawn(), expected, strict=True))
        assert torch.equal(torch.get_rng_state(), before)


def test_an_operation_that_takes_no_generator_raises_an_error() -> None:
    with own_randomness(0), pytest.raises(RuntimeError, match="global random generator"):
        torch.ops.aten.native_dropout(torch.ones(3), 0.5, True)
