"""Rules that a training pair should follow."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from seq2seq.config import Rule
from seq2seq.data.bitext import Pair
from seq2seq.data.statistics import Survey, length_ratios
from seq2seq.tokenizer.scripts import main_scripts, script

MAX_CHARACTERS = 1000
"""Characters on a side beyond which it is a paragraph, not a sentence."""
RATIO_FACTOR = 3.0
"""Factor by which a pair's length ratio may differ from the median."""


class Rules:
    """The cleaning rules for the corpus that a survey describes."""

    def __init__(self, survey: Survey, faulty: Mapping[Rule, Sequence[int]]) -> None:
        """faulty: whether each pair breaks a rule on the text as it was read, by rule."""
        usual = survey.usual_ratio
        src_are_foreign, tgt_are_foreign = _Foreign(survey.src_characters), _Foreign(survey.tgt_characters)

        def recorded(flags: Sequence[int] | np.ndarray) -> _Check:
            return lambda block: np.array(flags[block.numbers], bool)

        self._checks: dict[Rule, _Check] = {
            "identical": lambda block: np.array([src == tgt for src, tgt, _ in block.pairs]),
            "length": lambda block: np.maximum(block.src_lengths, block.tgt_lengths) > MAX_CHARACTERS,
            "ratio": lambda block: _is_outside(usual, length_ratios(block.src_lengths, block.tgt_lengths)),
            "script": lambda block: src_are_foreign(block.sources) | tgt_are_foreign(block.targets),
            "duplicates": recorded(survey.seen_before),
            **{rule: recorded(flags) for rule, flags in faulty.items()},
        }

    def broken_by(self, first: int, pairs: Sequence[Pair], rules: Sequence[Rule]) -> dict[Rule, np.ndarray]:
        """Whether each of these pairs breaks a rule, bool, by rule.

        first: number of the first pair in the corpus; the others follow it.
        """
        block = _Block(first, pairs)
        return {rule: self._checks[rule](block) for rule in rules}


class _Block:
    """Consecutive pairs of the corpus."""

    def __init__(self, first: int, pairs: Sequence[Pair]) -> None:
        self.pairs, self.numbers = pairs, slice(first, first + len(pairs))
        self.sources, self.targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
        self.src_lengths, self.tgt_lengths = np.array([*map(len, self.sources)]), np.array([*map(len, self.targets)])


_Check = Callable[[_Block], np.ndarray]


def _is_outside(usual: float, ratios: np.ndarray) -> np.ndarray:
    outside: np.ndarray = (ratios < usual / RATIO_FACTOR) | (ratios > usual * RATIO_FACTOR)
    return outside


class _Foreign:
    """Whether most letters of each text are in none of the main scripts of its side of the corpus."""

    def __init__(self, characters: Counter[str]) -> None:
        """characters: of that side."""
        self._scripts = main_scripts(characters)
        foreign = sorted(letter for letter in characters if (name := script(letter)) and name not in self._scripts)
        # Most texts have no such letter: they are skipped fast.
        self._letters = re.compile(f"[{re.escape(''.join(foreign))}]") if foreign else None

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        if not (self._letters and self._letters.search("\n".join(texts))):
            return np.zeros(len(texts), bool)
        return np.array([self._is_foreign(text) for text in texts])

    def _is_foreign(self, text: str) -> bool:
        if not (self._letters and self._letters.search(text)):
            return False
        letters = [name for name in map(script, text) if name]
        return 2 * sum(name not in self._scripts for name in letters) > len(letters)
