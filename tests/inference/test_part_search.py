"""Which of the translations of a part is taken: the one searched with its spans, or a draft that they are put into."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from seq2seq.config import Config
from seq2seq.inference.part_search import PartSearch, Source
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.tokenizer.profile import NO_PROFILE, TextProfile
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS
from seq2seq.tokenizer.tokenizer import EOS, Tokenizers
from seq2seq.tokenizer.training import train_tokenizer

TEXTS = ["the red house", "a small dog sleeps", "the dog sees the house"]
OPTIONS = SearchOptions(beam_size=4, length_penalty=1.0, symbols=True)
Ids = tuple[int, ...]


def hypothesis(tokens: Sequence[int], log_prob: float) -> Hypothesis:
    """One whose tokens all have this log-probability; that of the whole is its score too."""
    total = log_prob * (len(tokens) + 1)
    return Hypothesis(tuple(tokens), total, total, (log_prob,) * (len(tokens) + 1))


@dataclass
class Scripted:
    """A model with given hypotheses, which puts symbols after the words of a draft."""

    tokenizers: Tokenizers
    found: Mapping[Ids, Sequence[Hypothesis]]
    placed_log_prob: float = -1.0
    searched: list[Ids] = field(default_factory=list)

    @property
    def config(self) -> Config:
        return Config()

    @property
    def profile(self) -> TextProfile:
        return NO_PROFILE

    def search(self, batches: Iterable[SourceIds], options: SearchOptions) -> Iterator[list[list[Hypothesis]]]:
        for batch in batches:
            sources = [tuple(source[:-1]) for source in batch]
            self.searched += sources
            yield [list(self.found[source])[: options.n_best] for source in sources]

    def place_symbols(
        self, batches: Iterable[tuple[SourceIds, SourceIds]], options: SearchOptions
    ) -> Iterator[list[list[Hypothesis]]]:
        for sources, drafts in batches:
            lacking = [
                sorted((set(source) - set(draft)) & set(SYMBOLS)) for source, draft in zip(sources, drafts, strict=True)
            ]
            yield [
                [hypothesis([*draft[:-1], *symbols], self.placed_log_prob)]
                for draft, symbols in zip(drafts, lacking, strict=True)
            ]


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    tokenizer = train_tokenizer(TEXTS, Counter("".join(TEXTS)), 310, "bpe", symbols=True)
    return Tokenizers(tokenizer, tokenizer, normalize=True)


def encoded(tokenizers: Tokenizers, text: str) -> Ids:
    return tuple(tokenizers.src.encode([text])[0])


def test_tags_change_no_words(tokenizers: Tokenizers) -> None:
    words = encoded(tokenizers, "the dog")
    source = Source((OPENING[0], *words, CLOSING[0]), words)
    model = Scripted(tokenizers, {words: [hypothesis([30, 31], -0.5), hypothesis([32], -0.9)]})
    (result,) = PartSearch(model, 8).search([source], SearchOptions(4, 1.0, n_best=2, symbols=True))
    assert [best.tokens for best in result.hypotheses] == [
        (30, 31, OPENING[0], CLOSING[0]),
        (32, OPENING[0], CLOSING[0]),
    ]
    assert (result.source, result.found) == (words, model.found[words][0])
    assert model.searched == [words]


@pytest.mark.parametrize(
    ("with_span", "draft", "placed", "is_drafted"),
    [(-1.0, -0.9, -1.0, True), (-1.0, -1.1, -1.0, True), (-0.5, -0.9, -0.5, False), (-1.0, -1.0, -3.0, False)],
)
def test_a_draft_must_be_about_as_probable(
    tokenizers: Tokenizers, with_span: float, draft: float, placed: float, is_drafted: bool
) -> None:
    words = encoded(tokenizers, "the dog")
    ids = (SPANS[0], *words)
    found = {ids: [hypothesis([SPANS[0], 33, 34], with_span)], words: [hypothesis([30, 31], draft)]}
    (result,) = PartSearch(Scripted(tokenizers, found, placed), 8).search([Source(ids, words)], OPTIONS)
    assert result.hypotheses[0].tokens == ((30, 31, SPANS[0]) if is_drafted else (SPANS[0], 33, 34))
    assert result.source == (words if is_drafted else ids)


@pytest.mark.parametrize("loops", [0, 1])
def test_a_translation_that_repeats_itself_never_wins(tokenizers: Tokenizers, loops: int) -> None:
    words = encoded(tokenizers, "the dog")
    ids = (SPANS[0], *words)
    outputs = [[30, 31], [30, 31]]
    outputs[loops] = [30, 31] * 5
    log_probs = [-1.0, -1.0]
    log_probs[loops] = -0.1
    found = {
        ids: [hypothesis([SPANS[0], *outputs[0]], log_probs[0])],
        words: [hypothesis(outputs[1], log_probs[1])],
    }
    (result,) = PartSearch(Scripted(tokenizers, found), 8).search([Source(ids, words)], OPTIONS)
    assert len(result.hypotheses[0].tokens) == 3


def test_terms_are_bound_only_where_the_model_does_not_write_them(tokenizers: Tokenizers) -> None:
    words, other_words = encoded(tokenizers, "the red house"), encoded(tokenizers, "the dog")
    ids, other_ids = (*words[:-1], SPANS[0]), (*other_words[:-1], SPANS[0])
    first, second = (hypothesis(encoded(tokenizers, text), -1.0) for text in ("a small dog", "the dog sleeps"))
    found = {
        words: [first, second],
        other_words: [first, second],
        ids: [hypothesis([SPANS[0], 30], -1.0)],
        other_ids: [hypothesis([SPANS[0], 31], -1.0)],
    }
    sources = [Source(ids, words, ("sleeps",)), Source(other_ids, other_words, ("dog", "dog"))]
    model = Scripted(tokenizers, found)
    has_term, lacks_term = PartSearch(model, 8).search(sources, OPTIONS)
    assert ids not in model.searched
    assert (has_term.hypotheses, has_term.source) == ([second], words)
    assert (lacks_term.hypotheses, lacks_term.source) == (found[other_ids], other_ids)


def test_no_translation_with_terms_comes_twice(tokenizers: Tokenizers) -> None:
    """One with the symbol of a term reads like one with its words."""
    words = encoded(tokenizers, "the red house")
    ids = (*words[:-1], SPANS[0])
    draft = hypothesis(encoded(tokenizers, "the dog sleeps"), -1.0)
    bound = [hypothesis([*encoded(tokenizers, text), SPANS[0]], -0.5) for text in ("The dog", "a small dog")]
    model = Scripted(tokenizers, {words: [draft], ids: bound})
    options = SearchOptions(4, 1.0, n_best=2, symbols=True)
    (result,) = PartSearch(model, 8).search([Source(ids, words, ("sleeps",))], options)
    assert result.hypotheses == [draft, bound[1]]


def test_a_term_and_a_span_stay_together(tokenizers: Tokenizers) -> None:
    """A draft without the span keeps the symbol of the term."""
    words: Any = encoded(tokenizers, "the dog")
    ids, draft_ids = (SPANS[0], *words, SPANS[1]), (*words, SPANS[1])
    found = {ids: [hypothesis([*SPANS[:2], 33], -2.0)], draft_ids: [hypothesis([SPANS[1], 30], -1.0)]}
    (result,) = PartSearch(Scripted(tokenizers, found), 8).search([Source(ids, draft_ids)], OPTIONS)
    assert result.hypotheses[0].tokens == (SPANS[1], 30, SPANS[0])


def test_sources_are_searched_once(tokenizers: Tokenizers) -> None:
    words = encoded(tokenizers, "the dog")
    sources = [
        Source(words),
        Source((OPENING[0], *words, CLOSING[0]), words),
        Source((OPENING[1], *words, CLOSING[1]), words),
    ]
    model = Scripted(tokenizers, {words: [hypothesis([30], -1.0)]})
    results = PartSearch(model, 1).search(sources, OPTIONS)
    assert model.searched == [words]
    assert [result.hypotheses[0].tokens[:1] for result in results] == [(30,)] * 3
    assert EOS not in results[0].hypotheses[0].tokens
