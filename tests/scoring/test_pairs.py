"""Scores equal those of the model, however they are batched (promises 2 and 3)."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from seq2seq.config import Config
from seq2seq.data.bitext import Pair
from seq2seq.errors import InputError
from seq2seq.runs.trained_model import TrainedModel, build_network, load_model
from seq2seq.scoring import pairs as scoring
from seq2seq.scoring.pairs import Score, Scorer
from seq2seq.search.beam import beam_search
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD

SRC, TGT = ["un", "deux", "trois", "quatre", "cinq"], ["one", "two", "three", "four", "five"]


@pytest.fixture(scope="module", params=["context", "attention"])
def model(request: pytest.FixtureRequest, trained: Path, tiny: Callable[..., Config]) -> TrainedModel:
    """The trained model, and one with attention, two layers and random weights."""
    trained_model = load_model(trained)
    if request.param == "context":
        return trained_model
    torch.manual_seed(3)
    config = tiny(model__attention="additive", model__decoder_layers=2, model__cell="lstm")
    return TrainedModel(config, build_network(config, trained_model.tokenizers).eval(), trained_model.tokenizers)


@pytest.fixture(scope="module")
def pairs() -> list[tuple[str, str]]:
    draw = random.Random(4)
    sources = [" ".join(draw.choices(SRC, k=draw.randint(1, 9))) for _ in range(12)]
    targets = [" ".join(draw.choices(TGT, k=draw.randint(1, 9))) for _ in range(8)]
    return [
        *(draw.choice([(s, t) for s in sources for t in targets]) for _ in range(60)),
        ("東 " * 12, "x"),
        ("six", ""),
    ]


def forced(model: TrainedModel, src: str, tgt: str) -> list[float]:
    """log p of each piece and eos: the forward pass of training on this pair alone."""
    src_ids, tgt_ids = model.tokenizers.src.encode([src])[0], model.tokenizers.tgt.encode([tgt])[0]
    with torch.no_grad():
        source, length = torch.tensor([[*src_ids, EOS]]), torch.tensor([len(src_ids) + 1])
        log_probs = model.network(source, length, torch.tensor([[BOS, *tgt_ids]])).log_softmax(dim=-1)[0]
    return [float(row[token]) for row, token in zip(log_probs, [*tgt_ids, EOS], strict=True)]


def log_probs(scores: list[Score]) -> np.ndarray:
    return np.concatenate([score.log_probs for score in scores])


def test_scores_match_the_network(model: TrainedModel, pairs: list[tuple[str, str]]) -> None:
    scores = Scorer(model).score(pairs)
    for (src, tgt), score in zip(pairs, scores, strict=True):
        expected = forced(model, src.strip(), tgt)
        assert score.log_probs == pytest.approx(expected, abs=1e-5)
        assert score.log_probs.dtype == np.float32
        assert score.log_prob == pytest.approx(sum(expected), abs=1e-5)
        assert score.normalized == pytest.approx(sum(expected) / len(expected), abs=1e-5)
        assert score.pieces == len(expected) == len(score.ids)


def test_every_form_of_a_pair_has_the_same_score(model: TrainedModel) -> None:
    scorer = Scorer(model)
    plain, other = scorer.score([("un d\u00e9", "one d\u00e9"), ("\ufeffun\u00a0de\u0301", "one\u2003de\u0301\u00ad")])
    assert other.ids == plain.ids
    assert log_probs([other]) == pytest.approx(log_probs([plain]), abs=1e-5)
    (no_break,) = scorer.score([("un", "one\u00a0two")])
    assert tuple(no_break.ids[:-1]) == tuple(model.tokenizers.tgt.encode(["one\u00a0two"])[0])


def test_a_side_of_nothing_visible_is_blank(model: TrainedModel) -> None:
    items = [Pair("un", "\u200b", 1), Pair("\u00ad", "one", 2), Pair("un", "one", 3)]
    faults: list[tuple[int, str]] = []
    scored = Scorer(model).stream(items, lambda item, fault: faults.append((item.line, fault)))
    assert [score is None for _, score in scored] == [True, True, False]
    assert faults == [(1, "the target is blank"), (2, "the source is blank")]


@pytest.mark.parametrize("batch_tokens", [1, 30, 200])
def test_scores_do_not_depend_on_the_batch(
    batch_tokens: int, model: TrainedModel, pairs: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Scorer(model).score(pairs)
    scorer = Scorer(model, batch_tokens=batch_tokens)
    assert log_probs(scorer.score(pairs)) == pytest.approx(log_probs(expected), abs=1e-5)
    assert log_probs(scorer.score(pairs[::-1])[::-1]) == pytest.approx(log_probs(expected), abs=1e-5)
    alone = [scorer.score([pair])[0] for pair in pairs[:8]]
    assert log_probs(alone) == pytest.approx(log_probs(expected[:8]), abs=1e-5)
    # However few logits and comparisons may be in memory at once.
    monkeypatch.setattr(scoring, "_LOGITS_AT_ONCE", 7 * len(model.tokenizers.tgt))
    monkeypatch.setattr(scoring, "_COMPARED_AT_ONCE", 100)
    assert log_probs(scorer.score(pairs)) == pytest.approx(log_probs(expected), abs=1e-5)


def test_logits_are_computed_in_chunks(
    model: TrainedModel, pairs: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    vocab, sizes, logits = len(model.tokenizers.tgt), [], model.network.logits

    def watch(features: torch.Tensor) -> torch.Tensor:
        sizes.append(len(features))
        return logits(features)

    monkeypatch.setattr(scoring, "_LOGITS_AT_ONCE", 7 * vocab + 3)
    monkeypatch.setattr(model.network, "logits", watch)
    scores = Scorer(model).score(pairs)
    assert max(sizes) == 7
    # No logits are computed for padding, nor twice for the same pair.
    assert sum(sizes) == sum(score.pieces for score in dict(zip(pairs, scores, strict=True)).values())


def test_each_distinct_source_is_encoded_once(
    model: TrainedModel, pairs: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[tuple[int, ...]] = []
    start = model.network.start

    def watch(src: torch.Tensor, lengths: torch.Tensor) -> object:
        encoded.extend(tuple(row[:length].tolist()) for row, length in zip(src, lengths, strict=True))
        return start(src, lengths)

    monkeypatch.setattr(model.network, "start", watch)
    Scorer(model, batch_tokens=40).score(pairs)
    assert len(encoded) == len(set(encoded)) == len({src for src, _ in pairs})


def test_beam_search_reports_the_same_scores(model: TrainedModel) -> None:
    """Promise 3."""
    sources = [tuple(ids) for ids in model.tokenizers.src.encode(["un deux trois", "six", "quatre quatre cinq un"])]
    for src in sources:
        state = model.network.start(torch.tensor([[*src, EOS]]), torch.tensor([len(src) + 1]))
        limit, step = torch.tensor([12]), model.network.step
        hypotheses = beam_search(step, state, limit, beam_size=6, length_penalty=1.0, bos=BOS, eos=EOS, n_best=6)[0]
        scores = Scorer(model).score_ids([(src, hypothesis.tokens) for hypothesis in hypotheses])
        assert [score.ids for score in scores] == [(*hypothesis.tokens, EOS) for hypothesis in hypotheses]
        assert [score.log_prob for score in scores] == pytest.approx(
            [hypothesis.log_prob for hypothesis in hypotheses], abs=1e-5
        )
        for hypothesis, score in zip(hypotheses, scores, strict=True):
            assert hypothesis.token_log_probs == pytest.approx(score.log_probs, abs=1e-5)


def test_probabilities_of_all_first_pieces_sum_to_one(model: TrainedModel) -> None:
    src = tuple(model.tokenizers.src.encode(["un deux"])[0])
    pieces = range(PAD + 1, len(model.tokenizers.tgt))  # no target holds padding
    scores = Scorer(model).score_ids([(src, (piece,)) for piece in pieces])
    assert sum(np.exp(score.log_probs[0]) for score in scores) == pytest.approx(1, abs=0.01)


def test_a_stream_keeps_order_and_does_not_score_invalid_pairs(
    model: TrainedModel, pairs: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [Pair(src.strip(), tgt, line) for line, (src, tgt) in enumerate(pairs, start=1)]
    items[5] = Pair("", "one", 6)
    items[9] = items[9]._replace(tgt="x" * (scoring.LONGEST_SENTENCE + 1))
    monkeypatch.setattr(scoring, "_WINDOW_PAIRS", 8)
    scorer = Scorer(model)
    results = list(scorer.stream(items))
    assert [item for item, _ in results] == items
    assert [item.line for item, score in results if score is None] == [6, 10, len(items)]
    for item, score in results:
        if score is not None:
            assert score.log_probs == pytest.approx(scorer.score([(item.src, item.tgt)])[0].log_probs, abs=1e-5)


@pytest.mark.parametrize(("limit", "value", "read"), [("_WINDOW_PAIRS", 10, 10), ("_WINDOW_CHARACTERS", 40, 7)])
def test_a_stream_reads_no_further_than_its_window(
    limit: str, value: int, read: int, model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, limit, value)
    lines = 0

    def source() -> Iterator[Pair]:
        nonlocal lines
        for lines in range(1, 100):
            yield Pair("six", "six", lines)

    next(Scorer(model).stream(source()))
    assert lines == read


def test_a_model_with_nan_weights_is_an_error(trained: Path) -> None:
    model = load_model(trained)
    with torch.no_grad():
        model.network.output_bias.fill_(torch.nan)
    with pytest.raises(InputError, match="probabilities are NaN"):
        Scorer(model).score([("un", "one")])


def test_the_model_has_learnt_something(trained: Path) -> None:
    right, wrong = Scorer.load(trained).score([("six six", "six six"), ("six six", "one two")])
    assert right.log_prob > wrong.log_prob + 1
