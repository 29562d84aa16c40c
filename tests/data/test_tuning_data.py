"""What a fine-tuning is trained on and judged by."""

import numpy as np
import pytest
from conftest import WORDS

from seq2seq.data.tuning_data import Corrections

TRANSLATIONS = ["a dog sleeps", "the dog eats", "Dog and cat", "a cat", "a red cat"]


def test_words_that_references_have_instead_of_others() -> None:
    references = [text.lower().replace("dog", "hound") for text in TRANSLATIONS]
    corrections = Corrections.of(TRANSLATIONS, references)
    assert (corrections.corrected, corrections.replaced) == ({"hound"}, {"dog"})


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
    # In the last case "dog" is missing in all its translations, but "cat" is too: both are replaced.
    corrections = Corrections.of(TRANSLATIONS, references)
    expected = {"hound"} if references[2].startswith("hound") else set()
    assert corrections.corrected == expected


def test_words_do_not_depend_on_punctuation() -> None:
    corrections = Corrections.of(["Yes, two!"] * 3, ["yes: pair."] * 3)
    assert (corrections.corrected, corrections.replaced) == ({"pair"}, {"two"})
    assert np.array(list(WORDS)).size == 6
