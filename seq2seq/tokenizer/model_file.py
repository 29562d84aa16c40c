"""Validation of a SentencePiece file before the library reads it.

A model may come from anywhere, and the library's C++ trusts what it reads: it has had memory errors on crafted files.
So its protobuf is parsed here first, and only what `train_tokenizer` writes passes: the special pieces, all symbols or
none, the bytes, distinct short pieces with scores, and no rules for rewriting text.
"""

import struct
from collections.abc import Iterator

from seq2seq.errors import InputError
from seq2seq.tokenizer.symbols import NAMES, SYMBOLS

LARGEST_FILE = 4 * 2**20
"""Bytes; a vocabulary of 32,000 pieces has less than a million."""

# SentencePiece makes pieces of at most 16 characters.
_LONGEST_PIECE = 64
_HIGHEST_SCORE = 1e7
_BLANK = "\u2581".encode()
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
_SPECIAL_PIECES = [(b"<pad>", _CONTROL), (b"<unk>", _UNKNOWN), (b"<s>", _CONTROL), (b"</s>", _CONTROL)]
_SYMBOLS = [(name.encode(), _CONTROL) for name in NAMES]
_BYTE_PIECES = [(f"<0x{byte:02X}>".encode(), _BYTE) for byte in range(256)]
# Fields of sentencepiece_model.proto, by number and wire type.
_INTEGER, _BYTES, _FLOAT = 0, 2, 5
_Field = tuple[int, int]
_Fields = list[tuple[_Field, int | float | bytes]]
_Message = dict[_Field, int | float | bytes]
_PIECE, _TRAINER, _NORMALIZER = (1, _BYTES), (2, _BYTES), (3, _BYTES)
_TEXT, _SCORE, _TYPE = (1, _BYTES), (2, _FLOAT), (3, _INTEGER)
_PIECE_FIELDS = {_TEXT, _SCORE, _TYPE}
_MODEL_TYPE = (3, _INTEGER)
_MODEL_TYPES = (1, 2)  # unigram, bpe
# Byte fallback, and the ids of unk, bos, eos and pad.
_TRAINER_FIXED = {(35, _INTEGER): 1, (40, _INTEGER): 1, (41, _INTEGER): 2, (42, _INTEGER): 3, (43, _INTEGER): 0}
# The names of the symbols, one field each.
_CONTROL_SYMBOLS = (30, _BYTES)
# Records of the training, without effect afterwards: vocabulary size, character coverage, sampling, threads.
_TRAINER_FREE = {(4, _INTEGER), (10, _FLOAT), (11, _INTEGER), (16, _INTEGER), (33, _INTEGER)}
# The identity normalizer, without rules; blanks at the ends are kept.
_NORMALIZER_FIXED = {(1, _BYTES): b"identity", (2, _BYTES): b"", (4, _INTEGER): 0}


def check_model(model: bytes) -> None:
    """Raises InputError if `model` is not as `train_tokenizer` writes it."""
    if len(model) > LARGEST_FILE:
        raise InputError(f"over {LARGEST_FILE:,} bytes, larger than any tokenizer that seq2seq trains")
    try:
        fields = list(_fields(model))
        pieces = [_message(value) for field, value in fields if field == _PIECE]
        symbols = _SYMBOLS if _are(pieces[SYMBOLS.start : SYMBOLS.stop], _SYMBOLS) else []
        _check_pieces(pieces, [*_SPECIAL_PIECES, *symbols, *_BYTE_PIECES])
        rest = [(field, value) for field, value in fields if field != _PIECE]
        if sorted(field for field, _ in rest) != [_TRAINER, _NORMALIZER]:
            raise ValueError("unexpected sections")
        _check_settings(_subfields(dict(rest)[_TRAINER]), _message(dict(rest)[_NORMALIZER]), symbols)
    except ValueError as error:
        raise InputError(f"not a SentencePiece model trained by seq2seq ({error})") from None


def _are(pieces: list[_Message], expected: list[tuple[bytes, int]]) -> bool:
    return [(piece.get(_TEXT), piece.get(_TYPE)) for piece in pieces] == expected


def _check_settings(trainer: _Fields, normalizer: _Message, symbols: list[tuple[bytes, int]]) -> None:
    if normalizer != _NORMALIZER_FIXED:
        raise ValueError("it rewrites text")
    if [value for field, value in trainer if field == _CONTROL_SYMBOLS] != [name for name, _ in symbols]:
        raise ValueError("unexpected symbols")
    settings = _distinct([(field, value) for field, value in trainer if field != _CONTROL_SYMBOLS])
    effective = {field: value for field, value in settings.items() if field not in _TRAINER_FREE}
    if effective.pop(_MODEL_TYPE, None) not in _MODEL_TYPES or effective != _TRAINER_FIXED:
        raise ValueError("unexpected settings")


def _check_pieces(pieces: list[_Message], first: list[tuple[bytes, int]]) -> None:
    """first: texts and types of the pieces at the start; all others are normal ones."""
    if not _are(pieces[: len(first)], first):
        raise ValueError("its first pieces are not the special pieces and the bytes")
    texts = set()
    for piece in pieces:
        text, score = piece.get(_TEXT), piece.get(_SCORE)
        if not isinstance(text, bytes) or not 0 < len(text) <= _LONGEST_PIECE or text in texts:
            raise ValueError("a piece is empty, too long or duplicated")
        text.decode("utf-8")
        texts.add(text)
        # A comparison with NaN is false.
        if not isinstance(score, float) or not abs(score) <= _HIGHEST_SCORE or not piece.keys() <= _PIECE_FIELDS:
            raise ValueError("a piece without a valid score, or with unexpected fields")
    if _BLANK not in texts:
        raise ValueError("it has no piece for a blank")
    if any(piece.get(_TYPE, _NORMAL) != _NORMAL for piece in pieces[len(first) :]):
        raise ValueError("a piece of an unexpected type")


def _message(data: int | float | bytes) -> _Message:
    """The fields of a nested message, each of which occurs at most once."""
    return _distinct(_subfields(data))


def _subfields(data: int | float | bytes) -> _Fields:
    return list(_fields(data)) if isinstance(data, bytes) else []


def _distinct(fields: _Fields) -> _Message:
    message = dict(fields)
    if len(message) != len(fields):
        raise ValueError("a duplicate field")
    return message


def _fields(data: bytes) -> Iterator[tuple[_Field, int | float | bytes]]:
    """The fields of a protobuf message and their values."""
    offset = 0
    while offset < len(data):
        key, offset = _varint(data, offset)
        field = (key >> 3, key & 7)
        if field[1] == _INTEGER:
            value, offset = _varint(data, offset)
            yield field, value
            continue
        size, offset = _varint(data, offset) if field[1] == _BYTES else (4, offset)
        if field[1] not in (_BYTES, _FLOAT) or offset + size > len(data):
            raise ValueError("damaged")
        chunk = data[offset : offset + size]
        yield field, chunk if field[1] == _BYTES else struct.unpack("<f", chunk)[0]
        offset += size


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """The integer of at most five bytes at `offset`, and the offset after it."""
    value = 0
    for index, byte in enumerate(data[offset : offset + 5]):
        value |= (byte & 127) << (7 * index)
        if byte < 128:
            return value, offset + index + 1
    raise ValueError("damaged")
