"""The profile of training text: learnt, stored, and applied to a line and its translation."""

import json
from collections import Counter

import pytest

from seq2seq.errors import InputError
from seq2seq.tokenizer.profile import NO_PROFILE, ProfileLearner, TextProfile

PAIRS = [
    ("The man walks the dog in Paris.", "Der Mann geht mit dem Hund in Paris."),
    ('Tom\'s dog said that I am "tall".', "Toms Hund sagt, dass ich „groß“ bin."),
    ("Then the man and the dog walk home.", "Heute geht der Mann mit dem Hund und ist groß."),
]

RARE = ("there they are", "da sind Zelt und Baum")


def learnt(pairs: list[tuple[str, str]], repeats: int = 10) -> TextProfile:
    learner = ProfileLearner("en", "de")
    for src, tgt in [*(repeats * pairs), RARE]:
        learner.add(src, tgt)
    return learner.finish(Counter("".join(src for src, _ in repeats * pairs)), unspaced_targets=False)


PROFILE = learnt(PAIRS)


@pytest.mark.parametrize("line", [*(src for src, _ in PAIRS), "", "42", "Unknown Words", "漢字\t\u00a0 "])
def test_plain_lines_and_their_translations_stay(line: str) -> None:
    adapted = PROFILE.adapt(line)
    assert (adapted.text, adapted.restore("Der Mann.")) == (line, "Der Mann.")


@pytest.mark.parametrize(
    ("line", "text", "output", "restored"),
    [
        ("TOM’S DOG, THE MAN", "Tom's dog, the man", "Toms Hund ist groß", "TOMS HUND IST GROSS"),
        ("tom's dog. he and i", "Tom's dog. He and I", "Toms Hund", "toms hund"),
        ("The Man Said That The Dog", "The man said that the dog", "Der Mann sagt", "Der Mann Sagt"),
        ("the dog", "The dog", "Der Hund", "der Hund"),
        ("dogs in Paris", "Dogs in Paris", "Hunde in Paris", "Hunde in Paris"),
        ("THE \ue000 DOG, “42”", 'The \ue000 dog, "42"', "Der \ue000 Hund", "DER \ue000 HUND"),
    ],
)
def test_an_unusual_line_is_adapted_and_its_translation_restored(
    line: str, text: str, output: str, restored: str
) -> None:
    adapted = PROFILE.adapt(line)
    assert adapted.text == text
    assert adapted.restore(output) == restored
    assert PROFILE.adapt(adapted.text).text == text


def test_a_model_of_lower_cased_text_reads_lower_case() -> None:
    profile = learnt([(src.lower(), tgt.lower()) for src, tgt in PAIRS])
    adapted = profile.adapt("The Man WALKS")
    assert (adapted.text, adapted.restore("der mann")) == ("the man walks", "der mann")


def test_without_a_profile_nothing_changes() -> None:
    assert NO_PROFILE.adapt("ALL “CAPITALS”").text == "ALL “CAPITALS”"


def test_a_profile_survives_its_file() -> None:
    assert TextProfile.parse(PROFILE.content(), "profile.json") == PROFILE
    assert PROFILE.adapt("THE DOG").text == TextProfile.parse(PROFILE.content(), "").adapt("THE DOG").text


@pytest.mark.parametrize(
    "changes",
    [
        {"src_characters": {"a": -1}},
        {"src_characters": {"a": True}},
        {"src_characters": {chr(code): 1 for code in range(5000)}},
        {"src_casing": {"lines": 1e9}},
        {"src_casing": {"lower_words": "a" * 10**6}},
        {"src_casing": []},
        {"unknown": 1},
        {"tgt_lang": "x" * 1000},
        {"src_casing": {"capital_words": "\ud800"}},
    ],
)
def test_a_forged_profile_is_an_error_that_names_it(changes: object) -> None:
    with pytest.raises(InputError, match=r"^profile.json: damaged \('"):
        TextProfile.parse(json.dumps(changes).encode(), "profile.json")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_damaged_profile_is_an_error_that_names_it(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^profile.json: "):
        TextProfile.parse(data, "profile.json")


def test_forged_words_never_change_letters() -> None:
    casing = {"lines": 9, "capitalized": 9, "capital_words": "Yes NO", "lower_words": "a b"}
    profile = TextProfile.parse(json.dumps({"src_casing": casing}).encode(), "profile.json")
    assert profile.adapt("YES NO A XYZZY").text == "Yes NO a xyzzy"
