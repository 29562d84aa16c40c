"""Hypotheses that loop are found, those that translate a loop of the source are not."""

import pytest

from seq2seq.search.repetition import repeats


@pytest.mark.parametrize(
    ("tokens", "source", "expected"),
    [
        ([], [], False),
        ([5], [], False),
        ([5, 6, 7, 8, 9, 10, 11], [], False),
        ([5] * 5, [], False),
        ([5] * 6, [], True),
        ([9, 8, *[5] * 6, 7], [9, 8], True),
        ([5, 6] * 2, [], False),
        ([5, 6] * 3, [], True),
        ([5, 6, 7, 5, 6, 8, 5, 6], [], False),
        ([4, *[5, 6, 7] * 3, 5], [], True),
        ([*range(4, 9)] * 2, [], False),
        ([*range(4, 10)] * 2, [], True),
        ([*range(4, 20)] * 2, [], True),
        ([*range(4, 21)] * 2, [], False),
        ([5] * 6, [8] * 6, False),
        ([5] * 6, [8] * 5, True),
        ([5, 6] * 3, [8, 9, 10] * 3, False),
        ([*range(4, 10)] * 2, [8, 8], False),
    ],
    ids=str,
)
def test_loops(tokens: list[int], source: list[int], expected: bool) -> None:
    assert repeats(tokens, source) == expected
