"""The compiled engine (`native/`): the beam search of `search/beam.py` and the networks of `model/` in C++."""

from collections.abc import Sequence
from ctypes import c_double, c_float, c_int8, c_int32
from typing import Any

import numpy as np

from seq2seq.inference.network import AttentionWeights, NetworkWeights, RecurrenceWeights, SummaryWeights
from seq2seq.inference.weights import Linear
from seq2seq.native.engine import (
    CELLS,
    HypothesesView,
    LinearView,
    Model,
    ModelView,
    OptionsView,
    RecurrenceView,
    address_of,
)
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.tokenizer.symbols import SYMBOLS
from seq2seq.tokenizer.tokenizer import BOS, EOS


class CompiledNetwork:
    """A network loaded into the compiled engine. Copies share it."""

    def __init__(self, network: NetworkWeights, level: int) -> None:
        """level: one of `native.engine.isa_levels()`."""
        # The C++ side keeps reading the tables, but copies weights and biases into its own packed layout.
        self._tables: list[np.ndarray] = []
        self._packed: list[object] = []
        self._shortlist = network.shortlist
        self._model = Model(self._view(network), level, self._tables, self._packed)
        if network.shortlist is None:  # otherwise rows of the output layer are packed per sentence
            self._packed.clear()

    def search_batch(self, sources: SourceIds, options: SearchOptions) -> list[list[Hypothesis]]:
        """The best hypotheses of each of B sentences, best first. Releases the GIL.

        Raises ValueError for an empty source, ids outside the vocabulary, symbols that no translation can have or
        invalid options. After a MemoryError, the network remains usable.
        """
        return self._search(sources, [options.max_length(len(source)) for source in sources], options)

    def place_symbols(self, sources: SourceIds, drafts: SourceIds, options: SearchOptions) -> list[list[Hypothesis]]:
        """The drafts of B translations with the symbols that they lack at the most probable places.

        sources: with symbols. drafts: ended by eos, without tags.
        Raises ValueError as `search_batch`, and for a draft outside of a shortlist.
        """
        pairs = zip(sources, drafts, strict=True)
        limits = [len(draft) + len((set(source) - set(draft)) & set(SYMBOLS)) for source, draft in pairs]
        return self._search(sources, limits, options, drafts)

    def _search(
        self, sources: SourceIds, max_lengths: list[int], options: SearchOptions, drafts: SourceIds = ()
    ) -> list[list[Hypothesis]]:
        if not sources:
            return []
        lengths = np.array([len(source) for source in sources], np.int32)
        limits = np.array(max_lengths, np.int32)
        tokens = np.concatenate([np.array(source, np.int32) for source in sources])
        forbidden_ids = np.array(options.forbidden_ids, np.int32)
        view = OptionsView(
            forbidden_ids=address_of(forbidden_ids, c_int32),
            length_penalty=options.length_penalty,
            forbidden_count=len(forbidden_ids),
            beam_size=options.beam_size,
            n_best=options.n_best,
            eos=EOS,
            bos=BOS,
            has_symbols=options.symbols,
        )
        if self._shortlist:
            shortlists = (self._shortlist.of(source, options.forbidden_ids, options.symbols) for source in sources)
            lists = [np.flatnonzero(shortlist) for shortlist in shortlists]
            allowed = np.concatenate(lists).astype(np.int32)
            starts = np.cumsum([0, *map(len, lists)], dtype=np.int32)
            view.shortlists, view.shortlist_starts = address_of(allowed, c_int32), address_of(starts, c_int32)
        if drafts:
            followed = np.concatenate([np.array(draft, np.int32) for draft in drafts])
            draft_starts = np.cumsum([0, *map(len, drafts)], dtype=np.int32)
            view.drafts, view.draft_starts = address_of(followed, c_int32), address_of(draft_starts, c_int32)
        best_tokens = np.empty((len(sources), options.n_best, limits.max()), np.int32)
        best_lengths = np.empty((len(sources), options.n_best), np.int32)
        log_probs, scores = np.empty((2, len(sources), options.n_best))
        token_log_probs = np.empty(best_tokens.shape, np.float32)
        hypotheses = HypothesesView(
            address_of(best_tokens, c_int32),
            address_of(best_lengths, c_int32),
            address_of(log_probs, c_double),
            address_of(scores, c_double),
            address_of(token_log_probs, c_float),
            best_tokens.shape[2],
        )
        self._model.search(view, tokens, lengths, limits, hypotheses)
        return [
            [
                Hypothesis(
                    tuple(best_tokens[b, n, :length].tolist()),
                    float(log_probs[b, n]),
                    float(scores[b, n]),
                    tuple(token_log_probs[b, n, : length + 1].tolist()),
                )
                for n, length in enumerate(best_lengths[b].tolist())
                if length >= 0
            ]
            for b in range(len(sources))
        ]

    def _view(self, network: NetworkWeights) -> ModelView:
        encoder, decoder = network.encoder, network.decoder
        source = decoder.source
        view = ModelView(
            src_embedding=self._table(encoder.embedding),
            token_gates=self._table(decoder.token_gates),
            token_readout=self._table(decoder.token_readout),
            encoder=self._recurrences([recurrence for layer in encoder.layers for recurrence in layer]),
            decoder=self._recurrences(decoder.layers),
            summary=self._linear(encoder.summary),
            first_state=self._linear(decoder.first_state),
            readout=self._linear(decoder.readout),
            output=self._linear(decoder.output),
            src_vocab=encoder.embedding.shape[0],
            embedding_size=encoder.embedding.shape[1],
            encoder_layers=len(encoder.layers),
            directions=len(encoder.layers[0]),
            decoder_layers=len(decoder.layers),
            has_attention=isinstance(source, AttentionWeights),
        )
        if isinstance(source, AttentionWeights):
            view.key, view.query, view.value = map(self._linear, (source.key, source.query, source.value))
            view.attention_score = None if source.score is None else self._table(source.score)
        else:
            view.context_gates, view.context_readout = map(self._linear, (source.gates, source.readout))
        if isinstance(source, SummaryWeights):
            view.weigh, view.gate, view.mixture = map(self._linear, (source.weigh, source.gate, source.mixture))
        return view

    def _recurrences(self, layers: Sequence[RecurrenceWeights]) -> Any:
        array = (RecurrenceView * len(layers))(
            *(
                RecurrenceView(CELLS.index(layer.cell), self._linear(layer.inputs), self._linear(layer.recurrent))
                for layer in layers
            )
        )
        self._packed.append(array)
        return array

    def _linear(self, linear: Linear | None) -> LinearView:
        if linear is None:
            return LinearView()
        weight, view = linear.weight, LinearView(bias=self._array(linear.bias))
        view.out, view.in_ = weight.shape
        if weight.scales is None:
            view.weight = self._array(weight.values)
        else:
            view.quantized, view.scales = self._array(weight.values, c_int8), self._array(weight.scales)
        return view

    def _table(self, array: np.ndarray) -> Any:
        self._tables.append(np.ascontiguousarray(array))
        return address_of(self._tables[-1], c_float)

    def _array(self, array: np.ndarray, ctype: Any = c_float) -> Any:
        array = np.ascontiguousarray(array)
        self._packed.append(array)
        return address_of(array, ctype)
