"""Search with bound symbols, against full enumeration and against the rules that every translation keeps."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from languages import Language, Model, PrefixState, Words, assert_same, best_of, finished, random_language

from seq2seq.search.beam import beam_search
from seq2seq.search.options import Hypothesis, SearchOptions
from seq2seq.search.symbols import DraftConstraint, SymbolConstraint
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS, UNPAIRED
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD, UNK

# The vocabulary ends with two ordinary words.
TEXT = [SYMBOLS.stop, SYMBOLS.stop + 1]
VOCAB = SYMBOLS.stop + 2
A, A_END, B, B_END = OPENING[0], CLOSING[0], OPENING[1], CLOSING[1]
SOURCES = [
    [TEXT[0], EOS],
    [SPANS[0], TEXT[0], EOS],
    [SPANS[1], TEXT[0], SPANS[0], EOS],
    [A, A_END, TEXT[0], EOS],
    [UNPAIRED[1], UNPAIRED[0], EOS],
    [UNPAIRED[0], A, A_END, EOS],
    [B, A, A_END, B_END, EOS],
    [A, SPANS[0], A_END, UNPAIRED[2], EOS],
]


def search(
    languages: Sequence[Language], sources: Sequence[Words | list[int]], **settings: int
) -> list[list[Hypothesis]]:
    options = SearchOptions(**{"length_penalty": 1.0, "length_ratio": 1, **settings})  # type: ignore[arg-type]
    return beam_search(
        Model(languages).step,
        PrefixState(torch.arange(len(sources)), torch.empty(len(sources), 0, dtype=torch.long)),
        torch.tensor([options.max_length(len(source)) for source in sources]),
        beam_size=options.beam_size,
        length_penalty=options.length_penalty,
        bos=BOS,
        eos=EOS,
        forbidden_ids=[PAD, UNK, BOS],
        n_best=options.n_best,
        constraint=SymbolConstraint(sources, options, torch.device("cpu")),
    )


def permitted(source: Sequence[int], words: Words, room: int) -> list[int]:
    """The words that may follow, by the rules. room: words that may still be written, eos included."""
    missing = [symbol for symbol in source if symbol in SYMBOLS and symbol not in words]
    if not missing:
        return [EOS] if room == 1 else [*TEXT, EOS]
    open_pairs: list[int] = []
    for word in words:
        if word in OPENING:
            open_pairs.append(CLOSING[OPENING.index(word)])
        elif word in CLOSING:
            assert word == open_pairs.pop()
    unpaired = [symbol for symbol in missing if symbol in UNPAIRED]
    symbols = [symbol for symbol in missing if symbol in SPANS or symbol in OPENING or symbol in open_pairs[-1:]]
    symbols += [] if open_pairs else unpaired[:1]
    return symbols if room == len(missing) + 1 else [*TEXT, *symbols]


def enumerate_all(language: Language, source: Sequence[int], limit: int) -> Iterator[tuple[float, Hypothesis]]:
    """Every translation that the rules permit, with what it is ranked by."""

    def extend(
        words: Words, log_probs: tuple[float, ...], ranked: tuple[float, ...]
    ) -> Iterator[tuple[float, Hypothesis]]:
        following = language(words)
        choices = permitted(source, words, limit - len(words))
        heir = max(SYMBOLS, key=lambda symbol: following[symbol] if symbol in choices else -np.inf)
        for word in choices:
            log_prob = float(following[word])
            rank = float(np.logaddexp(log_prob, following[EOS])) if word == heir else log_prob
            extended = (*log_probs, log_prob), (*ranked, rank)
            if word == EOS:
                by_model, by_rank = (finished(words, scores, length_penalty=1.0) for scores in extended)
                yield by_rank.score, by_model
            else:
                yield from extend((*words, word), *extended)

    return extend((), (), ())


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_wide_beam_finds_all_permitted_translations(source: list[int]) -> None:
    languages = [random_language(seed, VOCAB) for seed in range(4)]
    results = search(languages, [source] * 4, beam_size=200, n_best=200, length_extra=1)
    for hypotheses, language in zip(results, languages, strict=True):
        ranked = sorted(enumerate_all(language, source, len(source) + 1), key=lambda item: item[0], reverse=True)
        assert_same(hypotheses, [hypothesis for _, hypothesis in ranked[:200]])


def random_source(draw: random.Random) -> list[int]:
    pairs = draw.sample(range(len(OPENING)), draw.randrange(4))
    spans = draw.sample([*SPANS, *UNPAIRED], draw.randrange(5))
    source = [*(OPENING[pair] for pair in pairs), *(CLOSING[pair] for pair in pairs), *spans, *TEXT]
    return [*draw.sample(source, len(source)), EOS]


def assert_symbols_kept(source: Sequence[int], words: Sequence[int]) -> None:
    """Each exactly once, pairs nested, unpaired ones in order and outside of pairs."""
    written = [word for word in words if word in SYMBOLS]
    assert sorted(written) == sorted(word for word in source if word in SYMBOLS)
    assert [word for word in written if word in UNPAIRED] == [word for word in source if word in UNPAIRED]
    open_pairs: list[int] = []
    for word in written:
        if word in OPENING:
            open_pairs.append(OPENING.index(word))
        elif word in CLOSING:
            assert open_pairs.pop() == CLOSING.index(word)
        assert word not in UNPAIRED or not open_pairs


@pytest.mark.parametrize(("beam_size", "length_extra"), [(1, 0), (1, 5), (3, 1), (6, 12)])
def test_every_symbol_is_written_once_whatever_the_neighbours(beam_size: int, length_extra: int) -> None:
    draw = random.Random(beam_size)
    sources = [random_source(draw) for _ in range(40)]
    languages = [random_language(seed, VOCAB) for seed in range(len(sources))]
    settings = {"beam_size": beam_size, "n_best": beam_size, "length_extra": length_extra}
    results = search(languages, sources, **settings)
    for source, language, hypotheses in zip(sources, languages, results, strict=True):
        assert hypotheses
        for hypothesis in hypotheses:
            assert_symbols_kept(source, hypothesis.tokens)
            expected = [language(hypothesis.tokens[:i])[word] for i, word in enumerate((*hypothesis.tokens, EOS))]
            assert hypothesis.token_log_probs == pytest.approx(expected, abs=1e-5)
        assert search([language], [source], **settings) == [hypotheses]
        # The first of several is the one that is found alone.
        assert search([language], [source], **{**settings, "n_best": 1}) == [hypotheses[:1]]


def test_a_model_that_wants_to_end_writes_the_missing_symbols_first() -> None:
    def wants_to_end(words: Words) -> np.ndarray:
        return np.log(np.where(np.arange(VOCAB) == EOS, 0.9, np.where(np.isin(np.arange(VOCAB), TEXT), 0.04, 0.001)))

    ((best,),) = search([wants_to_end], [[SPANS[0], SPANS[3], A, A_END, EOS]], beam_size=1, length_extra=20)
    assert len(best.tokens) == 4


def test_a_hypothesis_that_would_end_does_not_lose_to_those_that_ramble() -> None:
    """Symbols are hardly possible; after the first word the model ends, after the second it goes on."""

    def language(words: Words) -> np.ndarray:
        start, ends, goes_on = (0.6, 0.3, 0.05), (0.05, 0.05, 0.9), (0.05, 0.9, 0.04)
        probabilities = np.full(VOCAB, 1e-6)
        probabilities[[*TEXT, EOS]] = (ends if words[0] == TEXT[0] else goes_on) if words else start
        return np.asarray(np.log(probabilities))

    ((best,),) = search([language], [[SPANS[0], EOS]], beam_size=2, length_extra=20)
    assert best.tokens == (TEXT[0], SPANS[0])
    assert best.log_prob == pytest.approx(np.log(0.6) + np.log(1e-6) + np.log(0.9))


def place(
    languages: Sequence[Language],
    sources: Sequence[list[int]],
    drafts: Sequence[list[int]],
    beam_size: int,
    n_best: int = 1,
) -> list[list[Hypothesis]]:
    constraint = DraftConstraint(sources, drafts, torch.device("cpu"))
    return beam_search(
        Model(languages).step,
        PrefixState(torch.arange(len(sources)), torch.empty(len(sources), 0, dtype=torch.long)),
        constraint.max_lengths,
        length_penalty=1.0,
        bos=BOS,
        eos=EOS,
        constraint=constraint,
        beam_size=beam_size,
        n_best=n_best,
    )


def placements(source: Sequence[int], draft: Sequence[int], words: Words = ()) -> Iterator[Words]:
    """Every translation with the words of the draft, in order, and the symbols that it lacks, by the rules."""
    lacking = [symbol for symbol in source if symbol in SYMBOLS and symbol not in draft]
    position = sum(word not in lacking for word in words)
    if position == len(draft) and len(words) == len(draft) + len(lacking):
        yield words
        return
    may_follow = [symbol for symbol in permitted(source, words, room=100) if symbol in lacking]
    for word in [*may_follow, *draft[position : position + 1]]:
        yield from placements(source, draft, (*words, word))


@pytest.mark.parametrize("source", SOURCES, ids=str)
@pytest.mark.parametrize("length", [0, 1, 3])
def test_symbols_are_put_into_a_draft_where_they_are_most_probable(source: list[int], length: int) -> None:
    draft = random.Random(length).choices(TEXT, k=length)
    if SPANS[1] in source:
        draft.insert(0, SPANS[1])
    languages = [random_language(seed, VOCAB) for seed in range(3)]
    results = place(languages, [source] * 3, [[*draft, EOS]] * 3, beam_size=300, n_best=300)
    for hypotheses, language in zip(results, languages, strict=True):
        expected = [
            finished(
                words,
                tuple(float(language(words[:i])[word]) for i, word in enumerate((*words, EOS))),
                length_penalty=1.0,
            )
            for words in placements(source, draft)
        ]
        assert_same(hypotheses, best_of(expected, 300))


@pytest.mark.parametrize("beam_size", [1, 4])
def test_a_draft_does_not_depend_on_its_neighbours(beam_size: int) -> None:
    draw = random.Random(beam_size)
    sources = [random_source(draw) for _ in range(40)]
    drafts = [[*draw.choices(TEXT, k=draw.randrange(6)), EOS] for _ in sources]
    languages = [random_language(seed, VOCAB) for seed in range(len(sources))]
    results = place(languages, sources, drafts, beam_size=beam_size)
    for source, draft, language, hypotheses in zip(sources, drafts, languages, results, strict=True):
        (best,) = hypotheses
        assert_symbols_kept(source, best.tokens)
        assert [*(word for word in best.tokens if word not in SYMBOLS), EOS] == draft
        assert place([language], [source], [draft], beam_size=beam_size) == [hypotheses]


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        ([SPANS[0], SPANS[0], EOS], {}, "twice"),
        ([A, EOS], {}, "one symbol of a pair"),
        ([A, B_END, EOS], {}, "one symbol of a pair"),
        ([SPANS[3], EOS], {"forbidden_ids": (SPANS[3],)}, "forbidden symbol"),
        ([SPANS[0], A, A_END, EOS], {"length_ratio": 0, "length_extra": 3}, "room"),
    ],
)
def test_sources_that_no_translation_fits_are_refused(
    source: list[int], settings: dict[str, int], message: str
) -> None:
    options = SearchOptions(1, 1.0, **settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        SymbolConstraint([[EOS], source], options, torch.device("cpu"))
