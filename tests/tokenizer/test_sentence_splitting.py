"""Splitting text into sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.tokenizer.sentence_splitting import split_sentences


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["Mr. Brown left at 3.30 p.m. today.  ", "Why? ", "Nobody knows!"]),
        ("de", ["Am 3. Mai kam Dr. Weiß. ", "Sie blieb."]),
        ("de", ["Er ging nach Hause. ", "2 Kinder schliefen, siehe Abb. 3 vom 3. Mai."]),
        ("fr", ["Qui est là ? ", "Personne."]),
        ("ja", ["雨が降った。", "傘はない。"]),
        ("hi", ["वह आया। ", "वह गया।"]),
        ("", ["Hello there. ", "Go on."]),
        ("tlh", ["Hello there. ", "Go on."]),
    ],
)
def test_sentences_keep_their_blanks(language: str, sentences: list[str]) -> None:
    assert split_sentences("".join(sentences), language) == sentences


@given(st.text(st.sampled_from("Ab é.?!。\"'“”()\u00a0\u2028\u3000👍1…:\u0301"), max_size=60))
def test_joined_they_are_the_text(text: str) -> None:
    for language in ("en", "ja", "xx"):
        assert "".join(split_sentences(text, language)) == text


def test_a_long_text_is_split_in_blocks_without_cutting_sentences() -> None:
    sentences = [f"This is sentence {number}. " for number in range(5_000)]
    assert split_sentences("".join(sentences), "en") == sentences
    quotes = "\"'" * 50_000
    assert "".join(split_sentences(quotes, "en")) == quotes


def test_a_long_text_without_an_end_stays_whole() -> None:
    for text in ("Donaudampfschiff " * 1000, "x" * 25_000):
        assert split_sentences(f"{text}. Ende. ", "de") == [f"{text}. ", "Ende. "]
