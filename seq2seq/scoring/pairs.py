"""Scoring of sentence pairs: the log-probability of a target given its source, by a trained model.

The score of a pair does not depend on its neighbours: all sums are float32, and only their order varies with the batch.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from seq2seq.data.batching import pad_rows
from seq2seq.data.bitext import HasSides, chunks
from seq2seq.errors import InputError
from seq2seq.model.decoder import DecoderState
from seq2seq.runs.trained_model import TrainedModel, load_model
from seq2seq.tokenizer.shared_spans import encode_pairs
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD

LONGEST_SENTENCE = 2**14
"""Most characters on a side of a pair. A pair cannot be scored in parts, and its states are in memory at once."""

# Pairs, or characters, that are read, sorted by length and scored before the next ones are read.
_WINDOW_PAIRS, _WINDOW_CHARACTERS = 2**14, 2**20
# Logits in memory at once: on a CPU they should fit into its cache.
_LOGITS_AT_ONCE = 2**20
# Target times source positions of a batch in memory at once: attention compares each with each.
_COMPARED_AT_ONCE = 2**17

Ids = tuple[int, ...]


class Item(HasSides, Protocol):
    """A pair to score."""

    @property
    def fault(self) -> str:
        """Why it cannot be scored; empty if it can."""
        ...


ItemT = TypeVar("ItemT", bound=Item)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Score:
    """The model's score of a target."""

    ids: Ids
    """The target's pieces and eos."""
    log_probs: np.ndarray
    """log p(piece | pieces before it, source) of each, natural logarithm, float32."""

    @property
    def log_prob(self) -> float:
        """log p(target, eos | source)."""
        return float(self.log_probs.sum(dtype=np.float64))

    @property
    def pieces(self) -> int:
        """Number of pieces, eos included."""
        return len(self.ids)

    @property
    def normalized(self) -> float:
        """log_prob per piece."""
        return self.log_prob / self.pieces


def _fault_of(item: Item, src: str, tgt: str) -> str:
    """Why an item cannot be scored; empty if it can. src, tgt: its sides as the model reads them."""
    longest = max(len(item.src), len(item.tgt))
    if longest > LONGEST_SENTENCE:
        return f"one side has {longest:,} characters; at most {LONGEST_SENTENCE:,} can be scored"
    if item.fault:
        return item.fault
    return "" if src and tgt else "the target is blank" if src else "the source is blank"


