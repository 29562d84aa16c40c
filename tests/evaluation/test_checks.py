"""Warnings about what is scored, and none on ordinary text."""

import pytest

from seq2seq.evaluation.checks import LineChecks
from seq2seq.evaluation.metrics import align_lines


def warnings(hypotheses: list[str], references: list[str]) -> list[str]:
    checks = LineChecks(["hyp"])
    for _ in checks.watch(align_lines([hypotheses], [references])):
        pass
    return checks.warnings()


ORDINARY = ["Le chat dort.", "", "Où est-il ?", "Fin .", "Café crème"]


def test_ordinary_text_is_not_warned_about() -> None:
    assert warnings(ORDINARY, ORDINARY) == []
    assert warnings(["x"], ["y"]) == []


@pytest.mark.parametrize(("tokenized", "lines", "warned"), [(99, 1000, False), (100, 1000, True), (10, 20, True)])
def test_tokenized_text(tokenized: int, lines: int, warned: bool) -> None:
    """sacreBLEU warns from 100 lines on."""
    text = ["the end . "] * tokenized + ["the end."] * (lines - tokenized)
    plain = [f"line {number}" for number in range(lines)]
    expected = f"{tokenized:,} of {lines:,} lines end in a space and a period"
    for name, found in (("hyp", warnings(text, plain)), ("the references", warnings(plain, text))):
        assert bool(found) == warned
        assert not warned or found[0].startswith(f"{name}: {expected}")


def test_blank_and_constant_translations() -> None:
    assert warnings(["", " \t", "", "a"], ["x", "y", "", "a"]) == ["hyp: 2 of 4 translations are blank"]
    assert warnings(["same", "same "], ["x", "y"]) == ["hyp: all 2 translations are the same line"]
    assert warnings(["same"] * 3, ["x"] * 3) == []


def test_different_normalization_forms() -> None:
    composed, decomposed = ["café", "x", "déjà"], ["cafe\u0301", "x", "de\u0301ja\u0300"]
    (warning,) = warnings(decomposed, composed)
    assert "2 of 3 translations and 0 of 3 references are not NFC" in warning
    (warning,) = warnings(composed, decomposed)
    assert "0 of 3 translations and 2 of 3 references are not NFC" in warning
    assert warnings(decomposed, decomposed) == []
    mixed = [composed[0], decomposed[2]]
    assert warnings(mixed, mixed) == warnings([f"{line}!" for line in mixed], mixed) == []
