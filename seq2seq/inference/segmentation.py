"""Lines into the parts that are translated one by one: sentences, and pieces of sentences over the model's limit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seq2seq.tokenizer.sentence_splitting import split_sentences
from seq2seq.tokenizer.tokenizer import Tokenizers


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence of a line, or a piece of one."""

    ids: tuple[int, ...]
    """Without eos."""
    separator: str
    """Goes before its translation, after that of the part before."""
    is_piece: bool
    """Whether the sentence was over the model's limit."""


class Segmenter:
    """Segments lines."""

    def __init__(self, tokenizers: Tokenizers, limit: int, language: str | None) -> None:
        """limit: most pieces of a part. language: code of the source language; None keeps sentences together."""
        self._tokenizers, self._limit, self._language = tokenizers, limit, language

    def segment(self, lines: Sequence[str]) -> list[list[Part]]:
        """The parts of each line; none for a blank one."""
        sentences = [self._sentences(self._tokenizers.source_text(line)) for line in lines]
        ids = iter(self._tokenizers.src.encode([sentence.strip() for line in sentences for sentence in line]))
        return [list(self._parts(line, ids)) for line in sentences]

    def _sentences(self, text: str) -> list[str]:
        if self._language is None:
            return [text] if text else []
        return split_sentences(text, self._language)

    def _parts(self, sentences: list[str], ids: Iterator[list[int]]) -> Iterator[Part]:
        """ids: those of each sentence, and then of sentences of other lines."""
        separator = ""
        for sentence in sentences:
            pieces = list(self._pieces(next(ids)))
            for piece in pieces:
                yield Part(tuple(piece), separator, len(pieces) > 1)
                separator = " "
            separator = sentence[len(sentence.rstrip()) :] or " "

    def _pieces(self, ids: list[int]) -> Iterator[list[int]]:
        """Ids in pieces of at most `limit`, which start with a word if possible."""
        start = 0
        while len(ids) - start > self._limit:
            latest, earliest = start + self._limit, start + self._limit // 2
            starts = (i for i in range(latest, earliest, -1) if self._tokenizers.src.starts_word(ids[i]))
            end = next(starts, latest)
            yield ids[start:end]
            start = end
        yield ids[start:]
