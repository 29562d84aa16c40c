"""Symbols of protected spans in training pairs that have none, at places that correspond.

Few training pairs hold URLs, placeholders or tags. So that a model learns where their symbols go, a share of the pairs
gets some: between words, instead of a word, or around a phrase, by the alignment of the words.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import numpy as np

from seq2seq.data.corpus import Corpus, Ids, write_encoded
from seq2seq.data.word_alignment import WordAligner, WordAlignment
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS, UNPAIRED
from seq2seq.tokenizer.tokenizer import Tokenizers

SHARE = 0.1
"""Of the training pairs that get symbols."""

_SEED = 22
_CHOSEN_AT_ONCE = 2**20
# How many insertions a pair gets, and of which kind, with weights.
_INSERTIONS, _INSERTION_WEIGHTS = (1, 2, 3, 4, 5, 8), (40, 25, 15, 10, 7, 3)
_LONGEST_PHRASE, _WHOLE_SENTENCE = 5, 0.15
_ATTEMPTS = 4
_NUMBERED_FROM_ANOTHER = 0.5
# Pieces of the vocabulary that are too frequent for a name, a number or a term: punctuation and function words.
_COMMON = 0.01


def insert_symbols(plain: Path, target: Path, tokenizers: Tokenizers, max_length: int) -> None:
    """Write the corpus in the folder `plain` to `target`, with symbols in a share of its pairs.

    tokenizers: have symbols. max_length: of a sentence, in pieces; a pair that would be longer stays as it is.
    """
    corpus = Corpus(plain)
    write_encoded(target, _pairs_with_symbols(corpus, tokenizers, max_length), corpus.parts)


def _pairs_with_symbols(corpus: Corpus, tokenizers: Tokenizers, max_length: int) -> Iterator[tuple[Ids, Ids]]:
    aligner = WordAligner(corpus, tokenizers)
    counts = corpus.src.counts(len(tokenizers.src))
    common = set(np.argsort(-counts, kind="stable")[: int(_COMMON * len(counts))].tolist())
    choice = np.random.default_rng(_SEED)
    for number in range(len(corpus)):
        if number % _CHOSEN_AT_ONCE == 0:
            chosen = (choice.random(_CHOSEN_AT_ONCE) < SHARE).tolist()
        src, tgt = corpus.src[number], corpus.tgt[number]
        if chosen[number % _CHOSEN_AT_ONCE] and not ((src >= SYMBOLS.start) & (src < SYMBOLS.stop)).any():
            changed = with_symbols(aligner.align(src, tgt), common, random.Random(_SEED + number))
            yield changed if max(map(len, changed)) <= max_length else (src, tgt)
        else:
            yield src, tgt


def with_symbols(alignment: WordAlignment, common: set[int], draw: random.Random) -> tuple[list[int], list[int]]:
    """The ids of both sides with symbols.

    common: pieces of words that no symbol replaces, and that no tags enclose alone. The symbols of each kind are
        numbered in the order of the source, from the first one or from another.
    """
    pair = _Pair.of(alignment, common)
    for _ in range(draw.choices(_INSERTIONS, _INSERTION_WEIGHTS)[0]):
        insert = draw.choices(*_KINDS)[0]
        if not insert(pair, draw):
            _insert_span(pair, draw)
    _number(pair.src, draw)
    return [piece for word in pair.src for piece in word.ids], [piece for word in pair.tgt for piece in word.ids]


@dataclass(eq=False)
class _Word:
    """A word or a symbol of one side."""

    ids: list[int]
    twin: "_Word | None" = None
    """The word of the other side that certainly translates it."""
    related: list["_Word"] = field(default_factory=list)
    """All words of the other side that may translate it."""
    kind: range | None = None
    """Of a symbol: SPANS, OPENING, CLOSING or UNPAIRED."""
    is_common: bool = False


def _linked(kind: range) -> tuple[_Word, _Word]:
    """A new symbol of both sides."""
    src, tgt = _Word([kind.start], kind=kind), _Word([kind.start], kind=kind)
    src.twin, tgt.twin = tgt, src
    src.related, tgt.related = [tgt], [src]
    return src, tgt


@dataclass
class _Pair:
    src: list[_Word]
    tgt: list[_Word]

    @classmethod
    def of(cls, alignment: WordAlignment, common: set[int]) -> "_Pair":
        src = [_Word(ids, is_common=ids[0] in common) for ids in alignment.src]
        tgt = [_Word(ids) for ids in alignment.tgt]
        for i, j in alignment.certain:
            src[i].twin, tgt[j].twin = tgt[j], src[i]
        for i, j in alignment.possible:
            src[i].related.append(tgt[j])
            tgt[j].related.append(src[i])
        return cls(src, tgt)

    def count(self, kind: range) -> int:
        return sum(word.kind is kind for word in self.src)

    def places(self) -> list[tuple[int, int]]:
        """Places between words that correspond: those beside a certain link, if their other sides do not contradict.

        The starts and the ends of both sides always do.
        """
        position = {word: number for number, word in enumerate(self.tgt)}
        end = len(self.src)
        places = [(0, 0)]
        for number in range(1, end):
            before, after = self.src[number - 1].twin, self.src[number].twin
            candidates = {position[before] + 1} if before else set()
            candidates |= {position[after]} if after else set()
            if len(candidates) == 1:
                places.append((number, candidates.pop()))
        return [*places, (end, len(self.tgt))]

    def phrase(self, start: int, end: int) -> tuple[int, int] | None:
        """The words of the target that correspond to the source words `start` to `end`; None if they do not.

        A consistent phrase pair (Och and Ney 2004): no word in it is related to one outside. Its first and last words
        have certain links, and not all of them are common.
        """
        position = {word: number for number, word in enumerate(self.tgt)}
        inside = self.src[start:end]
        if not (inside[0].twin and inside[-1].twin) or all(word.is_common for word in inside):
            return None
        related = {position[word] for source in inside for word in source.related}
        first, last = min(related), max(related) + 1
        sources = {word for target in self.tgt[first:last] for word in target.related}
        return (first, last) if sources <= set(inside) else None


def _depths(words: list[_Word]) -> list[int]:
    """How many pairs of tags each place between words is in."""
    return [0, *accumulate((word.kind is OPENING) - (word.kind is CLOSING) for word in words)]


def _tags_before(words: list[_Word]) -> list[int]:
    """How many tags without a counterpart are before each place between words."""
    return [0, *accumulate(word.kind is UNPAIRED for word in words)]


def _insert_at(pair: _Pair, kind: range, place: tuple[int, int]) -> None:
    src, tgt = _linked(kind)
    pair.src.insert(place[0], src)
    pair.tgt.insert(place[1], tgt)


# Each of these returns whether it has found a place.


def _insert_span(pair: _Pair, draw: random.Random) -> bool:
    if pair.count(SPANS) == len(SPANS):
        return False
    _insert_at(pair, SPANS, draw.choice(pair.places()))
    return True


def _replace_word(pair: _Pair, draw: random.Random) -> bool:
    """A span instead of a word whose translation is one word."""
    candidates = [
        (number, word.twin)
        for number, word in enumerate(pair.src)
        if word.twin and not word.kind and not word.is_common and len(word.related) == len(word.twin.related) == 1
    ]
    if not candidates or pair.count(SPANS) == len(SPANS):
        return False
    number, twin = draw.choice(candidates)
    position = pair.tgt.index(twin)
    pair.src[number], pair.tgt[position] = _linked(SPANS)
    return True


def _insert_tag(pair: _Pair, draw: random.Random) -> bool:
    """A tag without a counterpart, outside of pairs and in the same order on both sides."""
    depths, ranks = ([count(side) for side in (pair.src, pair.tgt)] for count in (_depths, _tags_before))
    places = [
        (src, tgt)
        for src, tgt in pair.places()
        if depths[0][src] == depths[1][tgt] == 0 and ranks[0][src] == ranks[1][tgt]
    ]
    if not places or pair.count(UNPAIRED) == len(UNPAIRED):
        return False
    _insert_at(pair, UNPAIRED, draw.choice(places))
    return True


def _enclose_phrase(pair: _Pair, draw: random.Random) -> bool:
    """A pair of tags around a phrase or the whole sentence."""
    if pair.count(OPENING) == len(OPENING):
        return False
    for _ in range(_ATTEMPTS):
        start, end = 0, len(pair.src)
        if draw.random() >= _WHOLE_SENTENCE:
            start = draw.randrange(len(pair.src))
            end = min(end, start + draw.randint(1, _LONGEST_PHRASE))
        target = (0, len(pair.tgt)) if end - start == len(pair.src) else pair.phrase(start, end)
        if target and _may_be_enclosed(pair.src[start:end]):
            _insert_at(pair, CLOSING, (end, target[1]))
            _insert_at(pair, OPENING, (start, target[0]))
            return True
    return False


# With weights.
_KINDS = (_replace_word, _insert_span, _insert_tag, _enclose_phrase), (35, 35, 10, 20)


def _may_be_enclosed(words: list[_Word]) -> bool:
    """Whether pairs of tags are whole in them, and no tag is without a counterpart."""
    depths = _depths(words)
    return min(depths) == depths[-1] == 0 and not any(word.kind is UNPAIRED for word in words)


def _number(words: list[_Word], draw: random.Random) -> None:
    """Number the symbols of the source words, and their twins in the target."""
    unused = {}
    for kind in (SPANS, OPENING, UNPAIRED):
        spare = len(kind) - sum(word.kind is kind for word in words)
        # Few pairs have enough symbols to reach the last ones.
        unused[kind] = iter(kind[draw.randint(0, spare) if draw.random() < _NUMBERED_FROM_ANOTHER else 0 :])
    opened: list[int] = []
    for word in words:
        if word.kind and word.twin:
            symbol = CLOSING[OPENING.index(opened.pop())] if word.kind is CLOSING else next(unused[word.kind])
            if word.kind is OPENING:
                opened.append(symbol)
            word.ids[0] = word.twin.ids[0] = symbol
