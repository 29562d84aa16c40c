"""Terms are found on word boundaries in the cases that mean the same, and translated in that case."""

from pathlib import Path

import pytest

from seq2seq import InputError
from seq2seq.inference.glossary import Glossary, has_terms

GLOSSARY = Glossary(
    {"hot dog": "saucisse chaude", "dog": "chien", "IT": "informatique", "犬": "dog", "C++": "cpp", "l'eau": "water"}
    | {"Polish": "polonais", "polish": "cirage", "İstanbul": "Constantinople", "Hund": "dog"}
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a hot dog and a dog", [("hot dog", "saucisse chaude"), ("dog", "chien")]),
        ("Hot dogs and hotdog, dogma", []),
        ("Dog! DOG? (dog)", [("Dog", "Chien"), ("DOG", "CHIEN"), ("dog", "chien")]),
        ("Hot dog, hot  dog", [("Hot dog", "Saucisse chaude"), ("hot  dog", "saucisse chaude")]),
        ("I like it. It is IT.", [("IT", "informatique")]),
        ("Polish polish", [("Polish", "polonais"), ("polish", "cirage")]),
        ("POLISH", [("POLISH", "POLONAIS")]),
        ("Hund, HUND, hund", [("Hund", "dog"), ("HUND", "DOG")]),
        ("İstanbul is big", [("İstanbul", "Constantinople")]),
        ("l’eau, L'eau", [("l’eau", "water"), ("L'eau", "Water")]),
        ("子犬です", [("犬", "dog")]),
        ("C++ or c++", [("C++", "cpp")]),
    ],
)
def test_terms_are_found_in_their_cases(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(text[span.start : span.end], span.translation) for span in GLOSSARY.find(text)] == expected


def test_the_case_of_letters_is_that_of_the_languages() -> None:
    turkish = Glossary({"straße": "istasyon"}, "de", "tr")
    assert [span.translation for span in turkish.find("straße, Straße, STRASSE")] == [
        "istasyon",
        "İstasyon",
        "İSTASYON",
    ]


def test_of_terms_that_begin_together_the_longest_is_found() -> None:
    glossary = Glossary({"new": "neu", "new york": "New York", "york": "Yorck"})
    assert [span.translation for span in glossary.find("new york york new")] == ["New York", "Yorck", "neu"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("dog\tchien\ncat\n", "line 2: not a term, a tab and its translation"),
        ("dog\tchien\tx\n", "line 1: not a term"),
        ("dog\t\n", "line 1: not a term"),
        ("dog\tchien\n\ndog\tchienne\n", "line 3: 'dog' has another translation above"),
        ("\n", "has no terms"),
    ],
)
def test_a_line_that_is_no_term_is_named(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        Glossary.load(path)


def test_a_translation_cannot_have_a_mark_of_spans() -> None:
    with pytest.raises(InputError, match="'cat' has the private character"):
        Glossary({"cat": "Ka\U0010fffdtze"})


@pytest.mark.parametrize(
    ("translation", "terms", "expected"),
    [
        ("Der Hund schläft.", ["Hund"], True),
        ("Der Hund schläft.", ["hund"], False),
        ("Die Hunde schlafen.", ["Hund"], False),
        ("Schläft der Hund?", ["schläft"], True),
        ("Der Hund sieht den Hund.", ["Hund", "Hund"], True),
        ("Der Hund schläft.", ["Hund", "Hund"], False),
        ("Taste F2.", ["Taste F2", "."], True),
        ("Die Hauskatze und die Katze.", ["Katze"], True),
        ("Der alte Hund.", ["Hund", "alte Hund"], False),
        ("Der Hund und der alte Hund.", ["Hund", "alte Hund"], True),
        ("猫が犬を見る", ["犬"], True),
        ("", ["Hund"], False),
        ("", [], True),
    ],
)
def test_terms_in_a_translation(translation: str, terms: list[str], expected: bool) -> None:
    assert has_terms(translation, terms) is expected
