"""Faults of text are found, and clean text of many languages has none."""

import unicodedata

import pytest

from seq2seq.data.bitext import Pair
from seq2seq.data.text_faults import TextFaults

CLEAN = [
    "« À bientôt ! » dit-il : « l’été… » — où ça ?",
    "Die Straße ist naß, „ÄÖÜ“ und ‚ß‘.",
    "A manhã começou; NÃO, AMANHÃ… «ÂNSIA» é à “força”.",
    "Ọ bụ ụmụ nwaanyị na-azụ ahịa n’Ọnịcha.",
    "Tiếng Việt có nhiều dấu: ằ, ễ, ượ.",
    "Русский текст с «кавычками» — и тире, СССР»…",
    "彼は「はい」と言った。",
    "यह एक वाक्य है।",
    "AT&T & Co; 3 < 5 > 2; R&D, Q&A; x <- y.",
    "I have 3 cats; at 1.5 metres. 12.03.2024: no.",
    "Mr. Smith et al . is at a@b.org.",
]


def faults_of(texts: list[str]) -> dict[str, list[int]]:
    """The lines of each fault, of texts on the target side; and those that break a rule."""
    faults = TextFaults()
    broken = faults.inspect([Pair("A sentence.", text, line) for line, text in enumerate(texts, start=1)])
    found = {finding.rule: finding.lines for finding in faults.findings() if finding.side == "target"}
    assert all(finding.side == "target" for finding in faults.findings())
    return found | {
        rule: [line for line, is_broken in enumerate(flags, start=1) if is_broken]
        for rule, flags in broken.items()
        if any(flags)
    }


def test_clean_text_has_no_faults() -> None:
    assert faults_of(CLEAN * 30) == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("GEN 1:1\tA b.", "tabs"),
        ("l&apos;été", "entities"),
        ("x &#39; y &#x27;", "entities"),
        ("a <b>bold</b> word", "tags"),
        ("<range>", "markup"),
        ("<p></p> .", "markup"),
        ("one\rtwo", "returns"),
        (unicodedata.normalize("NFD", "été"), "decomposed"),
        ("il a été".encode().decode("cp1252"), "mojibake"),
        ("don’t".encode().decode("cp1252"), "mojibake"),
        ("русский язык".encode().decode("cp1251", "replace"), "mojibake"),
        ("a lost l\ufffdtter", "mojibake"),
        ("CAFÉ… " + "un thé, " * 40 + "il a été".encode().decode("cp1252"), "mojibake"),
        ("12.30 - 14", "wordless"),
        ("Gen 1:1 In the beginning", "numbered"),
        ("1. Mose 1,1 Am Anfang", "numbered"),
        ("b.GEN.1.1 In the beginning", "numbered"),
        ("Song of Songs 2:3-4 \u201cAs", "numbered"),
        ("(17) Where is it?", "numbered"),
        ("17 Where is it?", "numbered"),
    ],
)
def test_each_fault_is_found_in_its_line(text: str, fault: str) -> None:
    assert faults_of([*CLEAN, text, *CLEAN]) == {fault: [len(CLEAN) + 1]}


def test_text_is_tokenised_if_most_lines_are() -> None:
    tokenised = [f"Il est {number} heures ." for number in range(30)]
    assert faults_of(tokenised + ["Midi."] * 20) == {"tokenised": [1, 2, 3]}
    assert faults_of(tokenised + ["Midi."] * 40) == {}
    assert faults_of(["Quelle heure est-il ?", "Midi !"] * 30) == {}
    assert faults_of(["Une porte @-@ fenêtre"] * 30) == {"tokenised": [1, 2, 3]}
