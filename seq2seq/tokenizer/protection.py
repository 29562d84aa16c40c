"""Protected spans between the pieces of a text, as symbols of the vocabulary, and back.

A text is cut into chunks, which stand around the spans. Each chunk is encoded by itself, as if tags were not there and
other spans were words: "Click <b>here</b>." becomes "_Click <open1> _here <close1> .", where "_" is the blank of a
piece, and "v{0}s" becomes "_v <span1> s". A blank before a symbol is not encoded; `restore` derives it from the source.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeVar

from seq2seq.tokenizer.spans import Kind, Span
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS, UNPAIRED
from seq2seq.tokenizer.tokenizer import Tokenizer

_OPENING_MARKS = frozenset("([{<¿¡'’\"“„‚‘«‹「『（【《〈/")
"""After these no blank follows."""


@dataclass(frozen=True, slots=True)
class KeptSpan:
    """A span of a source, and what stands around it there."""

    text: str
    """As it is in the translation."""
    kind: Kind
    pair: int
    index: int
    """Its number among the spans of the line."""
    before: str
    """The blanks directly before it."""
    after: str
    """The blanks directly after it."""
    previous: str
    """The last visible character before it, tags aside; empty at the start of the line."""
    previous_span: int
    """The number of the standalone span that this character ends; -1 if it belongs to the text."""
    is_separate: bool
    """Whether blanks stand between that character and the span."""
    touches_next: bool
    """Whether text stands directly after it, tags aside; of a standalone one."""
    follows_span: bool
    """Whether nothing but blanks stands between the span before it and itself."""
    is_term: bool
    """Whether it is the translation of a term."""
    closes: bool
    """Whether it is a closing tag, with or without a counterpart."""
    is_markup: bool
    """Whether it is no word of the text, such as a line break: the blanks around it are always the source's."""

    @property
    def is_tag(self) -> bool:
        """Whether it has no width: blanks go around it."""
        return self.kind is not Kind.STANDALONE


@dataclass(frozen=True, slots=True)
class ProtectedPart:
    """A line, or a part of one, as the model reads it."""

    ids: list[int]
    """Pieces and symbols, without eos."""
    spans: dict[int, KeptSpan]
    """The span of each symbol."""
    before: str
    """The blanks between the part before it and itself."""


class _Chunk(NamedTuple):
    text: str
    starts_word: bool


_Token = int | KeptSpan
_SymbolT = TypeVar("_SymbolT", int, KeptSpan)


def protect(
    tokenizer: Tokenizer, texts: Sequence[str], spans: Sequence[Sequence[Span]], max_length: int
) -> list[list[ProtectedPart]]:
    """Encode texts with their spans; a text that is too long, or has too many spans, in parts.

    A part has at most `max_length` pieces and symbols, and of each kind as many spans as there are symbols. It ends
    before a word and outside of all pairs if possible; a pair that is cut in two becomes two tags without counterpart.
    A blank text has no part.
    """
    tokens = _encode(tokenizer, [list(_layout(*layout)) for layout in zip(texts, spans, strict=True)])
    return [list(_parts(tokenizer, line, max_length)) for line in tokens]


def encode_with_symbols(
    tokenizer: Tokenizer, texts: Sequence[tuple[str, Sequence[tuple[Span, int]]]]
) -> list[list[int]]:
    """Piece ids of texts in which each span, in order, is replaced by the symbol given for it."""
    return _encode(tokenizer, [list(_chunks_and_symbols(*text)) for text in texts])


