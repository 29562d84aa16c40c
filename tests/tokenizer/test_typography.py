"""Signs that training never had become those that it had; signs that it had stay."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.tokenizer.typography import SEQUENCES, Typography

ENGLISH = """It's "here" - or so; I don't know. A well-known man (42) said: "No!" Really? Yes, you are 1 of 7."""
CURLY = "It’s “here” – or so; I don’t know… The ‘new’ one, a well-known man (42) said: “No!” Really? Yes."
GERMAN = "Er sagt: „Das ist es.“ – Wirklich? Ja, „genau“; so-so!"
FRENCH = "L'homme dit : « Bonjour ! » Vraiment ? Oui ; peut-être."


def learnt(text: str) -> Typography:
    lines = 30 * text
    return Typography(Counter(lines), {sequence: lines.count(sequence) for sequence in SEQUENCES})


@pytest.mark.parametrize("text", [ENGLISH, CURLY, GERMAN, FRENCH])
def test_text_like_that_of_training_stays(text: str) -> None:
    assert learnt(text).adapt(text) == text


@pytest.mark.parametrize(
    ("training", "text", "expected"),
    [
        (ENGLISH, "It’s “here” ‘now’ – I don´t know…", """It's "here" 'now' - I don't know..."""),
        (ENGLISH, "„so“ »so« « so »", '"so" "so" "so"'),
        (ENGLISH, "A man—a well‑known man—said 1–7", "A man - a well-known man - said 1-7"),
        (ENGLISH, "Ａｎｄ ｙｏｕ？ \ufb01t", "And you? fit"),
        (ENGLISH, "Really ? Yes !", "Really? Yes!"),
        (CURLY, """It's "here" (or "there")... the 'new' one""", "It’s “here” (or “there”)… the ‘new’ one"),
        (CURLY, "„so“ «so», »so«. « so », so", "“so” “so”, “so”. “so”, so"),
        (CURLY, '"...so" ("so", "so".)', "“…so” (“so”, “so”.)"),
        (GERMAN, 'Er sagt: "Ja", “genau” und »nein«', "Er sagt: „Ja“, „genau“ und „nein“"),
        (FRENCH, 'Il dit: "Bonjour!" Vraiment? Oui', "Il dit : « Bonjour ! » Vraiment ? Oui"),
        (FRENCH, "L’homme “non”", "L'homme « non »"),
        ("یک کتاب", "يك كتاب", "یک کتاب"),
        ("țara și", "ţara şi", "țara și"),
        ("şimdi", "șimdi", "şimdi"),
    ],
)
def test_unusual_signs_become_their_usual_equivalents(training: str, text: str, expected: str) -> None:
    assert learnt(training).adapt(text) == expected


def test_signs_that_are_both_usual_stay() -> None:
    text = "It's “one” and it’s \"two\" – or—three ‘or’ 'four'"
    assert learnt(text).adapt(text) == text


def test_what_has_no_equivalent_stays() -> None:
    text = "x² ½ ① é ñ 漢字 \U0001f600 \ue000 http://a.b?c"
    assert learnt(ENGLISH + "2 1 e n").adapt(text) == text


@given(st.text("a1 .,'\"’‘“”„«»–—-…！ﬁ²?"))
def test_adapted_text_stays_as_it_is(text: str) -> None:
    typography = learnt(ENGLISH)
    adapted = typography.adapt(text)
    assert typography.adapt(adapted) == adapted
