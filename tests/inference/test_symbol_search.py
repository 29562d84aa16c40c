"""The engine binds symbols as the reference search does."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from random_networks import SRC_VOCAB, TGT_VOCAB, RandomNetwork
from test_engine import assert_same
from test_shortlist import Restricted, narrow

from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.native.engine import isa_levels
from seq2seq.search.batch import place_symbols, search_batch
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS, UNPAIRED
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD, UNK

FORBIDDEN = (PAD, UNK, BOS, 30)
NETWORKS: list[dict[str, Any]] = [
    {},
    {"cell": "lstm", "summaries": 0},
    {"cell": "rnn", "attention": "dot"},
    {"attention": "additive", "decoder_layers": 2},
]
SEARCH_OPTIONS = [
    SearchOptions(beam_size=1, length_penalty=1.0, forbidden_ids=FORBIDDEN, symbols=True),
    SearchOptions(beam_size=5, length_penalty=1.0, n_best=3, forbidden_ids=FORBIDDEN, symbols=True, length_ratio=1),
    SearchOptions(beam_size=4, length_penalty=0.6, n_best=4, symbols=True, length_ratio=1, length_extra=0),
    SearchOptions(  # all translations of short sources
        beam_size=300,
        length_penalty=0.0,
        n_best=300,
        forbidden_ids=(PAD, UNK, BOS, *range(SYMBOLS.stop + 2, 41)),
        symbols=True,
        length_ratio=1,
        length_extra=0,
    ),
]


def sources_with_symbols(count: int, seed: int = 4) -> list[list[int]]:
    """Every second one has symbols."""
    draw = random.Random(seed)
    sources = []
    for number in range(count):
        source = draw.choices(range(SYMBOLS.stop, SRC_VOCAB), k=draw.randrange(5))
        if number % 2:
            pairs = draw.sample(range(len(OPENING)), draw.randrange(4))
            source += [OPENING[pair] for pair in pairs] + [CLOSING[pair] for pair in pairs]
            source += draw.sample([*SPANS, *UNPAIRED], draw.randrange(4))
        sources.append([*draw.sample(source, len(source)), EOS])
    return sources


def forced_log_probs(network: Any, source: list[int], hypothesis: Hypothesis) -> list[float]:
    tgt_in = torch.tensor([[BOS, *hypothesis.tokens]])
    tgt_out = torch.tensor([*hypothesis.tokens, EOS])
    with torch.inference_mode():
        logits = network(torch.tensor([source]), torch.tensor([len(source)]), tgt_in)[0]
    log_probs: list[float] = logits.log_softmax(dim=-1)[torch.arange(len(tgt_out)), tgt_out].tolist()
    return log_probs


def _tokens(hypothesis: Hypothesis) -> tuple[int, ...]:
    return hypothesis.tokens


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
@pytest.mark.parametrize("options", SEARCH_OPTIONS, ids=str)
def test_engine_matches_the_reference_search(settings: dict[str, Any], options: SearchOptions, tmp_path: Path) -> None:
    random_network, sources = RandomNetwork.create(tmp_path / "weights", **settings), sources_with_symbols(8)
    expected = random_network.reference(sources, options)
    for source, hypotheses in zip(sources, expected, strict=True):
        assert hypotheses
        for hypothesis in hypotheses:
            assert sorted(set(SYMBOLS) & set(source)) == sorted(
                token for token in hypothesis.tokens if token in SYMBOLS
            )
        forced = forced_log_probs(random_network.network, source, hypotheses[0])
        assert hypotheses[0].token_log_probs == pytest.approx(forced, abs=1e-5)
    network = random_network.to_engine()
    for level in isa_levels():
        actual = CompiledNetwork(network, level).search_batch(sources, options)
        assert_same([hypotheses[:1] for hypotheses in actual], [hypotheses[:1] for hypotheses in expected])
        # Of hundreds some are ranked the same apart from rounding, so the order of the others may differ.
        assert_same(*([sorted(hypotheses, key=_tokens) for hypotheses in found] for found in (actual, expected)))


def alone(search: Any, sources: SourceIds, options: SearchOptions) -> list[list[Hypothesis]]:
    return list(chain.from_iterable(search([source], options) for source in sources))


@pytest.mark.parametrize("shortlist", [False, True])
def test_a_sentence_does_not_depend_on_the_batch(shortlist: bool, tmp_path: Path) -> None:
    network, sources = RandomNetwork.create(tmp_path / "weights").to_engine(), sources_with_symbols(30)
    network = replace(network, shortlist=narrow() if shortlist else None)
    for level in isa_levels():
        search = CompiledNetwork(network, level).search_batch
        assert alone(search, sources, SEARCH_OPTIONS[1]) == search(sources, SEARCH_OPTIONS[1])


@pytest.mark.parametrize("options", SEARCH_OPTIONS[:3], ids=str)
def test_a_shortlist_has_the_symbols_of_the_source(options: SearchOptions, tmp_path: Path) -> None:
    random_network, sources = RandomNetwork.create(tmp_path / "weights"), sources_with_symbols(12)
    expected = []
    for source in sources:
        allowed = narrow().of(source, options.forbidden_ids, symbols=True)
        assert set(allowed.nonzero()[0]) & set(SYMBOLS) == set(source) & set(SYMBOLS)
        restricted: Any = Restricted(random_network.network, allowed)
        expected += search_batch(restricted, [source], options, torch.device("cpu"))
    network = replace(random_network.to_engine(), shortlist=narrow())
    for level in isa_levels():
        assert_same(CompiledNetwork(network, level).search_batch(sources, options), expected)


def drafts_of(sources: SourceIds, words: Sequence[int]) -> list[list[int]]:
    """Drafts of these words; some have spans of their sources."""
    draw = random.Random(7)
    return [
        [*draw.choices(words, k=draw.randrange(6)), *(token for token in source if token in SPANS[:2]), EOS]
        for source in sources
    ]


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
@pytest.mark.parametrize("beam_size", [1, 4, 200])
def test_engine_puts_symbols_into_drafts_as_the_reference_search(
    settings: dict[str, Any], beam_size: int, tmp_path: Path
) -> None:
    random_network, sources = RandomNetwork.create(tmp_path / "weights", **settings), sources_with_symbols(12)
    drafts = drafts_of(sources, range(SYMBOLS.stop, TGT_VOCAB))
    options = SearchOptions(beam_size, 1.0, n_best=min(beam_size, 3), symbols=True)
    expected = place_symbols(random_network.network, sources, drafts, options, torch.device("cpu"))
    forced = forced_log_probs(random_network.network, sources[1], expected[1][0])
    assert expected[1][0].token_log_probs == pytest.approx(forced, abs=1e-5)
    network = random_network.to_engine()
    for level in isa_levels():
        assert_same(CompiledNetwork(network, level).place_symbols(sources, drafts, options), expected)


def test_engine_puts_symbols_into_drafts_of_a_shortlist(tmp_path: Path) -> None:
    random_network, sources = RandomNetwork.create(tmp_path / "weights"), sources_with_symbols(12)
    allowed = [narrow().of(source, (), symbols=True) for source in sources]
    shared = [word for word in range(SYMBOLS.stop, TGT_VOCAB) if all(words[word] for words in allowed)]
    drafts = drafts_of(sources, shared)
    options = SearchOptions(4, 1.0, symbols=True)
    expected = []
    for source, draft, words in zip(sources, drafts, allowed, strict=True):
        restricted: Any = Restricted(random_network.network, words)
        expected += place_symbols(restricted, [source], [draft], options, torch.device("cpu"))
    network = replace(random_network.to_engine(), shortlist=narrow())
    outside = next(word for word in range(SYMBOLS.stop, TGT_VOCAB) if not allowed[0][word])
    for level in isa_levels():
        engine = CompiledNetwork(network, level)
        assert_same(engine.place_symbols(sources, drafts, options), expected)
        with pytest.raises(ValueError, match="out of range"):
            engine.place_symbols(sources[:1], [[outside, EOS]], options)


@pytest.mark.parametrize(
    ("draft", "changes"),
    [
        ([25], {}),
        ([25, EOS, EOS], {}),
        ([EOS, 25], {}),
        ([OPENING[0], CLOSING[0], EOS], {}),
        ([-1, EOS], {}),
        ([TGT_VOCAB, EOS], {}),
        ([25, EOS], {"symbols": False}),
    ],
    ids=str,
)
def test_drafts_that_are_none_are_refused(draft: list[int], changes: dict[str, Any], tmp_path: Path) -> None:
    network = RandomNetwork.create(tmp_path / "weights").to_engine()
    options = replace(SearchOptions(3, 1.0, symbols=True), **changes)
    source = [OPENING[0], CLOSING[0], SPANS[0], EOS]
    for level in isa_levels():
        engine = CompiledNetwork(network, level)
        with pytest.raises(ValueError, match="out of range"):
            engine.place_symbols([[EOS], source], [[25, EOS], draft], options)


@pytest.mark.parametrize("shortlist", [False, True])
@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ([SPANS[0], SPANS[0], EOS], {}),
        ([OPENING[1], EOS], {}),
        ([CLOSING[1], EOS], {}),
        ([OPENING[0], CLOSING[1], EOS], {}),
        ([SPANS[3], EOS], {"forbidden_ids": (SPANS[3],)}),
        ([SPANS[0], OPENING[0], CLOSING[0], EOS], {"length_ratio": 0, "length_extra": 3}),
    ],
    ids=str,
)
def test_sources_that_no_translation_fits_are_refused(
    source: list[int], changes: dict[str, Any], shortlist: bool, tmp_path: Path
) -> None:
    random_network = RandomNetwork.create(tmp_path / "weights")
    network = replace(random_network.to_engine(), shortlist=narrow() if shortlist else None)
    options = replace(SEARCH_OPTIONS[0], **changes)
    with pytest.raises(ValueError, match="a source has"):
        random_network.reference([[EOS], source], options)
    for level in isa_levels():
        engine = CompiledNetwork(network, level)
        with pytest.raises(ValueError, match="symbols that no translation can have"):
            engine.search_batch([[EOS], source], options)
        assert engine.search_batch([[EOS], source], replace(options, symbols=False))
