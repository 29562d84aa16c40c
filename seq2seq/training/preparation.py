"""From text files to a run's `data/` folder: tokenizers, encoded training and validation pairs, validation text."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seq2seq.config import DataConfig, TokenizerConfig
from seq2seq.errors import InputError
from seq2seq.model_folder import Tokenizers
from seq2seq.storage import read_json, seal_folder, to_json, verify_folder, write_file
from seq2seq.text.bitext import AlignedFiles, Bitext, Pair, TabSeparated
from seq2seq.text.corpus import Corpus, CorpusCounts, write_corpus
from seq2seq.text.tokenizer import Tokenizer, default_vocab_size, train_tokenizer
from seq2seq.training.progress import Progress

_LEAST_PAIRS = 10


@dataclass(frozen=True)
class PreparedData:
    """What training reads from a run's `data/` folder."""

    tokenizers: Tokenizers
    train: Corpus
    valid: Corpus
    valid_pairs: list[Pair]


def load_data(folder: Path, joint: bool) -> PreparedData:
    """Read a folder that `prepare_data` filled. Raises InputError where a file is missing or altered."""
    verify_folder(folder, required=("valid.json",))
    pairs = [Pair(src, tgt, line) for src, tgt, line in read_json(folder / "valid.json")]
    return PreparedData(Tokenizers.load(folder, joint), Corpus(folder / "train"), Corpus(folder / "valid"), pairs)


def prepare_data(data: DataConfig, tokenizer: TokenizerConfig, seed: int, folder: Path, progress: Progress) -> None:
    """Read the bitext, hold out validation pairs where none are given, train tokenizers, encode everything.

    Raises InputError for files that cannot be read, do not match or hold too few pairs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    train, valid = _sources(data)
    sides = _survey(train)
    if sides.pairs < _LEAST_PAIRS:
        raise InputError(f"{train}: {sides.pairs} usable pairs; training needs at least {_LEAST_PAIRS}")
    held_out = None if valid else _HeldOut(train, seed, min(data.held_out, max(1, sides.pairs // 20)))
    valid_pairs = list(valid or filter(held_out.takes, train))  # type: ignore[union-attr]
    train_pairs = _Without(train, held_out) if held_out else train

    tokenizers = _train_tokenizers(tokenizer, train_pairs, sides)
    for name, one in tokenizers.files().items():
        write_file(folder / name, one.model)
    counts = write_corpus(train_pairs, tokenizers.src, tokenizers.tgt, data.max_length, folder / "train")
    valid_counts = write_corpus(valid_pairs, tokenizers.src, tokenizers.tgt, data.max_length, folder / "valid")
    for source, one_counts in ((train, counts), (valid or "held-out pairs", valid_counts)):
        _report_left_out(str(source), one_counts, progress)
    if not counts.kept or not valid_counts.kept:
        if counts.kept and not valid:
            raise InputError(
                f"{train}: no pairs can be held out, its sources are too much alike; give validation files"
            )
        raise InputError(f"{valid if counts.kept else train}: no usable pairs")
    write_file(
        folder / "valid.json",
        to_json([[pair.src, pair.tgt, pair.line] for pair in valid_pairs if pair.usable]),
    )
    seal_folder(folder)

    vocabulary = " and ".join(f"{len(one):,}" for one in tokenizers.files().values())
    origin = "given" if valid else "held out"
    progress.note(
        f"{counts.kept:,} training pairs, {valid_counts.kept:,} validation pairs ({origin}), "
        f"vocabulary of {vocabulary} pieces{' for both languages' * tokenizers.joint}, "
        f"{counts.byte_pieces / counts.pieces:.2%} of the text in single bytes"
    )


def _sources(data: DataConfig) -> tuple[Bitext, Bitext | None]:
    train = _source(data.train, data.train_src, data.train_tgt)
    if train is None:
        raise InputError("no training data: give --train-src and --train-tgt, or --train with a TSV")
    return train, _source(data.valid, data.valid_src, data.valid_tgt)


def _source(tsv: str | None, src: str | None, tgt: str | None) -> Bitext | None:
    for name in (tsv, src, tgt):
        if name == "-" or (name and Path(name).is_fifo()):
            raise InputError(f"{name}: training data is read several times, from files; save it to a file first")
    if tsv:
        return TabSeparated(Path(tsv))
    return AlignedFiles(Path(src), Path(tgt)) if src and tgt else None


@dataclass
class _Survey:
    """What a first look at the pairs tells: how many are usable and which characters they are made of."""

    pairs: int
    src_characters: Counter[str]
    tgt_characters: Counter[str]


def _survey(pairs: Iterable[Pair]) -> _Survey:
    survey = _Survey(0, Counter(), Counter())
    for pair in pairs:
        survey.pairs += pair.usable
        survey.src_characters.update(pair.src)
        survey.tgt_characters.update(pair.tgt)
    return survey


class _HeldOut:
    """Chooses at most `count` pairs for validation, at random, so that pairs of one source stay on one side."""

    def __init__(self, pairs: Iterable[Pair], seed: int, count: int) -> None:
        self._key = seed.to_bytes(8, "little")
        hashes = np.fromiter((self._hash(pair) for pair in pairs if pair.usable), dtype=np.uint64)
        self._chosen: set[int] = set()
        # Ascending order of the hashes is a random order of the sources.
        for value, group in zip(*(part.tolist() for part in np.unique(hashes, return_counts=True)), strict=True):
            if group <= count:
                self._chosen.add(value)
                count -= group
            if not count:
                break

    def takes(self, pair: Pair) -> bool:
        return pair.usable and self._hash(pair) in self._chosen

    def _hash(self, pair: Pair) -> int:
        return int.from_bytes(hashlib.blake2b(pair.src.encode(), digest_size=8, key=self._key).digest(), "little")


@dataclass(frozen=True)
class _Without:
    """The pairs that are not held out; can be read again and again."""

    pairs: Bitext
    held_out: _HeldOut

    def __iter__(self) -> Iterator[Pair]:
        return (pair for pair in self.pairs if not self.held_out.takes(pair))


def _train_tokenizers(config: TokenizerConfig, pairs: Iterable[Pair], survey: _Survey) -> Tokenizers:
    def train(texts: Iterable[str], characters: Counter[str]) -> Tokenizer:
        size = config.vocab_size or default_vocab_size(survey.pairs, characters)
        return train_tokenizer(texts, characters, size, config.model_type)

    if config.joint:
        both = (text for pair in pairs if pair.usable for text in (pair.src, pair.tgt))
        joint = train(both, survey.src_characters + survey.tgt_characters)
        return Tokenizers(joint, joint)
    return Tokenizers(
        train((pair.src for pair in pairs if pair.usable), survey.src_characters),
        train((pair.tgt for pair in pairs if pair.usable), survey.tgt_characters),
    )


def _report_left_out(source: str, counts: CorpusCounts, progress: Progress) -> None:
    for left_out in (counts.empty, counts.too_long):
        if left_out.count:
            progress.warn(
                f"{source}: {left_out.count:,} of {counts.read:,} pairs {left_out.reason} are left out "
                f"(first: line {left_out.first_line:,})"
            )
