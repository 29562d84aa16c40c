"""Lines into the parts that are translated one by one, and back.

A part is a sentence, or a piece of one that is over the model's limit. Its protected spans are symbols, and the text
around them is brought to the style of the training text.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise

from seq2seq.inference.glossary import Glossary, capitalized
from seq2seq.tokenizer.profile import TextProfile
from seq2seq.tokenizer.protection import KeptSpan, ProtectedPart, protect, restore
from seq2seq.tokenizer.sentence_splitting import split_sentences
from seq2seq.tokenizer.spans import Span, find_spans, is_translatable
from seq2seq.tokenizer.tokenizer import Tokenizer, Tokenizers

# Private characters that stand for spans while the style of the text around them is changed.
_FIRST_MARK = 0x100000
_MARK = re.compile("[\U00100000-\U0010fffd]")


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence of a line, or a piece of one."""

    text: str
    """Of the sentence. It is its own translation if there is nothing to translate."""
    ids: tuple[int, ...]
    """What the model reads, without eos; empty if there is nothing to translate."""
    spans: Mapping[int, KeptSpan]
    """Its protected spans, by symbol."""
    separator: str
    """Goes before its translation, after that of the part before."""
    is_piece: bool
    """Whether the sentence was over the model's limit."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line in parts."""

    parts: Sequence[Part]
    """None if the line is blank."""
    restore_style: Callable[[str], str]
    """Brings a translation to the style of the line."""
    capitalizes: bool
    """Whether a translation begins with a capital, also where it begins with a term."""

    def join(self, tokenizer: Tokenizer, translations: Sequence[Sequence[int]]) -> str:
        """The text of translations of its parts. translations: tokens without eos."""
        kept: list[str] = []
        text = ""
        for part, tokens in zip(self.parts, translations, strict=True):
            spans = part.spans
            if self.capitalizes and tokens and tokens[0] in spans and spans[tokens[0]].is_term:
                term = spans[tokens[0]]
                spans = {**spans, tokens[0]: replace(term, text=capitalized(term.text))}
            if self.restore_style is not str:
                spans = _marked(spans, kept)
            text += part.separator + (restore(tokenizer, tokens, spans) if part.ids else part.text)
        text = self.restore_style(text)
        return _MARK.sub(lambda mark: kept[ord(mark[0]) - _FIRST_MARK], text) if kept else text


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    spans: Sequence[Span]
    blanks: str
    """After it."""

    @property
    def is_translatable(self) -> bool:
        return is_translatable(self.text, self.spans)


_NOTHING = _Sentence("", (), "")


class Segmenter:
    """Segments lines for a model."""

    def __init__(
        self,
        tokenizers: Tokenizers,
        profile: TextProfile,
        limit: int,
        *,
        split: bool,
        keep: Sequence[re.Pattern[str]] = (),
        glossary: Glossary | None = None,
    ) -> None:
        """limit: most pieces of a part. split: whether to split lines into sentences. keep: what to protect as well.

        glossary: terms with their translations.
        """
        self._tokenizers, self._profile, self._limit = tokenizers, profile, limit
        self._split, self._keep, self._glossary = split, keep, glossary
        self._separator = "" if profile.unspaced_targets else " "

    def segment(self, lines: Sequence[str]) -> list[Line]:
        """The parts of each line."""
        styled = [self._in_style(self._tokenizers.source_text(line)) for line in lines]
        sentences = [list(self._sentences(text, spans)) for text, spans, _ in styled]
        flat = [sentence if sentence.is_translatable else _NOTHING for sentence in chain.from_iterable(sentences)]
        texts = [sentence.text for sentence in flat]
        spans = [sentence.spans if self._tokenizers.has_symbols else () for sentence in flat]
        protected = iter(protect(self._tokenizers.src, texts, spans, self._limit))
        return [
            Line(list(self._parts(line, protected)), restore_style, self._profile.tgt_casing.capitalizes_sentences)
            for line, (_, _, restore_style) in zip(sentences, styled, strict=True)
        ]

    def _in_style(self, text: str) -> tuple[str, list[Span], Callable[[str], str]]:
        """A text in the style of the training text, its spans, and what brings a translation to its own style."""
        spans = self._spans(text)
        kept = [text[span.start : span.end] for span in spans]
        adapted = self._profile.adapt(_with_marks(text, spans))
        chunks = _MARK.split(adapted.text) if spans else [adapted.text]
        if len(chunks) != len(spans) + 1:  # the text has such characters of its own
            return text, spans, str
        styled, moved = chunks[0], []
        for span, span_text, chunk in zip(spans, kept, chunks[1:], strict=True):
            moved.append(replace(span, start=len(styled), end=len(styled) + len(span_text)))
            styled += span_text + chunk
        return styled, moved, adapted.restore

    def _spans(self, text: str) -> list[Span]:
        """What is protected, and the terms outside of it."""
        spans = find_spans(text, self._keep)
        terms = self._glossary.find(text) if self._glossary else []
        free = [term for term in terms if all(term.end <= span.start or term.start >= span.end for span in spans)]
        return sorted([*spans, *free], key=lambda span: span.start)

    def _sentences(self, text: str, spans: Sequence[Span]) -> Iterator[_Sentence]:
        """The sentences of a text; none ends within a span."""
        lengths = map(len, split_sentences(text, self._profile.src_lang) if self._split else [text])
        ends = [end for end in accumulate(lengths) if not any(span.start < end < span.end for span in spans)]
        for start, end in pairwise([0, *ends]):
            sentence = text[start:end]
            inside = [span for span in spans if start <= span.start < end]
            moved = [replace(span, start=span.start - start, end=span.end - start) for span in inside]
            if sentence:
                yield _Sentence(sentence.rstrip(), moved, sentence[len(sentence.rstrip()) :])

    def _parts(self, sentences: Sequence[_Sentence], protected: Iterator[list[ProtectedPart]]) -> Iterator[Part]:
        """The parts of a line. protected: those of each of its sentences, and then of other lines."""
        separator = ""
        for sentence in sentences:
            pieces = next(protected) or [ProtectedPart([], {}, "")]
            for before, piece in zip([None, *pieces], pieces, strict=False):
                if before is not None:
                    is_at_span = before.ids[-1] in before.spans or piece.ids[0] in piece.spans
                    separator = piece.before if is_at_span else self._separator
                yield Part(sentence.text, tuple(piece.ids), piece.spans, separator, len(pieces) > 1)
            separator = sentence.blanks or self._separator


def _with_marks(text: str, spans: Sequence[Span]) -> str:
    """The text with a mark instead of each span."""
    marked, position = "", 0
    for number, span in enumerate(spans):
        marked += text[position : span.start] + chr(_FIRST_MARK + number)
        position = span.end
    return marked + text[position:]


def _marked(spans: Mapping[int, KeptSpan], kept: list[str]) -> dict[int, KeptSpan]:
    """The spans with a mark instead of their text, which is added to `kept`."""
    marked = {}
    for symbol, span in spans.items():
        marked[symbol] = replace(span, text=chr(_FIRST_MARK + len(kept)))
        kept.append(span.text)
    return marked
