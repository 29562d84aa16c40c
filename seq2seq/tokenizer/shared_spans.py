"""Encoding of sentence pairs: spans that both sides hold become symbols, the same on both sides.

So the model learns that a symbol of the source stands for the same thing in the translation.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence

from seq2seq.tokenizer.protection import encode_with_symbols
from seq2seq.tokenizer.spans import Kind, Span, find_spans
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, UNPAIRED
from seq2seq.tokenizer.tokenizer import Tokenizer

_Ids = list[list[int]]
_Unit = tuple[Span, ...]
_Units = list[tuple[tuple[str, ...], _Unit]]
_Symbols = list[tuple[Span, int]]


def encode_pairs(src: Tokenizer, tgt: Tokenizer, pairs: Sequence[tuple[str, str]]) -> tuple[_Ids, _Ids]:
    """Piece ids of the sources and of the targets, without bos or eos.

    pairs: in the form in which the model reads them. If both vocabularies have symbols, a span whose text occurs
    equally often on both sides is the same symbol on both. Of tags, pairs become symbols if both sides have them as
    pairs; those without a counterpart if they have the same order on both sides, in the target outside of all pairs.
    """
    has_symbols = src.has_symbols and tgt.has_symbols
    shared = {index: spans for index, pair in enumerate(pairs) if has_symbols and (spans := shared_spans(*pair))[0]}

    def encode(tokenizer: Tokenizer, side: int) -> _Ids:
        plain = iter(tokenizer.encode([pair[side] for index, pair in enumerate(pairs) if index not in shared]))
        texts = [(pairs[index][side], both[side]) for index, both in shared.items()]
        with_symbols = iter(encode_with_symbols(tokenizer, texts))
        return [next(with_symbols if index in shared else plain) for index in range(len(pairs))]

    return encode(src, 0), encode(tgt, 1)


def shared_spans(src: str, tgt: str) -> tuple[_Symbols, _Symbols]:
    """The spans of a pair that both sides hold and the symbol of each, in the order of each text.

    Symbols are numbered in the order of the source, and spans beyond the number of symbols are left out.
    """
    src_spans = find_spans(src)
    tgt_spans = find_spans(tgt) if src_spans else []
    if not tgt_spans:
        return [], []
    # The usual case: the same spans in the same order, none of them a tag.
    if "<" not in src and _texts(src, src_spans) == _texts(tgt, tgt_spans):
        return list(zip(src_spans, SPANS, strict=False)), list(zip(tgt_spans, SPANS, strict=False))
    standalone, pairs, unpaired = (
        _matching(*units) for units in zip(_units(src, src_spans), _units(tgt, tgt_spans), strict=True)
    )
    pairs = pairs[: len(OPENING)]
    src_symbols: _Symbols = []
    tgt_symbols: _Symbols = []
    for symbols, units in (
        ([SPANS], standalone),
        ([OPENING, CLOSING], pairs),
        ([UNPAIRED], _as_the_search_orders_them(unpaired, [tgt_pair for _, tgt_pair in pairs])),
    ):
        for of_unit, (src_unit, tgt_unit) in zip(zip(*symbols, strict=True), units, strict=False):
            src_symbols += zip(src_unit, of_unit, strict=True)
            tgt_symbols += zip(tgt_unit, of_unit, strict=True)
    return sorted(src_symbols), sorted(tgt_symbols)


def _units(text: str, spans: Sequence[Span]) -> tuple[_Units, _Units, _Units]:
    """Standalone spans, pairs of tags, and unpaired tags, each with its text, in order."""
    standalone, unpaired = (
        _texts_of(text, ((span,) for span in spans if span.kind is kind)) for kind in (Kind.STANDALONE, Kind.UNPAIRED)
    )
    closing = {span.pair: span for span in spans if span.kind is Kind.CLOSING}
    pairs = [(span, closing[span.pair]) for span in spans if span.kind is Kind.OPENING]
    return standalone, _texts_of(text, pairs), unpaired


def _texts_of(text: str, units: Iterable[_Unit]) -> _Units:
    return [(tuple(_texts(text, unit)), unit) for unit in units]


def _texts(text: str, spans: Iterable[Span]) -> list[str]:
    return [text[span.start : span.end] for span in spans]


def _matching(src: _Units, tgt: _Units) -> list[tuple[_Unit, _Unit]]:
    """The units whose texts occur equally often on both sides, the first with the first, in the order of the source."""
    if not (src and tgt):
        return []
    if [texts for texts, _ in src] == [texts for texts, _ in tgt]:
        return [(unit, tgt_unit) for (_, unit), (_, tgt_unit) in zip(src, tgt, strict=True)]
    counts, tgt_counts = (Counter(texts for texts, _ in units) for units in (src, tgt))
    waiting: dict[tuple[str, ...], deque[_Unit]] = defaultdict(deque)
    for texts, unit in tgt:
        waiting[texts].append(unit)
    return [(unit, waiting[texts].popleft()) for texts, unit in src if counts[texts] == tgt_counts[texts]]


def _as_the_search_orders_them(
    unpaired: Sequence[tuple[_Unit, _Unit]], tgt_pairs: Sequence[_Unit]
) -> list[tuple[_Unit, _Unit]]:
    """The unpaired tags that stand outside of all pairs in the target; none if their order is another one there."""
    outside = [
        match
        for match in unpaired
        if not any(opening.start < match[1][0].start < closing.start for opening, closing in tgt_pairs)
    ][: len(UNPAIRED)]
    starts = [tgt_unit[0].start for _, tgt_unit in outside]
    return outside if starts == sorted(starts) else []
