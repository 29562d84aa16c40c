"""Lines in parts, and back: with translations that copy the source, a line comes back as it was."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.inference.glossary import Glossary
from seq2seq.inference.segmentation import Line, Segmenter
from seq2seq.tokenizer.profile import NO_PROFILE, ProfileLearner, TextProfile
from seq2seq.tokenizer.symbols import SYMBOLS
from seq2seq.tokenizer.tokenizer import Tokenizers
from seq2seq.tokenizer.training import train_tokenizer

TEXTS = [f"The {noun} sees {number} dogs. Anna sleeps!" for noun in ("cat", "man", "girl") for number in "abcdefgh"]


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    tokenizer = train_tokenizer(TEXTS, Counter("".join(TEXTS)), 400, "unigram", symbols=True)
    return Tokenizers(tokenizer, tokenizer, normalize=True)


@pytest.fixture(scope="module")
def profile() -> TextProfile:
    learner = ProfileLearner("en", "en")
    for text in TEXTS * 10:
        learner.add(text, text)
    return learner.finish(Counter("".join(TEXTS)), unspaced_targets=False)


def copied(line: Line, tokenizers: Tokenizers) -> str:
    return line.join(tokenizers.tgt, [part.ids for part in line.parts])


def segmented(segmenter: Segmenter, text: str) -> Line:
    (line,) = segmenter.segment([text])
    return line


ITEMS = [
    "The cat sleeps.",
    "Anna sees 3 dogs!",
    "<b>",
    "</b>",
    "{0}",
    "http://a.org/x.y?z=1.",
    "12,345",
    "Ok?",
    "“So.”",
    "…",
]


@given(st.lists(st.sampled_from(ITEMS), max_size=8), st.sampled_from([" ", "  "]), st.sampled_from([8, 30]))
@settings(deadline=None)
def test_a_copied_line_comes_back(tokenizers: Tokenizers, items: list[str], blanks: str, limit: int) -> None:
    text = blanks.join(items)
    segmenter = Segmenter(tokenizers, NO_PROFILE, limit, split=True)
    line = segmented(segmenter, text)
    assert max((len(part.ids) for part in line.parts), default=0) <= limit
    if not any(not part.starts_sentence for part in line.parts):
        assert copied(line, tokenizers) == text


def test_sentences_are_parts_and_what_has_no_letters_is_copied(tokenizers: Tokenizers) -> None:
    line = segmented(Segmenter(tokenizers, NO_PROFILE, 128, split=True), "The cat sleeps.  Why? 12 - 3! {0}")
    assert [bool(part.ids) for part in line.parts] == [True, True, False, False]
    assert [part.separator for part in line.parts] == ["", "  ", " ", " "]
    assert copied(line, tokenizers) == "The cat sleeps.  Why? 12 - 3! {0}"
    (whole,) = segmented(Segmenter(tokenizers, NO_PROFILE, 128, split=False), "The cat sleeps. Why?").parts
    assert whole.sentence.text == "The cat sleeps. Why?"


def test_no_sentence_ends_within_a_span(tokenizers: Tokenizers) -> None:
    text = 'The <a title="Anna. The cat.">dogs</a> sleep. Anna {n, plural, one {sleeps. One.} other {sleep.}}!'
    line = segmented(Segmenter(tokenizers, NO_PROFILE, 128, split=True), text)
    assert len(line.parts) == 2
    assert copied(line, tokenizers) == text


@pytest.mark.parametrize("blanks", ["", " ", "  "])
def test_closing_tags_belong_to_the_sentence_before(tokenizers: Tokenizers, blanks: str) -> None:
    text = f"<b><i>The cat sleeps. </i>{blanks}</b>{blanks}<i>Anna sleeps. </i>{blanks}The man sleeps."
    line = segmented(Segmenter(tokenizers, NO_PROFILE, 128, split=True), text)
    assert copied(line, tokenizers) == text
    assert line.parts[0].sentence.text.endswith("</b>")


@pytest.mark.parametrize(
    "markers",
    [("", " <b>", "</b>"), ("<b>", "</b> ", ""), ("", "<b> ", "</b>"), ("<i>", "</i> <b>", "</b>"), ("", "<br/>", "")],
)
def test_german_sentences_end_whatever_tags_stand_there(tokenizers: Tokenizers, markers: tuple[str, str, str]) -> None:
    german = ProfileLearner("de", "de").finish(Counter(), unspaced_targets=False)
    before, between, after = markers
    text = f"{before}Ein Mann sitzt hier.{between}Am 3. <b>Mai</b> kommt er.{after}"
    line = segmented(Segmenter(tokenizers, german, 128, split=True), text)
    assert [part.starts_sentence for part in line.parts] == [True, True]
    assert line.parts[1].sentence.text.endswith(f"Am 3. <b>Mai</b> kommt er.{after}")
    assert copied(line, tokenizers) == text


@pytest.mark.parametrize("text", ["<b>THE CAT</b> SEES A DOGS.</i> <i>ANNA SLEEPS!</i>", "<b>the cat</b> sees a dogs."])
def test_a_tag_changes_no_case(tokenizers: Tokenizers, profile: TextProfile, text: str) -> None:
    line = segmented(Segmenter(tokenizers, profile, 128, split=False), text)
    (sentence,) = (part.sentence.text for part in line.parts)
    assert sentence.startswith("<b>The cat</b> sees a dogs.")
    assert sentence.endswith(("dogs.", "<i>Anna sleeps!</i>"))
    assert copied(line, tokenizers) == text


def test_what_looks_like_a_mark_moves_no_span(tokenizers: Tokenizers) -> None:
    text = "The \U0010fffd cat {0} sees \U0010fffc <b>dogs</b>."
    assert copied(segmented(Segmenter(tokenizers, NO_PROFILE, 128, split=True), text), tokenizers) == text


@pytest.mark.parametrize("text", ["THE CAT SEES A DOGS. ANNA SLEEPS!", "the cat sees a dogs. anna sleeps!"])
def test_case_is_brought_to_that_of_training_and_back(tokenizers: Tokenizers, profile: TextProfile, text: str) -> None:
    segmenter = Segmenter(tokenizers, profile, 128, split=True)
    spanned = text.replace("A DOGS", "<B>A</B> DOGS {Name}").replace("a dogs", "<B>a</B> dogs {Name}")
    for line_text in (text, spanned):
        line = segmented(segmenter, line_text)
        assert len(line.parts) == 2
        assert line.parts[0].sentence.text.startswith("The cat sees ")
        assert line.parts[1].sentence.text == "Anna sleeps!"
        assert copied(line, tokenizers) == line_text


def test_terms_are_symbols_and_their_translations_stand_in_the_text(
    tokenizers: Tokenizers, profile: TextProfile
) -> None:
    glossary = Glossary({"cat": "Katze", "dogs": "hunde"})
    segmenter = Segmenter(tokenizers, profile, 128, split=True, glossary=glossary)
    line = segmented(segmenter, "The cat sees 3 dogs {cat}.")
    assert sum(i in SYMBOLS for i in line.parts[0].ids) == 3
    assert copied(line, tokenizers) == "The Katze sees 3 hunde {cat}."
    # A term at the start of a translation gets a capital, as sentences have in the target language.
    ids = [i for i in line.parts[0].ids if i in SYMBOLS]
    assert line.join(tokenizers.tgt, [[ids[1], ids[0], ids[2]]]) == "Hunde Katze {cat}"


@pytest.mark.parametrize(("text", "expected"), [("cat", "iCat"), ("Cat", "iCat"), ("CAT", "ICAT")])
def test_a_term_with_capitals_inside_gets_none_at_its_start(
    tokenizers: Tokenizers, profile: TextProfile, text: str, expected: str
) -> None:
    segmenter = Segmenter(tokenizers, profile, 128, split=True, glossary=Glossary({"cat": "iCat"}))
    assert copied(segmented(segmenter, text), tokenizers) == expected