def restore(tokenizer: Tokenizer, ids: Sequence[int], spans: Mapping[int, KeptSpan]) -> str:
    """The text of a translation, with the spans of its source instead of their symbols.

    ids: without eos. spans: by symbol, as in `ProtectedPart`; a symbol without a span stands for nothing.
    The blanks around a span are those of the source where its surroundings are the same. Otherwise a blank stands
    before a standalone span, except after an opening mark, and the pieces decide on the blank after it. A tag has no
    width: the blank goes outside of its pair.
    """
    if not spans:
        return tokenizer.decode(ids)
    items = list(_items(tokenizer, ids, spans))
    text, position = "", 0
    left: str | KeptSpan | None = None
    while position < len(items):
        tags = []
        while position < len(items) and isinstance(tag := items[position], KeptSpan) and tag.is_tag:
            tags.append(tag)
            position += 1
        right = items[position] if position < len(items) else None
        text += _junction(left, tags, right)
        if right is not None:
            text += right.text
        left = right.text if isinstance(right, _Chunk) else right
        position += 1
    return text


def _gaps(text: str, spans: Sequence[Span]) -> Iterator[tuple[str, _Chunk | None, bool]]:
    """The texts before, between and after the spans, with their chunks, None if they are blank.

    Also whether blanks stand between what follows and the last visible character before it, tags aside.
    """
    position, is_separate, follows_markup = 0, True, False
    for span in (*spans, Span(len(text), len(text))):
        gap = text[position : span.start]
        starts_word = is_separate or follows_markup or gap.startswith(" ")
        if gap:
            is_separate, follows_markup = gap[-1] == " ", False
        chunk = gap.strip(" ")
        yield gap, _Chunk(chunk, starts_word) if chunk else None, is_separate
        if span.kind is Kind.STANDALONE:
            # A word ends at a line break or an image, blanks or not.
            is_separate, follows_markup = False, text.startswith("<", span.start)
        position = span.end


def _layout(text: str, spans: Sequence[Span]) -> Iterator[_Chunk | KeptSpan]:
    """The chunks and the spans of a text, in order."""
    if not spans:
        yield _Chunk(text, True)
        return
    previous, previous_span = "", -1
    for index, (gap, chunk, is_separate) in enumerate(_gaps(text, spans)):
        if chunk:
            yield chunk
            previous, previous_span = chunk.text[-1], -1
        if index < len(spans):
            span = spans[index]
            before, after = len(gap) - len(gap.rstrip(" ")), _blanks_at(text, span.end)
            yield KeptSpan(
                text=text[span.start : span.end] if span.translation is None else span.translation,
                kind=span.kind,
                pair=span.pair,
                index=index,
                before=" " * before,
                after=" " * after,
                previous=previous,
                previous_span=previous_span,
                is_separate=is_separate,
                touches_next=span.kind is Kind.STANDALONE and _touches_text(text, spans, index),
                follows_span=index > 0 and not chunk,
                is_term=span.translation is not None,
                closes=span.kind is Kind.CLOSING or text.startswith("</", span.start),
                is_markup=span.translation is None and text.startswith(("<", "\\"), span.start),
            )
            if span.kind is Kind.STANDALONE:
                previous, previous_span = text[span.end - 1], index


def _chunks_and_symbols(text: str, symbols: Sequence[tuple[Span, int]]) -> Iterator[_Chunk | int]:
    """The chunks of a text, and the symbols of its spans, in order."""
    gaps = _gaps(text, [span for span, _ in symbols])
    for (_, chunk, _), symbol in zip(gaps, [*(symbol for _, symbol in symbols), None], strict=True):
        if chunk:
            yield chunk
        if symbol is not None:
            yield symbol


def _touches_text(text: str, spans: Sequence[Span], index: int) -> bool:
    """Whether text stands directly after a span, or after tags that stand there."""
    end = spans[index].end
    while (index := index + 1) < len(spans) and spans[index].start == end:
        if spans[index].kind is Kind.STANDALONE:
            return False
        end = spans[index].end
    return end < len(text) and text[end] != " "


def _blanks_at(text: str, position: int) -> int:
    end = position
    while text.startswith(" ", end):
        end += 1
    return end - position


