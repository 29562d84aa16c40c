"""Promises 1 to 3: one line out per line in, a line does not depend on the batch, scores are the model's."""

import random
import unicodedata
from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import seq2seq.inference.part_search
from seq2seq import InputError, Translator
from seq2seq.inference.translator import Hypothesis
from seq2seq.runs.trained_model import load_model
from seq2seq.search.options import Hypothesis as SearchHypothesis
from seq2seq.search.options import SearchOptions, SourceIds
from seq2seq.tokenizer.tokenizer import BOS, EOS

WORDS = ["un", "deux", "trois", "quatre", "cinq", "six"]


@pytest.fixture(scope="module", params=["engine", "network"])
def translator(request: pytest.FixtureRequest, trained: Path) -> Translator:
    return Translator.load(trained) if request.param == "engine" else Translator(load_model(trained))


@pytest.fixture(scope="module")
def lines() -> list[str]:
    draw = random.Random(9)
    numerals = [" ".join(draw.choices(WORDS, k=draw.randint(1, 9))) for _ in range(60)]
    return [*numerals, "", "   ", "Zürich 東京 🙂", "un\tdeux", "six " * 200]


def test_tags_change_no_words(translator: Translator, lines: list[str]) -> None:
    lines = [line for line in lines if len(line.split()) > 2][:30]
    tagged = [f"<b>{first} {second}</b> {rest}" for first, second, rest in (line.split(maxsplit=2) for line in lines)]
    translations = translator.translate(tagged)
    assert all(text.count("<b>") == text.count("</b>") == 1 for text in translations)
    without_tags = [" ".join(text.replace("<b>", "").replace("</b>", "").split()) for text in translations]
    assert without_tags == [" ".join(text.split()) for text in translator.translate(lines)]


def test_the_model_has_learnt_something(translator: Translator) -> None:
    assert translator.translate(["six"]) == ["six"]


@pytest.mark.parametrize("beam_size", [1, 4])
@pytest.mark.parametrize("batch_size", [1, 2, 7, 64])
def test_a_line_does_not_depend_on_the_batch(
    batch_size: int, beam_size: int, lines: list[str], translator: Translator
) -> None:
    expected = translator.translate(lines, beam_size=beam_size)
    with_batch_size = Translator(translator.model, batch_size=batch_size)
    assert with_batch_size.translate(lines, beam_size=beam_size) == expected
    assert with_batch_size.translate(lines[::-1], beam_size=beam_size) == expected[::-1]
    streamed = with_batch_size.stream(lines, beam_size=beam_size, buffer_size=5)
    assert [translation.hypotheses[0].text for translation in streamed] == expected


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), max_size=6))
def test_as_many_lines_out_as_in(translator: Translator, texts: list[str]) -> None:
    translations = list(translator.stream(texts, beam_size=2))
    assert len(translations) == len(texts)
    for text, translation in zip(texts, translations, strict=True):
        best = translation.hypotheses[0].text
        assert "\n" not in best
        assert "\r" not in best
        if not text.strip():
            assert best == ""


def test_blank_lines_never_reach_the_model(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object, batches: list[object], __: object) -> list[object]:
        assert not list(batches)
        return []

    monkeypatch.setattr(type(translator.model), "search", refuse)
    blank = ["", " \t ", "\u00a0\r", "\u200b", "\ufeff \u200e", "\u00ad\u2060", "\u200d\ufe0f"]
    translations = list(translator.stream(blank, n_best=2))
    assert [translation.hypotheses for translation in translations] == [[Hypothesis("", 0, 0.0, 0.0)] * 2] * len(blank)


def test_every_form_of_a_line_is_translated_alike(translator: Translator) -> None:
    plain = "un deux Z\u00fcrich \u0645\u06cc\u200c\u062e"
    forms = [
        unicodedata.normalize("NFD", plain),
        plain.replace(" ", "\u00a0"),
        plain.replace(" ", "\t"),
        f"\ufeff{plain}\r",
        plain.replace("n", "n\u200b").replace("d", "\u00add"),
    ]
    assert translator.translate(forms) == translator.translate([plain]) * len(forms)
    encode = translator.model.tokenizers.encode_sources
    assert encode(forms) == encode([plain]) * len(forms)
    assert encode([plain]) == translator.model.tokenizers.src.encode([plain])  # the Persian non-joiner included


def test_a_long_line_is_split_at_word_boundaries(translator: Translator) -> None:
    limit = translator.model.config.data.max_length
    line = " ".join(WORDS * 60)
    pieces = len(translator.model.tokenizers.src.encode([line])[0])
    (translation,) = translator.stream([line], beam_size=1)
    assert translation.parts >= pieces / limit > 1
    parts = translator._segmenter.segment([line])[0].parts
    assert max(len(part.ids) for part in parts) <= limit
    texts = [translator.model.tokenizers.src.decode(part.ids).strip() for part in parts]
    assert " ".join(texts) == line
    alone = translator.translate(texts, beam_size=1)
    assert translation.hypotheses[0].text == " ".join(alone)


