"""Lines in another case than training's reach the model as training had them."""

from collections.abc import Callable

import pytest

from seq2seq.tokenizer.casing import CasePattern, Casing, CasingLearner, Truecaser
from seq2seq.tokenizer.letter_case import LetterCase

Change = Callable[[str], str]
GERMAN = [
    "Der Mann geht mit dem Hund über die Straße.",
    "Heute geht Anna mit der Frau in das Haus der NATO.",
    "Ein Hund und ein Mann sitzen vor dem Haus. Dann gehen sie nach Berlin.",
]
ENGLISH = [
    "The man walks the dog in Paris and the dog barks.",
    "Tom said that I am tall. He is with us in the US.",
    "I think a man said that he walks with the tall dog.",
]


def truecaser(lines: list[str], language: str) -> Truecaser:
    learner, letter_case = CasingLearner(), LetterCase(language)
    for line in lines:
        learner.add(line)
    return Truecaser(learner.finish(letter_case), letter_case)


@pytest.mark.parametrize("line", [*GERMAN, "Zebra", "NATO", "Anna geht"])
@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_the_usual_case_is_restored(line: str, change: Change) -> None:
    german = truecaser(GERMAN, "de")
    assert german.truecase(change(line)) == line


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("The dog walks.", CasePattern.USUAL),
        ("THE DOG WALKS.", CasePattern.UPPER),
        ("DOG AND XYZZY", CasePattern.UPPER),
        ("WALKS!", CasePattern.UPPER),
        ("US", CasePattern.USUAL),
        ("XYZZY PLUGH", CasePattern.USUAL),
        ("A B C", CasePattern.USUAL),
        ("tom said that i walk", CasePattern.LOWER),
        ("he walks. he barks.", CasePattern.LOWER),
        ("the dog barks", CasePattern.UNCAPITALIZED),
        ("the dog of Tom", CasePattern.UNCAPITALIZED),
        ("iPhone and Paris", CasePattern.USUAL),
        ("tom@example.org is Tom", CasePattern.USUAL),
        ("3 dogs", CasePattern.USUAL),
        ("The Man Walks The Tall Dog", CasePattern.TITLE),
        ("The Man and the Dog Said That He Walks", CasePattern.TITLE),
        ("Tom Sawyer of New York", CasePattern.USUAL),
        ("The man of the Dog walks", CasePattern.USUAL),
        ("漢字 42 ...", CasePattern.USUAL),
        ("", CasePattern.USUAL),
    ],
)
def test_the_pattern_of_a_line_follows_from_known_words(line: str, pattern: CasePattern) -> None:
    assert truecaser(ENGLISH, "en").pattern(line) is pattern


def test_lines_as_in_training_are_usual() -> None:
    for lines, language in ((GERMAN, "de"), (ENGLISH, "en")):
        assert {truecaser(lines, language).pattern(line) for line in lines} == {CasePattern.USUAL}


def test_a_case_that_training_has_is_usual() -> None:
    mixed = truecaser([*ENGLISH, *map(str.upper, ENGLISH), *map(str.lower, ENGLISH)], "en")
    assert {mixed.pattern(change(ENGLISH[0])) for change in (str.upper, str.lower)} == {CasePattern.USUAL}


def test_unknown_words_are_written_as_rare_words_are() -> None:
    rare = ["Da ist das Zelt.", "Da ist der Baum.", "Da war der Fisch."]
    assert truecaser(rare, "de").truecase("DA IST DER VOGEL") == "Da ist der Vogel"
    assert truecaser(ENGLISH, "en").truecase("THE BIRD") == "The bird"


def test_the_first_word_of_an_output_loses_only_a_capital_of_the_sentence() -> None:
    english = truecaser(ENGLISH, "en")
    assert english.uncapitalize_first("The man", kept="der Mann") == "the man"
    assert english.uncapitalize_first("Tom said", kept="") == "tom said"
    assert english.uncapitalize_first("I said", kept="") == "I said"
    assert english.uncapitalize_first("Zappa said", kept="mit Zappa") == "Zappa said"


def test_turkish_has_a_dotted_and_a_dotless_i() -> None:
    turkish = LetterCase("tr")
    assert turkish.upper("ilk ışık") == "İLK IŞIK"
    assert turkish.lower("İLK IŞIK") == "ilk ışık"
    lines = ["Bugün İstanbul ilinde ışık var.", "Yarın İstanbul ilinde ışık yok."]
    assert truecaser(lines, "tr").truecase("BUGÜN İSTANBUL İLİNDE IŞIK VAR.") == lines[0]


def test_title_case_leaves_contractions() -> None:
    letter_case = LetterCase("")
    assert letter_case.title("l'homme qu'il n’a pas") == "L'Homme Qu'Il N’A Pas"
    assert letter_case.title("don't say we’re tom's \ue000 x-ray") == "Don't Say We’re Tom's \ue000 X-Ray"
    assert letter_case.capitalize("ßa") == "Ssa"


def test_an_empty_table_changes_nothing() -> None:
    assert Truecaser(Casing(), LetterCase("")).pattern("ALL CAPITALS") is CasePattern.USUAL
