"""Rules that a training pair should follow."""

from collections.abc import Callable, Sequence

from seq2seq.config import Rule
from seq2seq.data.bitext import Pair
from seq2seq.data.statistics import Survey, length_ratio, main_scripts, script

MAX_CHARACTERS = 1000
"""Characters on a side beyond which it is a paragraph, not a sentence."""
RATIO_FACTOR = 3.0
"""Factor by which a pair's length ratio may differ from the median."""


class Rules:
    """The cleaning rules for the corpus that a survey describes."""

    def __init__(self, survey: Survey) -> None:
        usual = survey.usual_ratio
        src_scripts, tgt_scripts = main_scripts(survey.src_characters), main_scripts(survey.tgt_characters)
        self._checks: dict[Rule, Callable[[int, Pair], bool]] = {
            "identical": lambda _, pair: pair.src == pair.tgt,
            "length": lambda _, pair: max(len(pair.src), len(pair.tgt)) > MAX_CHARACTERS,
            "ratio": lambda _, pair: not usual / RATIO_FACTOR <= length_ratio(pair) <= usual * RATIO_FACTOR,
            "script": lambda _, pair: _foreign(pair.src, src_scripts) or _foreign(pair.tgt, tgt_scripts),
            "duplicates": lambda number, _: bool(survey.seen_before[number]),
        }

    def broken_by(self, number: int, pair: Pair, rules: Sequence[Rule]) -> list[Rule]:
        """The `rules` that pair `number` of the corpus breaks."""
        return [rule for rule in rules if self._checks[rule](number, pair)]


def _foreign(text: str, scripts: set[str]) -> bool:
    """Whether most letters of a text are in none of the scripts."""
    letters = [name for name in map(script, text) if name]
    return 2 * sum(name not in scripts for name in letters) > len(letters)