class Scorer:
    """Scores pairs with a trained model."""

    def __init__(self, model: TrainedModel, *, batch_tokens: int = 2048) -> None:
        """batch_tokens: padded tokens that are scored together, or one pair. It affects speed and memory, not scores.

        More than the default is slower on a CPU, whose cache is small.
        """
        self.model = model
        self.batch_tokens = batch_tokens
        self._network = model.network
        self._device = next(model.network.parameters()).device

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> Self:
        """Read a model folder, or the best step of a run folder. Raises InputError if it is missing or damaged."""
        return cls(load_model(Path(path), device))

    def stream(
        self, items: Iterable[ItemT], on_fault: Callable[[ItemT, str], object] | None = None
    ) -> Iterator[tuple[ItemT, Score | None]]:
        """Score items as they come, a window of bounded size at a time.

        on_fault: called with each item that cannot be scored, and why, before its window is scored.
        Yields each item with its score, in order; None for an item that cannot be scored.
        """
        for window in chunks(items, _WINDOW_PAIRS, most_characters=_WINDOW_CHARACTERS):
            texts = [self._texts(item.src, item.tgt) for item in window]
            faults = [_fault_of(item, *sides) for item, sides in zip(window, texts, strict=True)]
            for item, fault in zip(window, faults, strict=True):
                if fault and on_fault:
                    on_fault(item, fault)
            valid = [not fault for fault in faults]
            scores = iter(self._score_texts(list(compress(texts, valid))))
            yield from (
                (item, next(scores) if is_valid else None) for item, is_valid in zip(window, valid, strict=True)
            )

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[Score]:
        """The score of each pair of texts, in the form in which the model reads them."""
        return self._score_texts([self._texts(*pair) for pair in pairs])

    def _texts(self, src: str, tgt: str) -> tuple[str, str]:
        """The sides of a pair as the model reads them."""
        tokenizers = self.model.tokenizers
        return tokenizers.source_text(src), tokenizers.target_text(tgt)

    def _score_texts(self, texts: Sequence[tuple[str, str]]) -> list[Score]:
        tokenizers, distinct = self.model.tokenizers, list(dict.fromkeys(texts))
        encoded = zip(*encode_pairs(tokenizers.src, tokenizers.tgt, distinct), strict=True)
        ids = {pair: (tuple(src), tuple(tgt)) for pair, (src, tgt) in zip(distinct, encoded, strict=True)}
        return self.score_ids([ids[pair] for pair in texts])

    @torch.inference_mode()
    def score_ids(self, pairs: Sequence[tuple[Ids, Ids]]) -> list[Score]:
        """The score of each pair of piece ids, source and target, both without bos and eos.

        Each distinct source is encoded once, and each distinct pair scored once.
        Raises InputError if the model's probabilities are NaN.
        """
        targets: dict[Ids, dict[Ids, None]] = {}
        for src, tgt in pairs:
            targets.setdefault(src, {})[tgt] = None
        scores: dict[tuple[Ids, Ids], Score] = {}
        for sources in _batches(sorted(targets, key=len), lambda src: len(src) + 1, self.batch_tokens):
            scores.update(self._score_sources([(src, list(targets[src])) for src in sources]))
        return [scores[pair] for pair in pairs]

    def _score_sources(self, sources: Sequence[tuple[Ids, Sequence[Ids]]]) -> Iterator[tuple[tuple[Ids, Ids], Score]]:
        """Score the targets of each source; the last source is the longest."""
        state, src_width = self._start([src for src, _ in sources]), len(sources[-1][0]) + 1
        rows = [(row, tgt) for row, (_, targets) in enumerate(sources) for tgt in targets]
        rows.sort(key=lambda row: len(row[1]))
        # Each row holds its source's states, so that it is at least as wide as those.
        for batch in _batches(rows, lambda row: max(len(row[1]) + 1, src_width), self.batch_tokens):
            index = torch.tensor([row for row, _ in batch], device=self._device)
            scores = self._score_targets(state.select(index), src_width, [tgt for _, tgt in batch])
            yield from (((sources[row][0], tgt), score) for (row, tgt), score in zip(batch, scores, strict=True))

    def _start(self, sources: Sequence[Ids]) -> DecoderState[Any]:
        """The decoder's state before the first word of each source's translation."""
        rows = [np.array([*ids, EOS]) for ids in sources]
        lengths = torch.tensor([len(row) for row in rows], device=self._device)
        return self._network.start(self._tensor(rows), lengths)

    def _score_targets(self, state: DecoderState[Any], src_width: int, targets: Sequence[Ids]) -> list[Score]:
        """The score of a target for each row of `state`, whose sources are `src_width` tokens wide."""
        tgt_in = self._tensor([np.array([BOS, *ids]) for ids in targets])
        tgt_out = self._tensor([np.array([*ids, EOS]) for ids in targets])
        width = max(1, _COMPARED_AT_ONCE // (len(targets) * src_width))
        parts = []
        for tokens, labels in zip(torch.split(tgt_in, width, dim=1), torch.split(tgt_out, width, dim=1), strict=True):
            features, state = self._network.decoder(self._network.tgt_embedding(tokens), state)
            parts.append(self._log_probs(features, labels))
        log_probs = torch.cat(parts, dim=1).cpu().numpy()
        if not np.isfinite(log_probs).all():
            raise InputError("the model's probabilities are NaN: its training has failed, or its file is damaged")
        scored = zip(targets, log_probs, strict=True)
        return [Score((*ids, EOS), row[: len(ids) + 1].copy()) for ids, row in scored]

    def _log_probs(self, features: Tensor, labels: Tensor) -> Tensor:
        """features [N, T, F], labels [N, T] -> log p of each label [N, T], 0 at padding."""
        real = labels != PAD
        rows = max(1, _LOGITS_AT_ONCE // len(self.model.tokenizers.tgt))
        parts = []
        for chunk, ids in zip(torch.split(features[real], rows), torch.split(labels[real], rows), strict=True):
            logits = self._network.logits(chunk).float()
            parts.append(logits.gather(1, ids[:, None])[:, 0] - logits.logsumexp(dim=1))
        return torch.zeros(labels.shape, device=self._device).masked_scatter(real, torch.cat(parts))

    def _tensor(self, rows: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(pad_rows(rows)).to(self._device)


def _batches(items: Iterable[T], width: Callable[[T], int], batch_tokens: int) -> Iterator[list[T]]:
    """Batches of items, ascending in width: at most `batch_tokens` padded tokens each, or a single item."""
    batch: list[T] = []
    for item in items:
        if batch and (len(batch) + 1) * width(item) > batch_tokens:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
