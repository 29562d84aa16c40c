"""The symbols of a source, bound to its translation: each is written exactly once, and pairs are nested.

`native/symbols.hpp` is the same in C++, for the compiled engine.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from seq2seq.search.options import SearchOptions, SourceIds
from seq2seq.tokenizer.symbols import CLOSING, OPENING, SPANS, SYMBOLS, UNPAIRED
from seq2seq.tokenizer.tokenizer import EOS

# The kinds of symbols in a dimension [20] of all symbols.
_OPENING, _CLOSING, _UNPAIRED = (
    slice(kind.start - SPANS.start, kind.stop - SPANS.start) for kind in (OPENING, CLOSING, UNPAIRED)
)
# The position of a symbol that a source lacks.
_ABSENT = 2**31


class SymbolConstraint:
    """Permits the symbols that a source has: a `Constraint` of beam search.

    Eos may not follow while symbols are missing, and ordinary tokens may not if the limit leaves room for nothing else.
    The probability of eos passes to the most probable symbol, as if that were the way to end: where symbols are
    improbable, hypotheses that write them would otherwise lose to others that ramble.
    """

    def __init__(self, sources: SourceIds, options: SearchOptions, device: torch.device) -> None:
        """Raises ValueError if a source has symbols that no translation can have."""
        for source in sources:
            _check(source, options)
        self._symbols = _Symbols(sources, device)

    def constrain(self, log_probs: Tensor, sentences: Tensor, tokens: Tensor, room: Tensor) -> None:
        """Set log_probs to -inf, in place, for tokens that may not follow, and pass on the probability of eos."""
        count, permitted = self._symbols.missing(sentences, tokens)
        symbols = log_probs[:, :, SYMBOLS.start : SYMBOLS.stop]
        symbols.masked_fill_(~permitted, -torch.inf)
        unfinished = count > 0  # [B, K]
        if not unfinished.any():
            return
        eos = log_probs[:, :, EOS]
        best, index = symbols.max(dim=-1)
        heirs = torch.where(unfinished, torch.logaddexp(best, eos), best)
        symbols.scatter_(2, index[:, :, None], heirs[:, :, None])
        eos.masked_fill_(unfinished, -torch.inf)
        only_symbols = unfinished & (count >= room[:, None])
        log_probs[:, :, : SYMBOLS.start].masked_fill_(only_symbols[:, :, None], -torch.inf)
        log_probs[:, :, SYMBOLS.stop :].masked_fill_(only_symbols[:, :, None], -torch.inf)


class DraftConstraint:
    """Permits the next token of a draft, and the symbols of the source that the draft lacks: a `Constraint`."""

    def __init__(self, sources: SourceIds, drafts: SourceIds, device: torch.device) -> None:
        """drafts: the translations to keep to, each ended by eos; they may have symbols of their sources."""
        lacking = [
            [token for token in source if token in SYMBOLS and token not in draft]
            for source, draft in zip(sources, drafts, strict=True)
        ]
        self._symbols = _Symbols(lacking, device)
        self._totals = torch.tensor([len(symbols) for symbols in lacking], device=device)
        width = max(map(len, drafts))
        padded = [[*draft, *[EOS] * (width - len(draft))] for draft in drafts]
        self._drafts = torch.tensor(padded, device=device)  # [B, width]

    @property
    def max_lengths(self) -> Tensor:
        """The length of each draft with all of its symbols, eos included, [B]."""
        return (self._drafts != EOS).sum(dim=1) + 1 + self._totals

    def constrain(self, log_probs: Tensor, sentences: Tensor, tokens: Tensor, room: Tensor) -> None:
        """Set log_probs to -inf, in place, for tokens that may not follow."""
        count, permitted = self._symbols.missing(sentences, tokens)
        written = self._totals[sentences][:, None] - count  # [B, K]
        position = (tokens.size(2) - 1 - written).clamp(max=self._drafts.size(1) - 1)
        following = self._drafts[sentences].gather(1, position)[:, :, None]
        may_follow = torch.zeros_like(log_probs, dtype=torch.bool)
        may_follow[:, :, SYMBOLS.start : SYMBOLS.stop] = permitted
        may_follow.scatter_(2, following, (following != EOS) | (count == 0)[:, :, None])
        log_probs.masked_fill_(~may_follow, -torch.inf)


class _Symbols:
    """Which symbols a hypothesis still needs."""

    def __init__(self, sources: SourceIds, device: torch.device) -> None:
        positions = [
            [source.index(symbol) if symbol in source else _ABSENT for symbol in SYMBOLS] for source in sources
        ]
        self._positions = torch.tensor(positions, device=device)  # [B, 20], in the source
        self._ids = torch.tensor(SYMBOLS, device=device)

    def missing(self, sentences: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """How many symbols each hypothesis is missing [B, K], and which may follow: bool [B, K, 20].

        sentences [B], tokens [B, K, time]: as in `Constraint.constrain`.
        """
        positions = self._positions[sentences][:, None]  # [B, 1, 20]
        occurrences = tokens[:, :, :, None] == self._ids  # [B, K, time, 20]
        written = occurrences.any(dim=2)
        missing = (positions != _ABSENT) & ~written
        permitted = missing.clone()
        is_open = written[:, :, _OPENING] & missing[:, :, _CLOSING]  # [B, K, 4]
        opened_at = occurrences[:, :, :, _OPENING].int().argmax(dim=2).masked_fill(~is_open, -1)
        permitted[:, :, _CLOSING] = is_open & (opened_at == opened_at.amax(dim=-1, keepdim=True))
        unpaired = positions.masked_fill(~missing, _ABSENT)[:, :, _UNPAIRED]
        is_first = unpaired == unpaired.amin(dim=-1, keepdim=True)
        permitted[:, :, _UNPAIRED] &= is_first & ~is_open.any(dim=-1, keepdim=True)
        return missing.sum(dim=-1), permitted


def _check(source: Sequence[int], options: SearchOptions) -> None:
    symbols = [token for token in source if token in SYMBOLS]
    if len(set(symbols)) < len(symbols):
        raise ValueError("a source has a symbol twice")
    if any((opening in symbols) != (closing in symbols) for opening, closing in zip(OPENING, CLOSING, strict=True)):
        raise ValueError("a source has only one symbol of a pair")
    if not set(symbols).isdisjoint(options.forbidden_ids):
        raise ValueError("a source has a forbidden symbol")
    if len(symbols) >= options.max_length(len(source)):
        raise ValueError("a source has more symbols than its translation has room for")
