"""What a fine-tuning is trained on and judged by."""

import pytest

from seq2seq.data.tuning_data import Corrections

TRANSLATIONS = ["a dog sleeps", "the dog eats", "Dog and cat", "a cat", "a red cat"]


def test_words_that_references_have_instead_of_others() -> None:
    references = [text.lower().replace("dog", "hound") for text in TRANSLATIONS]
    corrections = Corrections.of(TRANSLATIONS, references)
    assert corrections == Corrections(frozenset({"hound"}), frozenset({"dog"}))


@pytest.mark.parametrize(
    "references",
    [
        TRANSLATIONS,
        ["a hound sleeps", "the hound eats", *TRANSLATIONS[2:]],
        ["a hound sleeps", "the hound eats", "hound and cat", "a dog", "a red dog"],
    ],
    ids=["none", "too few", "the word is right elsewhere"],
)
def test_a_word_is_corrected_only_where_it_is_mostly_wrong(references: list[str]) -> None:
    corrections = Corrections.of(TRANSLATIONS, references)
    expected = {"hound"} if references[2].startswith("hound") else set()
    assert corrections.corrected == expected


def test_words_do_not_depend_on_punctuation() -> None:
    corrections = Corrections.of(["Yes, I see two!"] * 3, ["yes: I see pair."] * 3)
    assert corrections == Corrections(frozenset({"pair"}), frozenset({"two"}))


def test_text_of_another_kind_corrects_nothing() -> None:
    corrections = Corrections.of(["it is so"] * 4, ["a man walks in the street"] * 4)
    assert corrections == Corrections(frozenset(), frozenset())
