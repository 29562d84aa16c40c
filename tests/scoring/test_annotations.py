"""Moses files that hold more than plain words are recognised, and plain ones are not."""

import pytest

from seq2seq.scoring.annotations import describe_annotations
from seq2seq.scoring.moses import FeatureLine

PLAIN = [("das haus", "the house"), ("[ beifall ]", "[ applause ]"), ("a < b", "a < b"), ("und", "and")] * 10


def describe(*pairs: tuple[str, str]) -> str:
    return describe_annotations([FeatureLine(number, b"", src, tgt) for number, (src, tgt) in enumerate(pairs, 1)])


@pytest.mark.parametrize(
    ("pair", "seen"),
    [
        (("[X][X] haus [X]", "the [X][X] house [X]"), "hierarchical rules, with non-terminals such as [X]"),
        (("[NP][X] haus [X]", "house [NP][X] [S]"), "hierarchical rules, with non-terminals such as [X]"),
        (("das|ART|das haus|NN|haus", "the house"), "words with factors such as das|ART|das"),
        (("haus", "the|DT house|NN"), "words with factors such as the|DT"),
        (("das|ART [X][X] [X]", "the|DT [X][X] [X]"), "hierarchical rules, with non-terminals such as [X] and words w"),
        (("das <b> haus </b>", "the house"), "markup such as <b>"),
        (('<np translation="x"> haus </np>', "house"), "markup such as <np translation="),
        (("das haus", "the |0-0| house |1-1|"), "markup such as |0-0|"),
    ],
)
def test_annotations_are_recognised(pair: tuple[str, str], seen: str) -> None:
    assert describe(pair, *[pair] * 60, *PLAIN).startswith(seen)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        PLAIN,
        [*PLAIN, ("a|b", "a|b"), ("[X]", "[X]")],
        [("&#124; &lt;b&gt; &#91;X&#93;", "x & y")],
        [("a | b", "|")],
    ],
)
def test_plain_words_are_no_annotations(pairs: list[tuple[str, str]]) -> None:
    assert describe(*pairs) == ""
