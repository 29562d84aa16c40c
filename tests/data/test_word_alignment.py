"""Words of a toy language pair with a known dictionary are linked to their translations."""

import random
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from seq2seq.data.corpus import Corpus, Part, write_encoded
from seq2seq.data.word_alignment import WordAligner, WordAlignment
from seq2seq.tokenizer.tokenizer import Tokenizer, Tokenizers
from seq2seq.tokenizer.training import train_tokenizer

Sentence = tuple[list[str], list[str]]


def spelt(syllables: list[str], draw: random.Random) -> list[str]:
    return ["".join(draw.choices(syllables, k=draw.randint(2, 5))) for _ in range(40)]


def dictionary(draw: random.Random, syllables: list[str]) -> dict[str, str]:
    """Words of several syllables; a small vocabulary splits some of them."""
    src, tgt = spelt(["ka", "to", "mi", "re", "su"], draw), spelt(syllables, draw)
    return dict(zip(src, tgt, strict=True))


def sentences(count: int, syllables: list[str]) -> tuple[dict[str, str], list[Sentence]]:
    """Pairs in which neighbours may change places, each target with a word of its own that translates nothing."""
    draw = random.Random(7)
    words = dictionary(draw, syllables)
    pairs = []
    for _ in range(count):
        src = draw.sample(list(words), draw.randint(2, 7))
        tgt = [words[word] for word in src]
        swapped = draw.randrange(len(tgt) - 1)
        tgt[swapped], tgt[swapped + 1] = tgt[swapped + 1], tgt[swapped]
        tgt.insert(draw.randrange(len(tgt) + 1), syllables[0])
        pairs.append(([*src[:-1], src[-1] + "."], [*tgt[:-1], tgt[-1] + "."]))
    return words, pairs


def tokenizer(texts: list[str]) -> Tokenizer:
    return train_tokenizer(texts, Counter("".join(texts)), 330, "unigram")


Encoded = list[tuple[np.ndarray, np.ndarray]]


def learn(sources: list[str], targets: list[str], joint: bool, folder: Path) -> tuple[WordAligner, Tokenizers, Encoded]:
    src = tokenizer(sources + targets) if joint else tokenizer(sources)
    tgt = src if joint else tokenizer(targets)
    encoded = [
        (np.array(one), np.array(two)) for one, two in zip(src.encode(sources), tgt.encode(targets), strict=True)
    ]
    write_encoded(folder, encoded, [Part(len(encoded), 1.0)])
    tokenizers = Tokenizers(src, tgt, True)
    return WordAligner(Corpus(folder), tokenizers), tokenizers, encoded


@pytest.mark.parametrize("joint", [True, False])
def test_words_are_linked_to_their_translations(joint: bool, tmp_path: Path) -> None:
    words, pairs = sentences(600, ["bo", "li", "ve", "du", "ga"])
    sources, targets = [" ".join(src) for src, _ in pairs], [" ".join(tgt) for _, tgt in pairs]
    aligner, tokenizers, encoded = learn(sources, targets, joint, tmp_path)
    linked: list[tuple[str, str]] = []
    for src, tgt in encoded[:200]:
        alignment = aligner.align(src, tgt)
        assert list(chain(*alignment.src)) == src.tolist()
        assert list(chain(*alignment.tgt)) == tgt.tolist()
        assert set(alignment.certain) <= set(alignment.possible)
        assert all(len(set(side)) == len(side) for side in zip(*alignment.certain, strict=True))
        linked += _texts(alignment, tokenizers)
    right = sum(words.get(src, src) == tgt for src, tgt in linked)
    assert right > 0.98 * len(linked)
    # Each source word, and the full stop.
    assert right > 0.8 * sum(len(src) + 1 for src, _ in pairs[:200])


def _texts(alignment: WordAlignment, tokenizers: Tokenizers) -> list[tuple[str, str]]:
    return [
        (tokenizers.src.decode(alignment.src[i]).strip(), tokenizers.tgt.decode(alignment.tgt[j]).strip())
        for i, j in alignment.certain
    ]


def test_pieces_are_linked_where_there_are_no_blanks_between_words(tmp_path: Path) -> None:
    _, pairs = sentences(200, ["の", "が", "日", "本", "る"])
    sources, targets = [" ".join(src) for src, _ in pairs], ["".join(tgt) for _, tgt in pairs]
    aligner, tokenizers, encoded = learn(sources, targets, False, tmp_path)
    for src, tgt in encoded:
        alignment = aligner.align(src, tgt)
        assert len(alignment.src) == len(tokenizers.src.decode(src.tolist()).split()) + 1  # The full stop.
        assert [len(word) for word in alignment.tgt] == [1] * len(tgt)


def test_a_side_without_pieces_has_no_links(tmp_path: Path) -> None:
    _, pairs = sentences(50, ["bo", "li"])
    sources = [" ".join(src) for src, _ in pairs]
    aligner, _, encoded = learn(sources, sources, True, tmp_path)
    empty, sentence = np.empty(0, np.int32), encoded[0][0]
    for src, tgt in ((empty, empty), (empty, sentence), (sentence, empty)):
        assert aligner.align(src, tgt).possible == []
