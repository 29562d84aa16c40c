"""Languages are recognised by code and by name; sides that are swapped are noticed, whatever they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.languages import language_code, language_warnings

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
    ("src", "tgt"), [("fr", "en"), ("fra", "eng"), ("fr-CA", "en_GB"), ("French", "English"), ("fra_Latn", "en")]
)
def test_swapped_sides_are_noticed_whatever_the_languages_are_called(src: str, tgt: str) -> None:
    french, english = ([pair[side] for pair in PAIRS] for side in (0, 1))
    assert language_warnings(french, english, src, tgt) == []
    (warning,) = language_warnings(english, french, src, tgt)
    assert "the sides look swapped" in warning


@given(st.text(max_size=12))
def test_any_text_denotes_a_language_or_none(text: str) -> None:
    code = language_code(text)
    assert code == "" or code.isalpha()