def test_a_word_over_the_limit_is_split(translator: Translator) -> None:
    (translation,) = translator.stream(["東" * 300], beam_size=1)
    assert translation.parts >= 3 * 300 / translator.model.config.data.max_length


def test_input_is_read_no_further_than_the_buffer(translator: Translator) -> None:
    read = []
    source = (read.append(number) or "un" for number in range(100))  # type: ignore[func-returns-value]
    next(translator.stream(source, beam_size=1, buffer_size=10))
    assert len(read) == 10


def test_scores_match_forced_scoring(translator: Translator, trained: Path) -> None:
    """Scores of the search equal forced scoring of the same pieces (promise 3)."""
    network, tokenizers = load_model(trained).network, translator.model.tokenizers
    for line in ("un deux trois", "six", "quatre quatre cinq un un deux"):
        src = tokenizers.src.encode([line])[0]
        options = SearchOptions(beam_size=6, length_penalty=1.0, n_best=6)
        ((hypotheses,),) = translator.model.search([[[*src, EOS]]], options)
        assert len(hypotheses) == 6
        assert [hypothesis.score for hypothesis in hypotheses] == sorted(
            (hypothesis.score for hypothesis in hypotheses), reverse=True
        )
        for hypothesis in hypotheses:
            tgt = torch.tensor([[BOS, *hypothesis.tokens, EOS]])
            logits = network(torch.tensor([[*src, EOS]]), torch.tensor([len(src) + 1]), tgt[:, :-1])
            forced = logits.log_softmax(dim=-1).gather(2, tgt[:, 1:, None]).sum().item()
            assert hypothesis.log_prob == pytest.approx(forced, abs=1e-5)
            length = len(hypothesis.tokens) + 1
            assert hypothesis.score == pytest.approx(forced / ((5 + length) / 6), abs=1e-5)


def test_n_best_begins_with_the_best(translator: Translator) -> None:
    lines = ["un deux", "trois quatre six six"]
    best = translator.translate(lines, beam_size=5)
    many = list(translator.stream(lines, beam_size=5, n_best=3))
    assert [translation.hypotheses[0].text for translation in many] == best
    assert all(len(translation.hypotheses) == 3 for translation in many)


def test_batches_are_split_when_their_logits_would_not_fit(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A beam of 200 and a batch of 65,536 would take terabytes; the translations stay the same."""
    translator = Translator.load(trained, batch_size=65_536)
    lines = [f"{first} {second}" for first in ("un deux trois", "six", "cinq quatre") for second in WORDS[:5]]
    lines += [""] * 5
    expected = translator.translate(lines, beam_size=3)
    sizes: list[int] = []
    search = translator.model.search

    def spy(batches: Iterable[SourceIds], options: SearchOptions) -> Iterable[list[list[SearchHypothesis]]]:
        batches = [list(batch) for batch in batches]
        sizes.extend(map(len, batches))
        return search(batches, options)

    model = copy(translator.model)
    object.__setattr__(model, "search", spy)
    limited = Translator(model, batch_size=65_536)
    vocabulary = len(translator.model.tokenizers.tgt)
    monkeypatch.setattr(seq2seq.inference.part_search, "_LOGITS_AT_ONCE", 3 * vocabulary * 4)
    assert limited.translate(lines, beam_size=3) == expected
    assert sizes == [4, 4, 4, 3]
    monkeypatch.setattr(seq2seq.inference.part_search, "_LOGITS_AT_ONCE", 1)
    assert limited.translate(lines, beam_size=3) == expected
    assert sizes[4:] == [1] * 15


@pytest.mark.parametrize("line", [None, 3, b"un"])
def test_a_line_that_is_not_a_string_is_named(line: object, translator: Translator) -> None:
    with pytest.raises(TypeError, match=r"line 2 is not a string but \w+"):
        translator.translate(cast(Any, ["un", line]))


@pytest.mark.parametrize("device", ["cuda:99", "nonsense"])
def test_an_unavailable_device_is_an_input_error(device: str, trained: Path) -> None:
    with pytest.raises(InputError, match=f"device {device} cannot be used: "):
        Translator.load(trained, device=device)


def test_sizes_below_one_are_refused(trained: Path) -> None:
    for size in (0, -1):
        with pytest.raises(InputError, match=f"batch_size = {size}: must be at least 1"):
            Translator.load(trained, batch_size=size)
        with pytest.raises(InputError, match=f"buffer_size = {size}: must be at least 1"):
            list(Translator.load(trained).stream(["un"], buffer_size=size))
