"""The words of a fit's prompts: a third are class names alone, a third have their class name, a third have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from samtailor.adapters.methods import METHODS
from samtailor.adapters.vocabulary import left_out_names
from samtailor.data.task import ImageRecord, Instance
from samtailor.data.unions import class_unions
from samtailor.fitting.config import FitConfig
from samtailor.machine.text import plain_name
from samtailor.prompts import Prompts

__all__ = ["WordPlan"]

_ALONE, _BESIDE, _THIRDS = 0, 1, 3


@dataclass(frozen=True)
class WordPlan:
    """Which prompts of a fit get words.

    Attributes:
        left_out: plain names of the classes whose words are not given; their instances have other prompts.
    """

    left_out: frozenset[str] = frozenset()

    @classmethod
    def of(cls, config: FitConfig) -> WordPlan | None:
        """Return the plan of a fit; None if its method reads no words."""
        if not METHODS[config.method].reads_words:
            return None
        return cls(left_out_names(config.method_options.get("leave_out", "")))

    def applied(
        self, turn: int, image: ImageRecord, instances: Sequence[Instance], prompts: Prompts
    ) -> tuple[tuple[Instance, ...], Prompts]:
        """Give words to the prompts of a draw.

        Args:
            turn: number of the draw; every third gets words alone, and every third words beside its prompts.
            image: of the draw.
            instances: N instances of the image.
            prompts: a prompt for each.

        Returns:
            What is to be segmented, and the prompts. A word alone is for all of its class in the image. It is left out
            if it is the word of a class that is left out; if all are, the draw keeps its prompts.
        """
        words = ["" if plain_name(i.label) in self.left_out else i.label for i in instances]
        if turn % _THIRDS == _ALONE and any(words):
            unions, named = class_unions(image), tuple(filter(None, words))
            return tuple(unions[plain_name(word)] for word in named), Prompts(words=named)
        if turn % _THIRDS == _BESIDE and any(words):
            prompts = replace(prompts, words=tuple(words))
        return tuple(instances), prompts
