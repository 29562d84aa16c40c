"""Encoded pairs on disk match the tokenizers' output; dropped pairs are counted; errors name the damaged file."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from seq2seq.data import corpus as corpus_module
from seq2seq.data.bitext import Pair
from seq2seq.data.corpus import Corpus, CorpusWriter, Part
from seq2seq.errors import InputError
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS
from seq2seq.tokenizer.tokenizer import Tokenizer
from seq2seq.tokenizer.training import train_tokenizer

GERMAN = ["der", "Hund", "die", "Katze", "sieht", "rennt", "ein", "Haus", "Baum", "groß", "klein", "rot", "blau"]
ENGLISH = ["the", "dog", "cat", "sees", "runs", "a", "house", "tree", "big", "small", "red", "blue"]


def make_pairs(count: int = 25) -> list[Pair]:
    draw = random.Random(4)
    return [
        Pair(
            " ".join(draw.choices(GERMAN, k=draw.randint(1, 8))),
            " ".join(draw.choices(ENGLISH, k=draw.randint(1, 8))),
            i,
        )
        for i in range(1, count + 1)
    ]


def train(texts: list[str]) -> Tokenizer:
    return train_tokenizer(texts, Counter("".join(texts)), 320, "unigram")


def write(pairs: Iterable[Pair], src: Tokenizer, tgt: Tokenizer, limit: int, folder: Path) -> tuple[int, list[int]]:
    """Write a corpus. Returns the number of pairs kept and the lines of those that are too long."""
    too_long: list[int] = []
    with CorpusWriter(folder, src, tgt, limit) as writer:
        return writer.add(pairs, lambda line, _: too_long.append(line)), too_long


@pytest.fixture(scope="module")
def german() -> Tokenizer:
    return train([pair.src for pair in make_pairs()])


@pytest.fixture(scope="module")
def english() -> Tokenizer:
    return train([pair.tgt for pair in make_pairs()])


@pytest.mark.parametrize("chunk", [1, 4, 25, 10_000])
def test_corpus_matches_the_output_of_the_tokenizers(
    german: Tokenizer, english: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(corpus_module, "_CHUNK", chunk)
    pairs = [*make_pairs(), Pair("😀\0", "日本", 26)]
    assert write(iter(pairs), german, english, 1000, tmp_path / "new" / "corpus") == (26, [])
    corpus = Corpus(tmp_path / "new" / "corpus")
    assert len(corpus) == len(corpus.src) == len(corpus.tgt) == 26
    for side, tokenizer in (("src", german), ("tgt", english)):
        expected = tokenizer.encode([getattr(pair, side) for pair in pairs])
        stored = getattr(corpus, side)
        assert [stored[i].tolist() for i in range(len(corpus))] == expected
        assert stored.lengths(np.array([3, 0, 25])).tolist() == [len(expected[i]) for i in (3, 0, 25)]
        assert isinstance(stored[0].base.base, np.memmap)  # memory-mapped, not read


def test_spans_of_both_sides_are_stored_as_symbols(tmp_path: Path) -> None:
    texts = [text for pair in make_pairs() for text in (pair.src, pair.tgt)]
    joint = train_tokenizer(texts, Counter("".join(texts)), 340, "unigram", symbols=True)
    pairs = [Pair("der Hund {0} <b>rot</b>", "{0} the <b>red</b> dog", 1), Pair("der Hund 2010", "the dog", 2)]
    assert write(pairs, joint, joint, 1000, tmp_path)[0] == 2
    corpus = Corpus(tmp_path)
    symbols = [[piece for piece in side[0].tolist() if piece in SYMBOLS] for side in (corpus.src, corpus.tgt)]
    assert symbols == [[SPANS[0], OPENING[0], CLOSING[0]]] * 2
    assert corpus.src[1].tolist() == joint.encode([pairs[1].src])[0]


def test_pairs_that_are_too_long_are_dropped_and_counted(german: Tokenizer, english: Tokenizer, tmp_path: Path) -> None:
    def pieces(pair: Pair) -> int:
        return max(len(german.encode([pair.src])[0]), len(english.encode([pair.tgt])[0]))

    fits, long = Pair("der Hund", "the dog", 1), "the dog sees the cat"
    limit = pieces(fits)
    assert pieces(Pair("der", long, 0)) > limit
    pairs = [fits, Pair("der", long, 3), Pair(long, "the", 6), Pair("der", "the", 8)]
    assert write(pairs, german, english, limit, tmp_path) == (2, [3, 6])
    corpus = Corpus(tmp_path)
    assert [german.decode(corpus.src[i].tolist()) for i in range(len(corpus))] == ["der Hund", "der"]
    assert [english.decode(corpus.tgt[i].tolist()) for i in range(len(corpus))] == ["the dog", "the"]


def test_corpus_without_pairs_can_be_read(german: Tokenizer, english: Tokenizer, tmp_path: Path) -> None:
    assert write([], german, english, 10, tmp_path) == (0, [])
    assert len(Corpus(tmp_path)) == 0


def test_sources_are_concatenated_with_their_weights(german: Tokenizer, english: Tokenizer, tmp_path: Path) -> None:
    with CorpusWriter(tmp_path, german, english, 1000) as writer:
        writer.add(make_pairs(3), print, weight=2.5)
        writer.add([], print)
        writer.add(make_pairs(2), print)
    corpus = Corpus(tmp_path)
    assert corpus.parts == [Part(3, 2.5), Part(0, 1.0), Part(2, 1.0)]
    assert corpus.src[3].tolist() == corpus.src[0].tolist() == german.encode([make_pairs(1)[0].src])[0]


def test_pieces_are_counted(german: Tokenizer, english: Tokenizer, tmp_path: Path) -> None:
    pairs = [*make_pairs(), Pair("日", "the", 26)]
    with CorpusWriter(tmp_path, german, english, 1000) as writer:
        writer.add(pairs, print)
    ids = german.encode([pair.src for pair in pairs])
    assert writer.src_pieces.of_piece.tolist() == [sum(row.count(piece) for row in ids) for piece in range(len(german))]
    assert writer.src_pieces.of_length.nonzero()[0].tolist() == sorted({len(row) for row in ids})
    assert writer.src_pieces.of_length.sum() == len(pairs)


def _set_offset(position: int, value: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        offsets = np.fromfile(path, "<i8")
        offsets[position] = value
        offsets.tofile(path)

    return damage


def _truncate(count: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-count])

    return damage


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _into_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("side", ["src", "tgt"])
@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("ids", Path.unlink),
        ("ids", _truncate(1)),
        ("ids", _truncate(4)),
        ("ids", _empty),
        ("ids", _into_folder),
        ("offsets", Path.unlink),
        ("offsets", _truncate(1)),
        ("offsets", _truncate(8)),
        ("offsets", _empty),
        ("offsets", _set_offset(0, 1)),
        ("offsets", _set_offset(-1, 10**9)),
        ("offsets", _set_offset(2, 0)),
        ("offsets", _set_offset(2, -1)),
        ("offsets", _set_offset(2, 10**9)),
    ],
    ids=[
        "no ids",
        "ids truncated within an id",
        "one id missing",
        "ids empty",
        "ids are a folder",
        "no offsets",
        "offsets truncated within an offset",
        "one offset missing",
        "offsets empty",
        "first offset not 0",
        "last offset too large",
        "offsets decrease",
        "negative offset",
        "offset too large",
    ],
)
def test_damage_is_an_input_error_that_names_the_file(
    german: Tokenizer, english: Tokenizer, tmp_path: Path, side: str, kind: str, damage: Callable[[Path], None]
) -> None:
    write(make_pairs(), german, english, 1000, tmp_path)
    damage(tmp_path / f"{side}.{kind}")
    # If the two files of a side disagree, the error may name either.
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / side}.") + "(ids|offsets)"):
        Corpus(tmp_path)


def test_sides_of_different_corpora_are_an_input_error(german: Tokenizer, english: Tokenizer, tmp_path: Path) -> None:
    write(make_pairs(), german, english, 1000, tmp_path / "one")
    write(make_pairs(10), german, english, 1000, tmp_path / "other")
    for name in ("tgt.ids", "tgt.offsets"):
        (tmp_path / "other" / name).replace(tmp_path / "one" / name)
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / 'one'}: damaged (25 source but 10 target sentences)")):
        Corpus(tmp_path / "one")


@pytest.mark.parametrize("name", ["missing", "file"])
def test_corpus_that_is_not_a_folder_is_an_input_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=re.escape(str(tmp_path / name))):
        Corpus(tmp_path / name)
