"""Training SentencePiece vocabularies on a corpus."""

import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import sentencepiece

from seq2seq.errors import InputError
from seq2seq.tokenizer.symbols import NAMES
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD, UNK, Tokenizer

_BYTE_PIECES = 256
_SPECIAL_PIECES = 4
# SentencePiece splits its sums by thread: the vocabulary may depend on the number of threads.
_TRAINING_THREADS = 2
# SentencePiece skips lines of more bytes, and a character has at most 4.
_LONGEST_BYTES = 4192
_LONGEST_PART = _LONGEST_BYTES // 4


def default_vocab_size(pairs: int, characters: Counter[str]) -> int:
    """Vocabulary size for a corpus: 24 times the square root of its pairs, or twice its characters if there are many.

    A multiple of 8 between 3,400 and 32,000, though a small text may have fewer pieces. 29,000 pairs in an alphabetic
    script get 4,088.
    """
    by_pairs = 24 * math.sqrt(pairs)
    by_characters = 2 * _characters_within(characters, 0.9995) + _BYTE_PIECES + _SPECIAL_PIECES + len(NAMES)
    return min(max(8 * math.ceil(max(by_pairs, by_characters) / 8), 3_400), 32_000)


def train_tokenizer(
    texts: Iterable[str], characters: Counter[str], vocab_size: int, model_type: str, *, symbols: bool = False
) -> Tokenizer:
    """Train a vocabulary of at most `vocab_size` pieces on `texts`.

    characters: how often each character occurs in the texts. If the vocabulary is too small for all of them,
        at most half of it is single characters and the rarest are encoded in bytes.
    model_type: `unigram` or `bpe`.
    symbols: whether it has the symbols of protected spans.
    Raises InputError if vocab_size is too small for the bytes, the special pieces and the symbols.
    """
    names = NAMES if symbols else ()
    fixed = _BYTE_PIECES + _SPECIAL_PIECES + len(names)
    room = vocab_size - fixed
    if room < 2:
        raise InputError(
            f"tokenizer.vocab_size = {vocab_size} is too small: {fixed} pieces are bytes, special pieces and symbols; "
            "use at least 500"
        )
    # SentencePiece's own character_coverage goes no lower than 0.98: remove rare characters beforehand.
    rare = dict.fromkeys(ord(character) for character, _ in characters.most_common()[room // 2 :])
    model = io.BytesIO()
    options: dict[str, Any] = {
        "model_type": model_type,
        "vocab_size": vocab_size,
        "hard_vocab_limit": False,
        "byte_fallback": True,
        "character_coverage": 1.0,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "pad_id": PAD,
        "unk_id": UNK,
        "bos_id": BOS,
        "eos_id": EOS,
        # They get the ids after the special pieces.
        "control_symbols": list(names),
        "num_threads": _TRAINING_THREADS,
        "minloglevel": 2,
    }
    try:
        sentencepiece.SentencePieceTrainer.Train(sentence_iterator=_without(rare, texts), model_writer=model, **options)
    except RuntimeError as error:
        raise InputError(f"the tokenizer could not be trained: {str(error).splitlines()[0]}") from None
    return Tokenizer(model.getvalue())


def _without(rare: dict[int, None], texts: Iterable[str]) -> Iterator[str]:
    """The texts without rare characters, and in parts where they are long."""
    for text in texts:
        short = text.translate(rare) if rare else text
        if len(short) <= _LONGEST_PART or len(short.encode()) <= _LONGEST_BYTES:
            yield short
        else:
            yield from _parts(short)


def _parts(text: str) -> Iterator[str]:
    """A long text in parts, cut at blanks if it has any."""
    start = 0
    while len(text) - start > _LONGEST_PART:
        end = text.rfind(" ", start + 1, start + _LONGEST_PART + 1)
        end = end if end > 0 else start + _LONGEST_PART
        yield text[start:end]
        start = end + (text[end] == " ")
    yield text[start:]


def _characters_within(characters: Counter[str], coverage: float) -> int:
    """How many of the most frequent characters cover a share `coverage` of a text."""
    needed, seen = coverage * characters.total(), 0
    for rank, (_, count) in enumerate(characters.most_common()):
        if seen >= needed:
            return rank
        seen += count
    return len(characters)
