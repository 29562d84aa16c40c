"""Symbols are inserted at corresponding places, each once on each side, tags nested; nothing else changes."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from seq2seq.data import corpus as corpus_module
from seq2seq.data import insertion
from seq2seq.data.corpus import Corpus, Part, write_encoded
from seq2seq.data.insertion import SHARE, insert_symbols, with_symbols
from seq2seq.data.word_alignment import WordAlignment
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS, UNPAIRED
from seq2seq.tokenizer.tokenizer import Tokenizer, Tokenizers
from seq2seq.tokenizer.training import train_tokenizer

TARGET = 1000
"""The piece i of a source is i + TARGET in its translation."""


def words(first: int, count: int, draw: random.Random) -> list[list[int]]:
    """Words of one to three pieces, all of them distinct."""
    bounds = np.cumsum([first, *(draw.randint(1, 3) for _ in range(count))]).tolist()
    return [list(range(start, end)) for start, end in pairwise(bounds)]


def random_alignment(draw: random.Random) -> WordAlignment:
    """Any links, the certain ones one to one."""
    src, tgt = words(100, draw.randint(1, 12), draw), words(TARGET, draw.randint(1, 12), draw)
    count = draw.randint(0, min(len(src), len(tgt)))
    certain = list(zip(draw.sample(range(len(src)), count), draw.sample(range(len(tgt)), count), strict=True))
    others = {(draw.randrange(len(src)), draw.randrange(len(tgt))) for _ in range(draw.randint(0, 4))}
    return WordAlignment(src, tgt, certain, sorted({*certain, *others}))


def symbols_of(ids: Sequence[int], kinds: Sequence[range] = (SYMBOLS,)) -> list[int]:
    return [piece for piece in ids if any(piece in kind for kind in kinds)]


def parents(ids: list[int]) -> dict[int, tuple[int, ...]]:
    """The pairs of tags around each symbol, after a check that they are nested."""
    opened: list[int] = []
    found = {}
    for symbol in symbols_of(ids):
        if symbol in CLOSING:
            assert opened.pop() == OPENING[CLOSING.index(symbol)]
        found[symbol] = tuple(opened)
        if symbol in OPENING:
            opened.append(symbol)
    assert not opened
    return found


def cut(alignment: WordAlignment, side: str, ids: list[int]) -> set[int]:
    """The numbers of the words that symbols have replaced, after a check that the others are whole and in order."""
    remaining = [piece for piece in ids if piece not in SYMBOLS]
    all_words = getattr(alignment, side)
    kept = [number for number, word in enumerate(all_words) if word[0] in remaining]
    assert remaining == [piece for number in kept for piece in all_words[number]]
    return set(range(len(all_words))) - set(kept)


@pytest.mark.parametrize("seeds", [range(start, start + 100) for start in range(0, 1000, 100)])
def test_both_sides_have_the_same_symbols_and_keep_their_words(seeds: range) -> None:
    for seed in seeds:
        _check_random_pair(seed)


def _check_random_pair(seed: int) -> None:
    draw = random.Random(seed)
    alignment = random_alignment(draw)
    src, tgt = with_symbols(alignment, {100}, draw)
    assert sorted(symbols_of(src)) == sorted(symbols_of(tgt)) == sorted(set(symbols_of(src)))
    assert parents(src) == parents(tgt)
    assert symbols_of(src, [UNPAIRED]) == symbols_of(tgt, [UNPAIRED])
    assert all(not parents(src)[symbol] for symbol in symbols_of(src, [UNPAIRED]))
    for kind in (SPANS, OPENING, UNPAIRED):
        assert all(later == earlier + 1 for earlier, later in pairwise(symbols_of(src, [kind])))
    replaced, replaced_in_target = (cut(alignment, side, ids) for side, ids in (("src", src), ("tgt", tgt)))
    assert replaced_in_target == {dict(alignment.certain)[number] for number in replaced}
    assert 0 not in replaced  # It begins with a common piece.
    for number in replaced:
        assert sum(i == number for i, _ in alignment.possible) == 1
    # Words stay whole: no symbol before a piece that continues one.
    for side, ids in (("src", src), ("tgt", tgt)):
        starts = {word[0] for word in getattr(alignment, side)}
        assert all(piece in SYMBOLS or piece in starts for before, piece in pairwise(ids) if before in SYMBOLS)


def test_symbols_stand_at_the_places_of_the_translation() -> None:
    """In a word-by-word translation of blocks that change places, phrases within a block and words are found again."""
    for seed in range(300):
        draw = random.Random(seed)
        src = words(100, draw.randint(4, 10), draw)
        moved = draw.choice([0, *range(2, len(src) - 1)])
        order = [*range(moved, len(src)), *range(moved)]
        links = [(number, position) for position, number in enumerate(order)]
        tgt = [[piece + TARGET for piece in src[number]] for number in order]
        changed = with_symbols(WordAlignment(src, tgt, links, links), set(), draw)
        neighbours, in_target = ({symbol: _neighbours(ids, symbol) for symbol in SYMBOLS} for ids in changed)
        for symbol in symbols_of(changed[0], [SPANS, UNPAIRED]):
            assert neighbours[symbol] & in_target[symbol], (changed, symbol)
        for opening in symbols_of(changed[0], [OPENING]):
            inside, inside_target = ({piece % TARGET for piece in _inside(ids, opening)} for ids in changed)
            assert inside == inside_target
        if moved == 0:
            assert [piece % TARGET for piece in changed[1]] == changed[0]


def _neighbours(ids: list[int], symbol: int) -> set[str]:
    """The pieces on both sides of a symbol, as pieces of the source."""
    if symbol not in ids:
        return set()
    position = ids.index(symbol)
    before = ids[position - 1] % TARGET if position else "start"
    after = ids[position + 1] % TARGET if position + 1 < len(ids) else "end"
    return {f"{before} before", f"{after} after"}


def _inside(ids: list[int], opening: int) -> list[int]:
    return ids[ids.index(opening) + 1 : ids.index(CLOSING[OPENING.index(opening)])]


def test_no_symbol_stands_between_words_that_change_places() -> None:
    links = [(0, 1), (1, 0)]
    for seed in range(100):
        src, tgt = [[100], [101]], [[1101], [1100]]
        for ids in with_symbols(WordAlignment(src, tgt, links, links), {100, 101}, random.Random(seed)):
            first, second = sorted(position for position, piece in enumerate(ids) if piece not in SYMBOLS)
            assert second == first + 1


def test_without_links_symbols_stand_at_the_ends() -> None:
    for seed in range(100):
        draw = random.Random(seed)
        src, tgt = words(100, 6, draw), words(TARGET, 5, draw)
        for plain, ids in zip((src, tgt), with_symbols(WordAlignment(src, tgt, [], []), set(), draw), strict=True):
            inner = [piece for word in plain for piece in word]
            start = ids.index(inner[0])
            assert ids[start : start + len(inner)] == inner


def test_all_symbols_are_taught() -> None:
    """Most pairs get one or two; the last symbols occur too."""
    counts: Counter[int] = Counter()
    numbers: Counter[int] = Counter()
    for seed in range(2000):
        draw = random.Random(seed)
        src = words(100, 8, draw)
        links = [(number, number) for number in range(8)]
        ids, _ = with_symbols(WordAlignment(src, src, links, links), set(), draw)
        counts.update(symbols_of(ids))
        numbers[len(symbols_of(ids))] += 1
    assert min(counts[symbol] for symbol in SYMBOLS) > 20
    assert numbers[1] + numbers[2] > 1000
    assert max(numbers) >= 8


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    texts = [f"{word} {other}" for word in ("un", "deux", "trois") for other in ("one", "two", "three")]
    joint: Tokenizer = train_tokenizer(texts, Counter("".join(texts)), 300, "unigram")
    return Tokenizers(joint, joint, True)


def toy_corpus(folder: Path, tokenizers: Tokenizers, count: int = 3000) -> list[tuple[list[int], list[int]]]:
    draw = random.Random(5)
    numerals = {"un": "one", "deux": "two", "trois": "three"}
    sentences = [draw.choices(list(numerals), k=draw.randint(1, 6)) for _ in range(count)]
    src = tokenizers.src.encode([" ".join(sentence) for sentence in sentences])
    tgt = tokenizers.tgt.encode([" ".join(map(numerals.__getitem__, sentence)) for sentence in sentences])
    src[7] = tgt[7] = [*src[7], SPANS[2]]
    pairs = list(zip(src, tgt, strict=True))
    write_encoded(folder, pairs, [Part(count - 500, 1.0), Part(500, 2.5)])
    return pairs


def stored(folder: Path) -> list[tuple[list[int], list[int]]]:
    corpus = Corpus(folder)
    return [(corpus.src[number].tolist(), corpus.tgt[number].tolist()) for number in range(len(corpus))]


def test_a_share_of_a_corpus_gets_symbols(
    tokenizers: Tokenizers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insertion, "_CHOSEN_AT_ONCE", 1000)
    plain = toy_corpus(tmp_path / "plain", tokenizers)
    insert_symbols(tmp_path / "plain", tmp_path / "train", tokenizers, 25)
    assert stored(tmp_path / "plain") == plain
    result = stored(tmp_path / "train")
    changed = [number for number, pair in enumerate(result) if pair != plain[number]]
    assert 0.6 * SHARE * len(plain) < len(changed) < 1.1 * SHARE * len(plain)
    assert all(symbols_of(src) and len(src) <= 25 and len(tgt) <= 25 for src, tgt in map(result.__getitem__, changed))
    assert max(len(result[number][0]) for number in changed) == 25
    assert Corpus(tmp_path / "train").parts == [Part(2500, 1.0), Part(500, 2.5)]

    monkeypatch.setattr(corpus_module, "_CHUNK", 7)
    insert_symbols(tmp_path / "plain", tmp_path / "again", tokenizers, 25)
    for name in Corpus.FILES:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "train" / name).read_bytes()


def test_a_pair_with_symbols_stays_as_it_is(
    tokenizers: Tokenizers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insertion, "SHARE", 1.0)
    plain = toy_corpus(tmp_path / "plain", tokenizers, 600)
    insert_symbols(tmp_path / "plain", tmp_path / "train", tokenizers, 100)
    result = stored(tmp_path / "train")
    assert result[7] == plain[7]
    assert all(symbols_of(src) for src, _ in result)
