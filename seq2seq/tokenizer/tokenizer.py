"""SentencePiece subword pieces: text to ids and back.

A `Tokenizer` is lossless: text is neither normalised nor stripped of blanks, and characters outside the vocabulary are
encoded in bytes. Only U+2581, SentencePiece's own sign for a blank, is decoded as a blank. `Tokenizers`, those of a
model, first bring text into the form that the model was trained on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sentencepiece

from seq2seq.errors import InputError
from seq2seq.io.manifest import SealedFolder
from seq2seq.tokenizer.model_file import LARGEST_FILE, check_model
from seq2seq.tokenizer.normalization import source_form, target_form
from seq2seq.tokenizer.symbols import SPANS

SPECIAL = PAD, UNK, BOS, EOS = 0, 1, 2, 3
"""Ids of the special pieces, the same in every vocabulary."""


class Tokenizer:
    """A trained SentencePiece model."""

    def __init__(self, model: bytes) -> None:
        """Raises InputError if `model` is not the content of a SentencePiece model made by `tokenizer.training`."""
        check_model(model)
        self.model = model
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
        except RuntimeError as error:
            raise InputError(f"not a SentencePiece model ({str(error).splitlines()[0]})") from None

    def __len__(self) -> int:
        return int(self._processor.GetPieceSize())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Piece ids of each text, without bos or eos."""
        ids: list[list[int]] = self._processor.Encode(list(texts))
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the pieces; byte pieces that are not valid UTF-8 become U+FFFD."""
        return str(self._processor.Decode(list(ids)))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The pieces as strings, for people to read."""
        return [self._processor.IdToPiece(i) for i in ids]

    def byte_pieces(self) -> set[int]:
        """The ids of the byte-fallback pieces, which encode characters outside the vocabulary."""
        return {i for i in range(len(self)) if self._processor.IsByte(i)}

    def starts_word(self, piece_id: int) -> bool:
        """Whether the piece begins with a blank."""
        return self._processor.IdToPiece(piece_id).startswith("\u2581")

    def forbidden_ids(self) -> list[int]:
        """Pieces that no translation may contain: the special pieces except eos, and any with a line break."""
        breaking = [i for i in range(len(self)) if self._breaks_line(self._processor.IdToPiece(i))]
        return [PAD, UNK, BOS, *breaking]

    @staticmethod
    def _breaks_line(piece: str) -> bool:
        return piece in ("<0x0A>", "<0x0D>") or "\n" in piece or "\r" in piece


@dataclass(frozen=True)
class Tokenizers:
    """The vocabularies of both sides; a joint one is the same object twice."""

    src: Tokenizer
    tgt: Tokenizer
    normalize: bool
    """Whether text is normalised before it is encoded; otherwise only white space at its ends is removed."""

    def source_text(self, line: str) -> str:
        """A source line as the model reads it; empty if it is blank."""
        return source_form(line) if self.normalize else line.strip()

    def target_text(self, line: str) -> str:
        """A target line as the model learns it; empty if it is blank."""
        return target_form(line) if self.normalize else line.strip()

    def encode_sources(self, lines: Iterable[str]) -> list[list[int]]:
        """Piece ids of each source line, without eos; none for a blank line."""
        return self.src.encode([self.source_text(line) for line in lines])

    def encode_targets(self, lines: Iterable[str]) -> list[list[int]]:
        """Piece ids of each target line, without bos or eos; none for a blank line."""
        return self.tgt.encode([self.target_text(line) for line in lines])

    @property
    def joint(self) -> bool:
        """Whether both sides share one vocabulary."""
        return self.src is self.tgt

    @property
    def has_symbols(self) -> bool:
        """Whether both vocabularies have the symbols of protected spans."""
        return all(side.pieces([SPANS.start]) == ["<span1>"] for side in (self.src, self.tgt))

    def files(self) -> dict[str, Tokenizer]:
        """The tokenizer in each file, by file name."""
        return dict(zip(self.file_names(self.joint), (self.src, self.tgt), strict=False))

    def contents(self) -> dict[str, bytes]:
        """The content of each file, by file name."""
        return {name: tokenizer.model for name, tokenizer in self.files().items()}

    @staticmethod
    def file_names(joint: bool) -> list[str]:
        """The files that `load` reads."""
        return ["joint.model"] if joint else ["src.model", "tgt.model"]

    @classmethod
    def load(cls, folder: SealedFolder, joint: bool, normalize: bool) -> "Tokenizers":
        """Read the vocabularies of a folder. Raises InputError naming a file that is missing or damaged."""
        loaded = [_load_tokenizer(folder, name) for name in cls.file_names(joint)]
        return cls(loaded[0], loaded[-1], normalize)


def _load_tokenizer(folder: SealedFolder, name: str) -> Tokenizer:
    model = folder.read(name, LARGEST_FILE)
    try:
        return Tokenizer(model)
    except InputError as error:
        raise InputError(f"{folder.path / name}: {error}") from None
