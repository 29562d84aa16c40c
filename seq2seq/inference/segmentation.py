"""Lines into the parts that are translated one by one, and back.

A part is a sentence, or a piece of one that is over the model's limit. Its protected spans and terms are symbols, and
the text around them is brought to the style of the training text.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise

from seq2seq.inference.glossary import Glossary
from seq2seq.inference.part_search import Source
from seq2seq.tokenizer.letter_case import LetterCase
from seq2seq.tokenizer.profile import TextProfile
from seq2seq.tokenizer.protection import KeptSpan, ProtectedPart, protect, restore
from seq2seq.tokenizer.scripts import is_unspaced
from seq2seq.tokenizer.sentence_splitting import split_sentences
from seq2seq.tokenizer.spans import MARK, SPAN_MARK, TAG_MARK, Kind, Span, find_spans, is_translatable
from seq2seq.tokenizer.tokenizer import Tokenizer, Tokenizers


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence of a line, or a piece of one."""

    source: Source
    """What the model reads."""
    spans: Mapping[int, KeptSpan]
    """Its protected spans and terms, by symbol."""
    sentence: "Sentence"
    """The sentence that it is, or belongs to."""
    starts_sentence: bool
    exceeds_limit: bool
    """Whether the sentence was over the model's limit."""
    separator: str
    """Goes before its translation, after that of the part before."""

    @property
    def ids(self) -> tuple[int, ...]:
        """What the model reads, with symbols; empty if there is nothing to translate."""
        return self.source.ids


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in the style of the training text, without the blanks after it."""

    text: str
    spans: Sequence[Span]
    blanks: str
    is_translatable: bool

    def with_marks(self) -> tuple[str, list[str]]:
        """The text with its terms translated and a mark instead of each span, and the spans."""
        text, position, kept = "", 0, []
        for span in self.spans:
            text += self.text[position : span.start]
            if span.translation is None:
                kept.append(self.text[span.start : span.end])
            text += _mark(span.kind) if span.translation is None else span.translation
            position = span.end
        return text + self.text[position:], kept


@dataclass(frozen=True, slots=True)
class Line:
    """A line in parts."""

    parts: Sequence[Part]
    """None if the line is blank."""
    restore_style: Callable[[str], str]
    """Brings a translation to the style of the line."""
    capitalize: Callable[[str], str] | None
    """Gives a term a capital at its start; None if sentences of the target language have none there."""

    def join(self, tokenizer: Tokenizer, translations: Sequence[Sequence[int]]) -> str:
        """The text of translations of its parts. translations: tokens without eos."""
        text, kept = "", []
        for part, tokens in zip(self.parts, translations, strict=True):
            translated, spans = self._with_marks(tokenizer, part, tokens) if part.ids else part.sentence.with_marks()
            text += part.separator + translated
            kept += spans
        remaining = iter(kept)
        return MARK.sub(lambda mark: next(remaining, mark[0]), self.restore_style(text))

    def _with_marks(self, tokenizer: Tokenizer, part: Part, tokens: Sequence[int]) -> tuple[str, list[str]]:
        """A translation with a mark instead of each span, and the spans in its order."""
        spans = {
            symbol: span if span.is_term else replace(span, text=_mark(span.kind))
            for symbol, span in part.spans.items()
        }
        if self.capitalize and part.starts_sentence and tokens and (first := spans.get(tokens[0])) and first.is_term:
            spans[tokens[0]] = replace(first, text=self.capitalize(first.text))
        kept = [part.spans[token].text for token in tokens if token in spans and not spans[token].is_term]
        return restore(tokenizer, tokens, spans), kept


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
        # A line may have marks of its own: they are protected as well.
        self._split, self._keep, self._glossary = split, (*keep, MARK), glossary
        capitalizes = profile.tgt_casing.capitalizes_sentences
        self._capitalize = LetterCase(profile.tgt_lang).capitalize_first if capitalizes else None
        self._between_pieces = "" if profile.unspaced_targets else " "
        # Where the source language has no blanks between sentences but the target language has.
        self._between_sentences = self._between_pieces if is_unspaced(profile.src_characters) else ""

    def segment(self, lines: Sequence[str]) -> list[Line]:
        """The parts of each line."""
        styled = [self._in_style(line) for line in lines]
        sentences = [list(self._sentences(text, spans)) for text, spans, _ in styled]
        flat = list(chain.from_iterable(sentences))
        texts = [sentence.text if sentence.is_translatable else "" for sentence in flat]
        spans = [sentence.spans if sentence.is_translatable else () for sentence in flat]
        protected = iter(self._sources(texts, spans))
        return [
            Line(list(self._parts(line, protected)), restore_style, self._capitalize)
            for line, (_, _, restore_style) in zip(sentences, styled, strict=True)
        ]

    def _sources(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> list[list[tuple[Source, ProtectedPart]]]:
        """What the model reads of each text, in parts."""
        protected = protect(self._tokenizers.src, texts, spans, self._limit)
        # Those that have terms, and no other spans, are also read without the glossary.
        only_terms = [all(span.translation for span in text_spans) and bool(text_spans) for text_spans in spans]
        plain_texts = [text for text, has_terms in zip(texts, only_terms, strict=True) if has_terms]
        plain = iter(protect(self._tokenizers.src, plain_texts, [()] * len(plain_texts), self._limit))
        return [
            list(_with_drafts(parts, next(plain) if has_terms else None))
            for parts, has_terms in zip(protected, only_terms, strict=True)
        ]

    def _in_style(self, line: str) -> tuple[str, list[Span], Callable[[str], str]]:
        """A line in the style of the training text, its spans and terms, and what brings a translation back."""
        found = find_spans(line, self._keep) if self._tokenizers.has_symbols else []
        text = self._tokenizers.source_text(_marked(line, found))
        if not text:
            return "", [], str
        adapted = self._profile.adapt(text)
        chunks = MARK.split(adapted.text) if found else [adapted.text]
        styled, spans = chunks[0], []
        for span, chunk in zip(found, chunks[1:], strict=True):
            kept = line[span.start : span.end]
            spans.append(span._replace(start=len(styled), end=len(styled) + len(kept)))
            styled += kept + chunk
        return styled, self._with_terms(styled, spans), adapted.restore

    def _with_terms(self, text: str, spans: list[Span]) -> list[Span]:
        """The spans, and the terms outside of them."""
        if not self._glossary:
            return spans
        ends = [span.end for span in spans]
        terms = []
        for term in self._glossary.find(text):
            next_span = bisect_right(ends, term.start)
            if next_span == len(spans) or spans[next_span].start >= term.end:
                terms.append(term)
        return sorted([*spans, *terms], key=lambda span: span.start)

    def _sentences(self, text: str, spans: Sequence[Span]) -> Iterator[Sentence]:
        """The sentences of a text; none ends within a span or before a closing tag."""
        ends = _ends_of_sentences(text, spans, self._profile.src_lang) if self._split else [len(text)]
        remaining = list(reversed(spans))
        for start, end in pairwise([0, *_outside(ends, text, spans)]):
            sentence = text[start:end]
            stripped = sentence.rstrip()
            inside = []
            while remaining and remaining[-1].start < end:
                span = remaining.pop()
                if span.start - start < len(stripped):
                    span_end = min(span.end - start, len(stripped))
                    inside.append(span._replace(start=span.start - start, end=span_end))
            if stripped:
                yield Sentence(stripped, inside, sentence[len(stripped) :], self._is_translatable(stripped, inside))

    def _is_translatable(self, text: str, spans: Sequence[Span]) -> bool:
        return is_translatable(text, spans if self._tokenizers.has_symbols else find_spans(text))

    def _parts(
        self, sentences: Sequence[Sentence], protected: Iterator[list[tuple[Source, ProtectedPart]]]
    ) -> Iterator[Part]:
        """The parts of a line. protected: those of each of its sentences, and then of other lines."""
        separator = ""
        for sentence in sentences:
            pieces = next(protected) or [(Source(()), ProtectedPart([], {}, ""))]
            exceeds_limit = sum(len(source.ids) for source, _ in pieces) > self._limit
            before = None
            for source, piece in pieces:
                if before is not None:
                    is_at_span = before.ids[-1] in before.spans or piece.ids[0] in piece.spans
                    separator = piece.before if is_at_span else self._between_pieces
                yield Part(source, piece.spans, sentence, before is None, exceeds_limit, separator)
                before = piece
            separator = sentence.blanks or self._between_sentences


def _mark(kind: Kind) -> str:
    return SPAN_MARK if kind is Kind.STANDALONE else TAG_MARK


def _marked(text: str, spans: Sequence[Span]) -> str:
    """The text with a mark instead of each span."""
    marked, position = "", 0
    for span in spans:
        marked += text[position : span.start] + _mark(span.kind)
        position = span.end
    return marked + text[position:]


def _with_drafts(
    parts: Sequence[ProtectedPart], plain: Sequence[ProtectedPart] | None
) -> Iterator[tuple[Source, ProtectedPart]]:
    """Parts with what the model reads of them. plain: the same text without its terms, if these are all its spans."""
    for part in parts:
        ids = tuple(part.ids)
        terms = {symbol: span.text for symbol, span in part.spans.items() if span.is_term}
        if plain is not None:
            # Several parts may be cut otherwise.
            is_single = len(plain) == len(parts) == 1
            yield Source(ids, tuple(plain[0].ids), tuple(terms.values())) if is_single else Source(ids), part
        elif part.spans:
            yield Source(ids, tuple(token for token in ids if token not in part.spans or token in terms)), part
        else:
            yield Source(ids), part


def _ends_of_sentences(text: str, spans: Sequence[Span], language: str) -> Iterator[int]:
    """Where sentences end, as if tags were not there and other markup, such as a line break, was a blank."""
    markup = [span for span in spans if span.translation is None and text[span.start] in "<\\"]
    if not markup:
        yield from accumulate(map(len, split_sentences(text, language)))
        return
    bare, origins, position = "", list[int](), 0
    for span in [*markup, Span(len(text), len(text), Kind.UNPAIRED)]:
        blank = " " if span.kind is Kind.STANDALONE else ""
        bare += text[position : span.start] + blank
        origins += [*range(position, span.start), *(span.start for _ in blank)]
        position = span.end
    sentences = split_sentences(bare, language)
    for sentence, end in list(zip(sentences, accumulate(map(len, sentences)), strict=True))[:-1]:
        if visible := sentence.rstrip():
            yield origins[end - len(sentence) + len(visible) - 1] + 1
    yield len(text)


def _outside(ends: Iterable[int], text: str, spans: Sequence[Span]) -> Iterator[int]:
    """The ends of sentences that are not within a span, each moved after the closing tags and blanks that follow it."""
    position = start = 0
    for end in ends:
        while position < len(spans) and spans[position].end <= end:
            position += 1
        if end <= start or (position < len(spans) and spans[position].start < end):
            continue
        start = _after_blanks(text, end)
        while position < len(spans) and spans[position].start == start and spans[position].kind is Kind.CLOSING:
            start = _after_blanks(text, spans[position].end)
            position += 1
        yield start


def _after_blanks(text: str, position: int) -> int:
    while text.startswith(" ", position):
        position += 1
    return position
