"""Spans pass as symbols: text around them is encoded as without them, and they come back as they were."""

import random
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.tokenizer.protection import ProtectedPart, protect, restore
from seq2seq.tokenizer.spans import find_spans
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS, UNPAIRED
from seq2seq.tokenizer.tokenizer import Tokenizer
from seq2seq.tokenizer.training import train_tokenizer

WORDS = ["Click", "here", "now", "the", "files", "please", "delete", "v", "s", "(x)", "don't"]
TEXTS = [" ".join(random.Random(seed).choices(WORDS, k=6)) + "." for seed in range(400)]


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return train_tokenizer(TEXTS, Counter("".join(TEXTS)), 400, request.param, symbols=True)


def parts(tokenizer: Tokenizer, text: str, max_length: int = 128) -> list[ProtectedPart]:
    return protect(tokenizer, [text], [find_spans(text)], max_length)[0]


def part(tokenizer: Tokenizer, text: str) -> ProtectedPart:
    (single,) = parts(tokenizer, text)
    return single


def words(tokenizer: Tokenizer, text: str) -> str:
    """The encoded text with "_" for the blank of a piece, and "|" around symbols."""
    ids = part(tokenizer, text).ids
    return "".join(
        f"|{piece}|" if piece_id in SYMBOLS else piece.replace("\u2581", "_")
        for piece_id, piece in zip(ids, tokenizer.pieces(ids), strict=True)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Click <b>here</b>.", "_Click|<open1>|_here|<close1>|."),
        ("delete {0} files", "_delete|<span1>|_files"),
        ("v{0}s", "_v|<span1>|s"),
        ("<b>here</b>now", "|<open1>|_here|<close1>|now"),
        ("{0}the <b> files </b>", "|<span1>|the|<open1>|_files|<close1>|"),
        ("</b>v<i><b>s {0}{1}</b></i>", "|<tag1>|_v|<open1>||<open2>|s|<span1>||<span2>||<close2>||<close1>|"),
    ],
)
def test_tags_have_no_width_and_other_spans_are_like_words(tokenizer: Tokenizer, text: str, expected: str) -> None:
    assert words(tokenizer, text) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("the<br/>files", "delete<br/>now"),
        ("the <br/> files", "delete <br/> now"),
        ("the <br/>files", "delete <br/>now"),
        ("the files<br/>", "delete<br/> now"),
        ("v{0}files", "delete {0} now"),
    ],
)
def test_the_blanks_around_a_line_break_are_those_of_the_source(
    tokenizer: Tokenizer, source: str, expected: str
) -> None:
    before, after = tokenizer.encode(["delete", "now"])
    assert restore(tokenizer, [*before, SPANS[0], *after], part(tokenizer, source).spans) == expected


@given(st.text(st.sampled_from("the files.\U0010ffff日 "), max_size=30))
@settings(deadline=None)
def test_text_without_spans_is_encoded_as_before(tokenizer: Tokenizer, text: str) -> None:
    (encoded,) = protect(tokenizer, [text], [[]], 1000)
    assert list(chain.from_iterable(part.ids for part in encoded)) == tokenizer.encode([text])[0]
    (continued,) = tokenizer.encode_within([text])
    assert tokenizer.decode([*tokenizer.encode(["v"])[0], *continued]) == f"v{text}"


ITEMS = [
    "{0}",
    "{1}",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<br/>",
    " ",
    " ",
    "here",
    "Click",
    "(",
    ")",
    ".",
    "'",
    "http://a.de",
]
ITEMS += ["😀", "&amp;", "日", "12345", "<x>", "</y>", "\u00a0", "\U0010ffff"]


@given(st.lists(st.sampled_from(ITEMS), max_size=25), st.sampled_from([8, 9, 12, 128]))
@settings(deadline=None, max_examples=1000)
def test_a_translation_that_repeats_its_source_is_the_source(
    tokenizer: Tokenizer, items: list[str], max_length: int
) -> None:
    text = " ".join("".join(items).split(" ")).strip()
    while "  " in text:
        text = text.replace("  ", " ")
    encoded = parts(tokenizer, text, max_length)
    assert "".join(part.before + restore(tokenizer, part.ids, part.spans) for part in encoded) == text
    for one in encoded:
        assert len(one.ids) <= max_length
        symbols = [piece_id for piece_id in one.ids if piece_id in SYMBOLS]
        assert len(set(symbols)) == len(symbols)
        assert set(symbols) == one.spans.keys()
        assert well_nested(symbols)


