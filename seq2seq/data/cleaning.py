"""Rules that a training pair should follow."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from seq2seq.config import Rule
from seq2seq.data.bitext import Pair
from seq2seq.data.statistics import Survey, length_ratio, main_scripts, script

MAX_CHARACTERS = 1000
"""Characters on a side beyond which it is a paragraph, not a sentence."""
RATIO_FACTOR = 3.0
"""Factor by which a pair's length ratio may differ from the median."""


class Rules:
    """The cleaning rules for the corpus that a survey describes."""

    def __init__(self, survey: Survey, faulty: Mapping[Rule, Sequence[int]]) -> None:
        """faulty: whether each pair breaks a rule on the text as it was read, by rule."""
        usual = survey.usual_ratio
        src_is_foreign, tgt_is_foreign = _Foreign(survey.src_characters), _Foreign(survey.tgt_characters)
        self._checks: dict[Rule, Callable[[int, Pair], bool]] = {
            "identical": lambda _, pair: pair.src == pair.tgt,
            "length": lambda _, pair: max(len(pair.src), len(pair.tgt)) > MAX_CHARACTERS,
            "ratio": lambda _, pair: not usual / RATIO_FACTOR <= length_ratio(pair) <= usual * RATIO_FACTOR,
            "script": lambda _, pair: src_is_foreign(pair.src) or tgt_is_foreign(pair.tgt),
            "mojibake": lambda number, _: bool(faulty["mojibake"][number]),
            "markup": lambda number, _: bool(faulty["markup"][number]),
            "duplicates": lambda number, _: bool(survey.seen_before[number]),
        }

    def broken_by(self, number: int, pair: Pair, rules: Sequence[Rule]) -> list[Rule]:
        """The `rules` that pair `number` of the corpus breaks."""
        checks = self._checks
        return [rule for rule in rules if checks[rule](number, pair)]


class _Foreign:
    """Whether most letters of a text are in none of the main scripts of its side of the corpus."""

    def __init__(self, characters: Counter[str]) -> None:
        """characters: of that side."""
        self._scripts = main_scripts(characters)
        foreign = sorted(letter for letter in characters if (name := script(letter)) and name not in self._scripts)
        # Most corpora have few such letters: the others are skipped fast.
        self._letters = re.compile(f"[{re.escape(''.join(foreign))}]") if foreign else None

    def __call__(self, text: str) -> bool:
        if not (self._letters and self._letters.search(text)):
            return False
        letters = [name for name in map(script, text) if name]
        return 2 * sum(name not in self._scripts for name in letters) > len(letters)
