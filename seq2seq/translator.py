"""Lines in, lines out: a trained model, or an ensemble of several, applied to text.

One output for each input line, in order. A blank line stays blank and never reaches the model. A line of more pieces
than the model's limit is translated in parts, which are joined by a blank.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from seq2seq.errors import InputError
from seq2seq.model_folder import TrainedModel, open_models
from seq2seq.search import beam
from seq2seq.search.ensemble import Ensemble, Network
from seq2seq.text.batching import pad_rows
from seq2seq.text.tokenizer import BOS, EOS

# Pieces that a translation may have: a multiple of its source's and some more.
_LENGTH_RATIO, _LENGTH_EXTRA = 2, 10

# Length penalty of a model whose training has not come to its end.
_UNTUNED = 1.0

BUFFER_SIZE = 512
"""Lines that are read, sorted by length and translated before the next ones are read: memory stays bounded."""
# Characters after which no further line is read first: so many long lines would fill the memory all the same.
_BUFFER_CHARACTERS = 2**20


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A candidate translation of a line."""

    text: str
    pieces: int
    """Pieces of the text, and the end."""
    log_prob: float
    """log p(text's pieces and the end | line), natural logarithm."""
    score: float
    """log_prob over the length penalty; candidates are ranked by it."""


@dataclass(frozen=True, slots=True)
class Translation:
    """What became of one line."""

    hypotheses: list[Hypothesis]
    """Best first, as many as were asked for. Those of a blank line are empty, with log-probability 0."""
    parts: int
    """1; more where the line was over the model's limit; 0 where it was blank."""


class Translator:
    """A trained model, or an ensemble of several, and how to search with it."""

    def __init__(self, model: TrainedModel, *others: TrainedModel, batch_size: int = 32) -> None:
        """Several models are an ensemble; they share their vocabularies, as `open_models` sees to.

        batch_size: sentences searched together. It changes speed and memory, not translations.
        """
        self.model = model
        self.batch_size = batch_size
        members = (model, *others)
        self._network: Network[Any] = Ensemble([one.network for one in members]) if others else model.network
        # A longer part would be more than some member was trained for.
        self._max_length = min(one.config.data.max_length for one in members)
        self._device = next(model.network.parameters()).device
        self._forbidden = model.tokenizers.tgt.unwritable()

    @classmethod
    def load(cls, path: str | Path, *others: str | Path, device: str = "cpu", batch_size: int = 32) -> Self:
        """Read a model folder, or the best step of a run folder; several are an ensemble.

        Raises InputError where one is missing or damaged, or where they do not share languages and vocabularies.
        """
        folders = open_models([Path(one) for one in (path, *others)])
        return cls(*(folder.load(device) for folder in folders), batch_size=batch_size)

    def translate(
        self, lines: Iterable[str], *, beam_size: int | None = None, length_penalty: float | None = None
    ) -> list[str]:
        """The best translation of each line.

        beam_size and length_penalty are the model's own, or the first one's, where not given; beam size 1 is greedy
        search.
        """
        if isinstance(lines, str):
            raise TypeError("lines is a list of strings, not a string")
        stream = self.stream(lines, beam_size=beam_size, length_penalty=length_penalty)
        return [translation.hypotheses[0].text for translation in stream]

    def stream(
        self,
        lines: Iterable[str],
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        n_best: int = 1,
        buffer_size: int = BUFFER_SIZE,
    ) -> Iterator[Translation]:
        """Translate lines as they come, `buffer_size` at a time; yields one Translation a line, in order.

        Raises InputError with the number of a line that is no Unicode text.
        """
        defaults = self.model.config.search
        own = _UNTUNED if defaults.length_penalty is None else defaults.length_penalty
        alpha = own if length_penalty is None else length_penalty
        search = _Search(defaults.beam_size if beam_size is None else beam_size, alpha, n_best)
        if search.beam_size < 1 or n_best < 1 or alpha < 0:
            raise ValueError("beam_size and n_best are at least 1, length_penalty at least 0")
        for window in windows(lines, buffer_size):
            yield from self._translate_window(window, search)

    def _translate_window(self, lines: list[str], search: "_Search") -> list[Translation]:
        # A line is none, one or several parts; its parts' places in the list stand in `places`.
        parts: list[list[int]] = []
        places: list[range] = []
        for ids in self.model.tokenizers.src.encode([line.strip() for line in lines]):
            pieces = self._split(ids, self._max_length) if ids else []
            places.append(range(len(parts), len(parts) + len(pieces)))
            parts.extend(pieces)
        found: list[list[beam.Hypothesis]] = [[] for _ in parts]
        order = sorted(range(len(parts)), key=lambda place: len(parts[place]), reverse=True)
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            for place, hypotheses in zip(batch, self._search([parts[i] for i in batch], search), strict=True):
                found[place] = hypotheses
        return [Translation(self._join([found[i] for i in place], search.n_best), len(place)) for place in places]

    def _split(self, ids: list[int], limit: int) -> list[list[int]]:
        """Cut ids into parts of at most `limit` pieces, where a word begins if there is a place."""
        parts, start = [], 0
        while len(ids) - start > limit:
            latest, earliest = start + limit, start + limit // 2
            starts = (i for i in range(latest, earliest, -1) if self.model.tokenizers.src.starts_word(ids[i]))
            end = next(starts, latest)
            parts.append(ids[start:end])
            start = end
        return [*parts, ids[start:]]

    def _search(self, sources: Sequence[list[int]], search: "_Search") -> list[list[beam.Hypothesis]]:
        rows = [np.array([*ids, EOS]) for ids in sources]
        src = torch.from_numpy(pad_rows(rows)).to(self._device)
        lengths = torch.tensor([len(row) for row in rows], device=self._device)
        with torch.inference_mode():
            state = self._network.start(src, lengths)
        found = beam.beam_search(
            self._network.step,
            state,
            _LENGTH_RATIO * lengths + _LENGTH_EXTRA,
            beam_size=max(search.beam_size, search.n_best),
            alpha=search.alpha,
            bos=BOS,
            eos=EOS,
            forbidden=self._forbidden,
            n_best=search.n_best,
        )
        if not all(found):
            raise InputError(
                "the model's probabilities are not numbers: its training has failed, or its file is damaged"
            )
        return found

    def _join(self, parts: list[list[beam.Hypothesis]], n_best: int) -> list[Hypothesis]:
        """The hypotheses of a line from those of its parts, best with best and second with second."""
        if not parts:
            return [Hypothesis("", 0, 0.0, 0.0)] * n_best
        decode = self.model.tokenizers.tgt.decode
        return [
            Hypothesis(
                " ".join(decode(part.tokens) for part in ranked),
                sum(len(part.tokens) + 1 for part in ranked),
                sum(part.log_prob for part in ranked),
                sum(part.score for part in ranked),
            )
            for ranked in zip(*parts, strict=True)
        ]


@dataclass(frozen=True)
class _Search:
    beam_size: int
    alpha: float
    n_best: int


def windows(lines: Iterable[str], buffer_size: int) -> Iterator[list[str]]:
    """The lines in groups of at most `buffer_size`; a group ends early where its lines are long.

    Raises InputError with the number of a line that is no Unicode text.
    """
    window: list[str] = []
    characters = 0
    for number, line in enumerate(lines, start=1):
        try:
            line.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"line {number}: not Unicode text ({line[error.start]!a} is half a character)") from None
        window.append(line)
        characters += len(line)
        if len(window) == buffer_size or characters > _BUFFER_CHARACTERS:
            yield window
            window, characters = [], 0
    if window:
        yield window