def well_nested(symbols: list[int]) -> bool:
    opened = []
    for symbol in symbols:
        if symbol in OPENING:
            opened.append(symbol)
        elif symbol in CLOSING and (not opened or opened.pop() - OPENING.start != symbol - CLOSING.start):
            return False
    return not opened


def translated(tokenizer: Tokenizer, src: str, target: list[int | str]) -> str:
    """The text of a translation given as symbols and texts; a text that begins with "+" continues a word."""
    ids: list[int] = []
    for item in target:
        if isinstance(item, int):
            ids.append(item)
        else:
            ids += (tokenizer.encode_within([item[1:]]) if item[0] == "+" else tokenizer.encode([item]))[0]
    return restore(tokenizer, ids, part(tokenizer, src).spans)


S1, S2, O1, C1, O2, C2, U1 = SPANS[0], SPANS[1], OPENING[0], CLOSING[0], OPENING[1], CLOSING[1], UNPAIRED[0]


@pytest.mark.parametrize(
    ("src", "target", "expected"),
    [
        ("delete {0} files", ["files", S1, "now"], "files {0} now"),
        ("delete {0}.", [S1, "now", "+."], "{0} now."),
        ("delete {0} files", ["the (", S1, "+)"], "the ({0})"),
        ("v{0}", ["the v", S1], "the v{0}"),
        ("v{0}", ["files", S1], "files {0}"),
        ("{0}{1} now", ["now", S2, S1], "now {1}{0}"),
        ("{0} and {1}", [S2, S1], "{1} {0}"),
        ("Click <b>here</b> now", ["now", O1, "here", C1, "Click"], "now <b>here</b> Click"),
        ("Click <b> here </b>now", ["the", O1, "here", C1, "now"], "the <b> here </b>now"),
        ("<b>here</b> <i>now</i>", ["v", O2, "now", C2, O1, "here", C1], "v <i>now</i> <b>here</b>"),
        ("Click<b>here</b>", ["Click", O1, "here", C1], "Click <b>here</b>"),
        ("here</b> now", ["now", U1, "here"], "now</b> here"),
        ("see {0}", ["see", S1, "+\U0010ffff"], "see {0}\U0010ffff"),
    ],
)
def test_blanks_around_spans_follow_the_source_and_the_pieces(
    tokenizer: Tokenizer, src: str, target: list[int | str], expected: str
) -> None:
    assert translated(tokenizer, src, target) == expected


def test_a_character_cut_by_a_span_becomes_a_replacement_character(tokenizer: Tokenizer) -> None:
    encoded = part(tokenizer, "日{0}")
    assert encoded.ids[-1] == S1
    assert restore(tokenizer, [*encoded.ids[:-2], S1], encoded.spans) == "\ufffd\ufffd {0}"


def test_lines_of_many_spans_are_cut_outside_of_pairs(tokenizer: Tokenizer) -> None:
    text = " ".join(f"<b>here {{{number}}}</b>" for number in range(7))
    first, second = parts(tokenizer, text)
    assert [sum(symbol in OPENING for symbol in one.spans) for one in (first, second)] == [4, 3]
    assert second.before == " "
    nested = "<b>" * 5 + "now" + "</b>" * 5
    assert all(set(one.spans) <= {*SPANS, *UNPAIRED, *OPENING, *CLOSING} for one in parts(tokenizer, nested))
    assert sum(len(one.spans) for one in parts(tokenizer, nested)) == 10


def test_parts_end_before_a_word_and_never_within_a_character(tokenizer: Tokenizer) -> None:
    for one in parts(tokenizer, "Click here now. " * 20, 17)[1:]:
        assert tokenizer.starts_word(one.ids[0])
    assert "\ufffd" not in "".join(tokenizer.decode(one.ids) for one in parts(tokenizer, "日本" * 30, 16))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Click<br/>here", "Click here"),
        ('<img src="a.png">here', "here"),
        ("Click <br><b>here</b>", "Click here"),
        ("Click{0}here", "Clickhere"),
        ("Cl<b>ick</b>", "Click"),
    ],
)
def test_a_word_ends_at_an_empty_tag(tokenizer: Tokenizer, text: str, words: str) -> None:
    ids = [piece_id for piece_id in part(tokenizer, text).ids if piece_id not in SYMBOLS]
    assert tokenizer.decode(ids) == words
