"""Languages are recognised by code and by name; sides that are swapped are noticed, whatever they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.languages import language_code, language_warnings, may_be_same, other_language

FRENCH = ("fr", "fra", "fre", "fr-CA", "fra_Latn", "French", "french", "français", "FRANÇAIS")
NO_LANGUAGES = ("index", "Bonjour", "label", "text", "sentence", "", "x", "EN", "Anglais", "xq", "1")
PAIRS = [
    ("Il fait beau aujourd'hui et nous allons à la plage.", "The weather is nice today and we are going to the beach."),
    ("Où est-ce que tu as mis les clés de la maison ?", "Where did you put the keys of the house?"),
] * 20


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((name, "fr") for name in FRENCH),
        *((word, "") for word in NO_LANGUAGES),
        ("Chinese (simplified)", "zh"),
        ("中文", "zh"),
        ("zho_Hans", "zh"),
        ("日本語", "ja"),
        ("Kiswahili", "sw"),
        ("Swahili", "sw"),
        ("Igbo", "ig"),
        ("Haitian Creole", "ht"),
        ("es-419", "es"),
        ("swh_Latn", "sw"),
        ("cmn", "zh"),
        ("Hawaiian", "haw"),
        ("Yoruba", "yo"),
        ("ខ្មែរ", "km"),
        ("हिन्दी", "hi"),
        ("Tiếng Việt", "vi"),
    ],
)
def test_codes_and_names_denote_a_language(text: str, code: str) -> None:
    assert language_code(text) == code


@pytest.mark.parametrize(
    ("language", "other", "may_be"),
    [("de", "deu", True), ("de", "German", True), ("de", "", True), ("ours", "ours", True), ("ours", "de", False)],
)
def test_languages_are_compared_by_their_codes(language: str, other: str, may_be: bool) -> None:
    assert may_be_same(language, other) == may_be_same(other, language) == may_be


@pytest.mark.parametrize(
    ("src", "tgt"), [("fr", "en"), ("fra", "eng"), ("fr-CA", "en_GB"), ("French", "English"), ("fra_Latn", "en")]
)
def test_swapped_sides_are_noticed_whatever_the_languages_are_called(src: str, tgt: str) -> None:
    french, english = ([pair[side] for pair in PAIRS] for side in (0, 1))
    assert language_warnings(french, english, src, tgt) == []
    (warning,) = language_warnings(english, french, src, tgt)
    assert "the sides look swapped" in warning


def test_a_text_in_another_language_is_recognised() -> None:
    french, english = ([f"{pair[side]} {n * 'o'}" for n, pair in enumerate(PAIRS[:10])] for side in (0, 1))
    assert other_language(french, "en") == "fr"
    assert other_language(english, "fr") == "en"
    assert other_language(english, "en") == ""


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([PAIRS[0][0], PAIRS[1][0]] * 20, "en"),
        (["Oui !", "Non !", "Merci.", "Où ?"] * 5, "en"),
        ([f"{pair[n % 2]} {n}" for n, pair in enumerate(PAIRS)], "en"),
        ([f"Hvor er de {n} bøger om dyrene i skoven, som vi læste sidste år?" for n in range(10)], "no"),
        ([f"Onde estão os {n} livros que nós lemos no ano passado?" for n in range(10)], ""),
        ([f"for (int i = 0; i < {n}; i++) {{ sum += a[i] * b[i]; }}" for n in range(10)], "en"),
    ],
)
def test_in_doubt_a_text_is_in_the_language_of_the_model(lines: list[str], code: str) -> None:
    assert other_language(lines, code) == ""


@given(st.text(max_size=12))
def test_any_text_denotes_a_language_or_none(text: str) -> None:
    code = language_code(text)
    assert code == "" or code.isalpha()
