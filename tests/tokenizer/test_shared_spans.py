"""Spans that both sides of a pair hold become the same symbols on both sides; all else stays text."""

from collections import Counter
from collections.abc import Sequence

import pytest

from seq2seq.tokenizer.shared_spans import encode_pairs, shared_spans
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS, UNPAIRED
from seq2seq.tokenizer.tokenizer import Tokenizer
from seq2seq.tokenizer.training import train_tokenizer

TEXTS = ["delete the files now", "see here", "Dateien jetzt entfernen", "siehe hier"] * 50
S1, S2, O1, C1, O2, C2, U1 = SPANS[0], SPANS[1], OPENING[0], CLOSING[0], OPENING[1], CLOSING[1], UNPAIRED[0]


def train(symbols: bool) -> Tokenizer:
    return train_tokenizer(TEXTS, Counter("".join(TEXTS)), 400, "unigram", symbols=symbols)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train(symbols=True)


@pytest.mark.parametrize(
    ("src", "tgt", "in_src", "in_tgt"),
    [
        ("see {1} and {0}", "{0} siehe {1}", [S1, S2], [S2, S1]),
        ("see {0} and {0}", "{0}", [], []),
        ("{0} on 1,234.50 and 2010", "{0} 2010 1.234,50", [S1, S2], [S1, S2]),
        ("{0} {0} see", "siehe {0} {0}", [S1, S2], [S1, S2]),
        ("see <b>it</b>, <i>now</i>", "<i>jetzt</i> siehe <b>es</b>", [O1, C1, O2, C2], [O2, C2, O1, C1]),
        ("see <b>it</b> {0}", "siehe <b>es {0}", [S1], [S1]),
        ("<b><i>x</i></b>", "<i><b>x</b></i>", [O1, O2, C2, C1], [O2, O1, C1, C2]),
        ("<b>x<i>y</b>z</i>", "<b>x<i>y</b>z</i>", [O1, C1, U1], [O1, C1, U1]),
        ("<x> a <y>", "<y> a <x>", [], []),
        ("see it", "siehe 2010 {0}", [], []),
    ],
)
def test_shared_spans(src: str, tgt: str, in_src: list[int], in_tgt: list[int]) -> None:
    assert [[symbol for _, symbol in spans] for spans in shared_spans(src, tgt)] == [in_src, in_tgt]


@pytest.mark.parametrize(("unit", "symbols"), [("{{{}}} <b>x</b>", [*SPANS, *OPENING, *CLOSING]), ("200{} x", SPANS)])
def test_spans_beyond_the_symbols_stay_text(unit: str, symbols: Sequence[int]) -> None:
    text = " ".join(unit.format(number) for number in range(10))
    for spans in shared_spans(text, text):
        assert sorted(symbol for _, symbol in spans) == list(symbols)


def test_pairs_without_shared_spans_are_encoded_as_text(tokenizer: Tokenizer) -> None:
    pairs = [("see here", "siehe hier"), ("delete {0}", "siehe {1}"), ("see 2010", "siehe hier")]
    src, tgt = encode_pairs(tokenizer, tokenizer, pairs)
    assert src == tokenizer.encode([pair[0] for pair in pairs])
    assert tgt == tokenizer.encode([pair[1] for pair in pairs])


def test_symbols_stand_where_the_spans_stood(tokenizer: Tokenizer) -> None:
    pairs = [("see here", "siehe hier"), ("delete {0} now", "{0} jetzt")]
    src, tgt = encode_pairs(tokenizer, tokenizer, pairs)
    delete, now, later = tokenizer.encode(["delete", "now", "jetzt"])
    assert (src[1], tgt[1]) == ([*delete, S1, *now], [S1, *later])
    assert not set(src[0] + tgt[0]) & set(SYMBOLS)


def test_vocabularies_without_symbols_get_text(tokenizer: Tokenizer) -> None:
    old = train(symbols=False)
    pairs = [("delete {0} now", "{0} jetzt")]
    for src, tgt in ((old, old), (tokenizer, old), (old, tokenizer)):
        assert encode_pairs(src, tgt, pairs) == (src.encode([pairs[0][0]]), tgt.encode([pairs[0][1]]))
