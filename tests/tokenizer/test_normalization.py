"""One form of text: NFC, plain blanks, no invisible characters but those that a script or an emoji needs."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.tokenizer.normalization import source_form, target_form

Form = Callable[[str], str]
FORMS = pytest.mark.parametrize("form", [source_form, target_form])
FAMILY = "\U0001f468\u200d\U0001f469\U0001f3fd\u200d\U0001f467"
# Letters, marks that NFC composes and reorders, joiners and what stands next to them.
KNOTS = "e\u0301\u0334\u0655 \u00a0\u202f\u2009\t\r\u00ad\u200b\u200c\u200d\ufeff\u2060" + (
    "\u0627\u064e\u0654\u06cc.\u0915\u093c\u094d\u0bc6\u0bbe\u1780\u17d2\u17ca\u0e01\u0e33\u2764\ufe0f\u219a\u1100\u1161"
    "\U0001f468\U0001f3fd\u3164"
)


@FORMS
@given(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.text(KNOTS, max_size=12)))
def test_a_form_is_normalised_and_final(form: Form, text: str) -> None:
    result = form(text)
    assert form(result) == result
    assert unicodedata.is_normalized("NFC", result)
    assert result == result.strip()
    assert result.count("\n") <= text.count("\n")
    blanks = {character for character in result if character.isspace()} - {" ", "\n"}
    assert blanks <= ({"\u00a0", "\u202f"} if form is target_form else set())


@FORMS
@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_printable_ascii_only_loses_blanks_at_its_ends(form: Form, text: str) -> None:
    assert form(text) == text.strip()


@FORMS
@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, "I want"
        "\u06f2\u06f0\u200c\u0633\u0627\u0644\u0647",  # Persian, "20-year-old", a digit before
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3 \u0dbd\u0d82\u0d9a\u0dcf",  # Sinhala, "Sri Lanka"
        "\u0cb0\u200d\u0ccd\u0c95",  # Kannada, ra as a full letter
        "\u0cb0\u0cbe\u0c9c\u0ccd\u200c\u0c95\u0cc1\u0cae\u0cbe\u0cb0\u0ccd",  # Kannada, the name Rajkumar
        "\u0930\u094d\u200d\u092f \u0915\u094d\u200c\u0937",  # Marathi, eyelash ra; Hindi, visible virama
        "\u0d05\u0d35\u0d28\u0d4d\u200d \u0d35",  # Malayalam, chillu at the end of a word
        "\u09b0\u200d\u09cd\u09af\u09be\u09ac",  # Bengali, ra and ya-phalaa
        "\u1794\u200c\u17ca\u17b6",  # Khmer, the form of a register shifter
        f"a {FAMILY}!",
        "\u2764\ufe0f\u200d\U0001f525 \U0001f3f3\ufe0f\u200d\U0001f308 \U0001f642\u200d\u2194\ufe0f",
        "\U0001f1eb\U0001f1f7 \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 1\ufe0f\u20e3",
        "\u6771\u4eac \ud55c\uad6d\uc5b4 \u1820\u180b\u1828\u180e\u1820 \u05e9\u05dc\u05d5\u05dd",
    ],
)
def test_what_a_script_or_an_emoji_needs_stays(form: Form, text: str) -> None:
    assert form(text) == text


@FORMS
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeffa\u200eb\u200fc\u202ad\u202ce\u2066f\u2069g\u061ch\u2060i\u00adj", "abcdefghij"),
        ("Auf\u200clage\u200d", "Auflage"),
        ("\u200c\u0645\u06cc\u200c \u200d\u0645", "\u0645\u06cc \u0645"),  # Persian, at the ends of words
        ("\u0645\u06cc\u200c\u200c\u062e", "\u0645\u06cc\u200c\u062e"),  # doubled
        ("\u0645\u06cc\u200e\u200c\ufeff\u062e", "\u0645\u06cc\u200c\u062e"),  # between others
        ("PDF\u200c\u0647\u0627 \u060c\u200c\u0627", "PDF\u0647\u0627 \u060c\u0627"),
        ("\U0001f468\u200d a\u200d\U0001f469 \u200c\U0001f467", "\U0001f468 a\U0001f469 \U0001f467"),
        ("e\u200b\u0301te\u0301", "\u00e9t\u00e9"),  # composed once nothing lies between
        ("\ufeff  a\u2003b\u3000c\td\u2028e\u200b ", "a b c d e"),
        ("a\r", "a"),
    ],
)
def test_strays_are_removed(form: Form, text: str, expected: str) -> None:
    assert form(text) == expected


@FORMS
@pytest.mark.parametrize(
    "text",
    [
        *"\u200b\ufeff\u200e\u00ad\u2060\u200d\u00a0\u3000\ufe0f\u3164\u2800\t\0",
        "\u200b \u200f\t\u00ad",
        "\u200c\u200d",
    ],
)
def test_a_line_of_nothing_visible_is_empty(form: Form, text: str) -> None:
    assert form(text) == ""


def test_each_blank_of_a_source_is_one_plain_blank() -> None:
    assert source_form("a\u00a0\u00a0b \u202f:\u2009c\u1680d") == "a  b  : c d"


def test_a_target_keeps_the_blanks_that_belong_to_its_typography() -> None:
    assert target_form("\u00ab\u00a0Quoi\u202f?\u2009\u00bb\u00a0") == "\u00ab\u00a0Quoi\u202f?\u00a0\u00bb".replace(
        "?\u00a0", "? "
    )


def test_a_target_keeps_zero_width_spaces_within_khmer_and_thai_but_not_elsewhere() -> None:
    khmer = "\u1781\u17d2\u1789\u17bb\u17c6\u200b\u1791\u17c5"
    assert target_form(f"{khmer}\u200b a\u200bb") == f"{khmer} ab"
    assert target_form("\u0e44\u0e1b\u200b\u0e44\u0e2b\u0e19") == "\u0e44\u0e1b\u200b\u0e44\u0e2b\u0e19"
    assert source_form(khmer) == khmer.replace("\u200b", "")


@FORMS
def test_a_long_line_of_joiners_takes_linear_time(form: Form) -> None:
    """Quadratic, these would take a minute."""
    for text in ("\u0645\u200c" * 20_000, "\u0301\u200d" * 20_000, "\u200d" * 20_000 + "\u0301" * 20_000 + "\u200c"):
        form(text)
