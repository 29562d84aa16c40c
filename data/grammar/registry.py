"""The list of constructions, each a function that makes one sentence."""

from collections.abc import Callable
from dataclasses import dataclass

from .draw import Draw
from .phrases import Phrase

Maker = Callable[[Draw], Phrase]


@dataclass(frozen=True)
class Construction:
    """A function that makes a sentence without capital and mark, and how often it is asked to."""

    name: str
    make: Maker
    mark: str
    weight: int


CONSTRUCTIONS: list[Construction] = []


def construction(weight: int, mark: str = ".") -> Callable[[Maker], Maker]:
    """Register a function; of two constructions, the one with twice the weight makes twice the sentences."""

    def register(make: Maker) -> Maker:
        CONSTRUCTIONS.append(Construction(make.__name__, make, mark, weight))
        return make

    return register
