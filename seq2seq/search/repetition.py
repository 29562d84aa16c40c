"""Hypotheses that repeat themselves, a known failure of translation models."""

from collections.abc import Iterator, Sequence

# Tokens of the longest unit that is looked for.
_LONGEST_UNIT = 16
# What counts as a loop: so many repeats of a unit, of so many tokens in all. Fewer repeats must be longer.
_LOOPS = ((3, 6), (2, 12))
# Tokens of the shortest loop that are not its first occurrences.
_FEWEST_REPEATED = 4


def repeats(tokens: Sequence[int], source: Sequence[int]) -> bool:
    """Whether a unit of at most 16 tokens loops in `tokens`, and none occurs in a row as often in `source`.

    A loop is a unit three times in a row, over at least 6 tokens, or twice over at least 12: of the references of
    Tatoeba (English and French) and Multi30k, fewer than 1 in 10,000 have one.
    """
    if len(tokens) - len(set(tokens)) < _FEWEST_REPEATED:
        return False
    loops = [
        count
        for count, length in _runs(tokens)
        if any(count >= least_count and length >= least_length for least_count, least_length in _LOOPS)
    ]
    return bool(loops) and max(loops) > max((count for count, _ in _runs(source)), default=1)


def _runs(tokens: Sequence[int]) -> Iterator[tuple[int, int]]:
    """How often each repeated unit occurs in a row, and the tokens of these occurrences."""
    for unit in range(1, min(_LONGEST_UNIT, len(tokens) // 2) + 1):
        same = 0
        for token, earlier in zip(tokens[unit:], tokens, strict=False):
            same = same + 1 if token == earlier else 0
            if same >= unit:
                count = same // unit + 1
                yield count, count * unit