def _encode(tokenizer: Tokenizer, lines: Sequence[Sequence[_Chunk | _SymbolT]]) -> list[list[int | _SymbolT]]:
    """The lines with the piece ids of their chunks."""
    chunks = [item for line in lines for item in line if isinstance(item, _Chunk)]
    starting = iter(tokenizer.encode([chunk.text for chunk in chunks if chunk.starts_word]))
    continuing = iter(tokenizer.encode_within([chunk.text for chunk in chunks if not chunk.starts_word]))
    encoded: list[list[int | _SymbolT]] = []
    for line in lines:
        tokens: list[int | _SymbolT] = []
        for item in line:
            if isinstance(item, _Chunk):
                tokens += next(starting if item.starts_word else continuing)
            else:
                tokens.append(item)
        encoded.append(tokens)
    return encoded


def _parts(tokenizer: Tokenizer, tokens: Sequence[_Token], max_length: int) -> Iterator[ProtectedPart]:
    start = 0
    while start < len(tokens):
        end = _end_of_part(tokenizer, tokens, start, max_length)
        yield _part(tokens[start:end], _blanks_before(tokenizer, tokens, start))
        start = end


def _end_of_part(tokenizer: Tokenizer, tokens: Sequence[_Token], start: int, max_length: int) -> int:
    """Where the part ends that begins at `start`: as late as possible, or at a good place in its second half."""
    if len(tokens) - start <= max_length and not any(isinstance(token, KeptSpan) for token in tokens):
        return len(tokens)
    ends = dict(_possible_ends(tokens, start, max_length))
    latest = max(ends)
    if latest == len(tokens):
        return latest

    def rank(end: int) -> tuple[int, int]:
        if _blanks_before(tokenizer, tokens, end):
            return 3 if ends[end] else 2, end
        return int(not _belong_together(tokenizer, tokens[end - 1], tokens[end])), end

    return max((end for end in ends if end >= start + (latest - start) // 2), key=rank)


def _possible_ends(tokens: Sequence[_Token], start: int, max_length: int) -> Iterator[tuple[int, bool]]:
    """Where a part may end that begins at `start`, and whether that is outside of all pairs."""
    open_pairs: set[int] = set()
    standalone = paired = unpaired = 0
    for end in range(start + 1, min(start + max_length, len(tokens)) + 1):
        token = tokens[end - 1]
        if isinstance(token, KeptSpan):
            if token.kind is Kind.STANDALONE:
                standalone += 1
            elif token.kind is Kind.OPENING:
                open_pairs.add(token.pair)
            elif token.kind is Kind.CLOSING and token.pair in open_pairs:
                open_pairs.remove(token.pair)
                paired += 1
            else:
                unpaired += 1
        if standalone > len(SPANS) or paired > len(OPENING) or unpaired > len(UNPAIRED):
            return
        # The tags of pairs that are open here would be unpaired.
        if unpaired + len(open_pairs) <= len(UNPAIRED):
            yield end, not open_pairs


def _belong_together(tokenizer: Tokenizer, left: _Token, right: _Token) -> bool:
    """Whether these are bytes of one character, or a blank and the word after it."""
    if isinstance(left, KeptSpan) or isinstance(right, KeptSpan):
        return False
    return tokenizer.continues_character(right) or tokenizer.pieces([left]) == ["\u2581"]


def _blanks_before(tokenizer: Tokenizer, tokens: Sequence[_Token], position: int) -> str:
    """The blanks between a token and the one before it; "" at the start of the line."""
    token, before = tokens[position], tokens[position - 1] if position else None
    if before is None:
        return ""
    if isinstance(token, KeptSpan):
        return token.before
    if isinstance(before, KeptSpan):
        return before.after
    return " " if tokenizer.starts_word(token) else ""


def _part(tokens: Sequence[_Token], before: str) -> ProtectedPart:
    """A part whose spans get symbols by their order."""
    spans = [token for token in tokens if isinstance(token, KeptSpan)]
    symbols = _symbols([(span.kind, span.pair) for span in spans])
    by_index = {span.index: symbol for span, symbol in zip(spans, symbols, strict=True)}
    ids = [by_index[token.index] if isinstance(token, KeptSpan) else token for token in tokens]
    return ProtectedPart(ids, dict(zip(symbols, spans, strict=True)), before)


def _symbols(kinds: Sequence[tuple[Kind, int]]) -> list[int]:
    """The symbols of spans, given their kinds and pairs, by order of appearance; half a pair is an unpaired tag."""
    opened = [pair for kind, pair in kinds if kind is Kind.OPENING]
    closed = {pair for kind, pair in kinds if kind is Kind.CLOSING}
    numbers = {pair: number for number, pair in enumerate(pair for pair in opened if pair in closed)}
    standalone, unpaired = iter(SPANS), iter(UNPAIRED)
    symbols = []
    for kind, pair in kinds:
        if kind is Kind.STANDALONE:
            symbols.append(next(standalone))
        elif pair in numbers:
            symbols.append((OPENING if kind is Kind.OPENING else CLOSING)[numbers[pair]])
        else:
            symbols.append(next(unpaired))
    return symbols


def _items(tokenizer: Tokenizer, ids: Sequence[int], spans: Mapping[int, KeptSpan]) -> Iterator[_Chunk | KeptSpan]:
    """The chunks of a translation that are not blank, and its spans, in order."""
    start = 0
    for end in range(len(ids) + 1):
        if end < len(ids) and ids[end] not in SYMBOLS:
            continue
        text = tokenizer.decode(ids[start:end]).strip(" ")
        if text:
            yield _Chunk(text, tokenizer.starts_word(ids[start]))
        if end < len(ids) and ids[end] in spans:
            yield spans[ids[end]]
        start = end + 1


def _junction(left: str | KeptSpan | None, tags: Sequence[KeptSpan], right: _Chunk | KeptSpan | None) -> str:
    """What stands between two visible items: tags and blanks. None: the start or the end of the text."""
    between = [left, *tags, right if isinstance(right, KeptSpan | None) else right.text]
    gaps = [_source_blanks(*pair) for pair in pairwise(between)]
    together = all(tag.follows_span and tag.index == other.index + 1 for other, tag in pairwise(tags))
    if left is None or right is None:
        pass
    elif not _is_separate(left, right):
        gaps = [""] * len(gaps)
    elif not any(gaps):
        gaps[_leading_closing(tags)] = " "
    elif not together:
        first = next(index for index, gap in enumerate(gaps) if gap)
        gaps = [gap if index == first else "" for index, gap in enumerate(gaps)]
    return gaps[0] + "".join(tag.text + gap for tag, gap in zip(tags, gaps[1:], strict=True))


def _source_blanks(left: str | KeptSpan | None, right: str | KeptSpan | None) -> str:
    """The blanks of the source between two neighbours, as far as it had them."""
    if left is None or right is None:
        return ""
    if isinstance(right, str):
        return left.after if isinstance(left, KeptSpan) else ""
    if isinstance(left, str):
        return right.before
    return left.after if right.follows_span and right.index == left.index + 1 else ""


def _is_separate(left: str | KeptSpan, right: _Chunk | KeptSpan) -> bool:
    """Whether a blank stands between two visible items."""
    if isinstance(right, _Chunk):
        is_joined = isinstance(left, KeptSpan) and left.is_markup and left.touches_next
        return right.starts_word and not is_joined
    if isinstance(left, KeptSpan):
        if right.previous_span == left.index:
            return right.is_separate
        return left.is_separate if left.previous_span == right.index else True
    if right.is_markup or (left[-1] == right.previous and right.previous_span < 0):
        return right.is_separate
    return left[-1] not in _OPENING_MARKS


def _leading_closing(tags: Sequence[KeptSpan]) -> int:
    """How many tags at the start are closing ones: the default place of a blank is after them."""
    for number, tag in enumerate(tags):
        if not tag.closes:
            return number
    return len(tags)
