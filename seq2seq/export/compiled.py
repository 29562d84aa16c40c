"""The compiled form of the engine: the same forward pass and search as in numpy, in C++ (`native/`), and faster."""

import ctypes
import weakref
from collections.abc import Sequence
from ctypes import POINTER, c_double, c_float, c_int8, c_int32, c_int64, c_void_p
from functools import cache
from typing import Any

import numpy as np

from seq2seq.export.linear import Linear
from seq2seq.export.network import Network
from seq2seq.export.recurrence import Recurrence
from seq2seq.export.source import Attention, SummaryKnowledge
from seq2seq.native.library import library
from seq2seq.search.request import Hypothesis, Request, Sources
from seq2seq.text.tokenizer import BOS, EOS

_CELLS = ["gru", "lstm", "rnn"]
# What a search returns.
_OUT_OF_MEMORY, _INVALID = 1, 2


class _Linear(ctypes.Structure):
    _fields_ = [
        ("weight", POINTER(c_float)),
        ("quantized", POINTER(c_int8)),
        ("scales", POINTER(c_float)),
        ("bias", POINTER(c_float)),
        ("out", c_int32),
        ("in_", c_int32),
    ]


class _Recurrence(ctypes.Structure):
    _fields_ = [("cell", c_int32), ("inputs", _Linear), ("recurrent", _Linear)]


class _Model(ctypes.Structure):
    _fields_ = [
        ("src_embedding", POINTER(c_float)),
        ("word_gates", POINTER(c_float)),
        ("word_readout", POINTER(c_float)),
        ("attention_score", POINTER(c_float)),
        ("encoder", POINTER(_Recurrence)),
        ("decoder", POINTER(_Recurrence)),
        ("summary", _Linear),
        ("first_state", _Linear),
        ("readout", _Linear),
        ("output", _Linear),
        ("context_gates", _Linear),
        ("context_readout", _Linear),
        ("key", _Linear),
        ("query", _Linear),
        ("value", _Linear),
        ("weigh", _Linear),
        ("gate", _Linear),
        ("mixture", _Linear),
        ("src_vocab", c_int32),
        ("embedding_size", c_int32),
        ("encoder_layers", c_int32),
        ("directions", c_int32),
        ("decoder_layers", c_int32),
        ("attends", c_int32),
    ]


class _Request(ctypes.Structure):
    _fields_ = [
        ("forbidden", POINTER(c_int32)),
        ("shortlists", POINTER(c_int32)),
        ("shortlist_starts", POINTER(c_int32)),
        ("alpha", c_double),
        ("beam_size", c_int64),
        ("n_best", c_int64),
        ("forbidden_count", c_int32),
        ("eos", c_int32),
        ("bos", c_int32),
    ]


class _Found(ctypes.Structure):
    _fields_ = [
        ("tokens", POINTER(c_int32)),
        ("lengths", POINTER(c_int32)),
        ("log_probs", POINTER(c_double)),
        ("scores", POINTER(c_double)),
        ("longest", c_int32),
    ]


@cache
def _engine() -> ctypes.CDLL | None:
    """The compiled functions, where they were built."""
    loaded = library()
    if loaded:
        loaded.seq2seq_model.argtypes = [POINTER(_Model), ctypes.c_int]
        loaded.seq2seq_model.restype = c_void_p
        loaded.seq2seq_free.argtypes = [c_void_p]
        loaded.seq2seq_free.restype = None
        numbers = POINTER(c_int32)
        loaded.seq2seq_search.argtypes = [c_void_p, POINTER(_Request), *[numbers] * 3, c_int32, POINTER(_Found)]
    return loaded


class _Handle:
    """Owns a model on the C side, and the arrays that it reads; copies of what holds it share it."""

    def __init__(self, engine: ctypes.CDLL, view: _Model, level: int, *arrays: list[Any]) -> None:
        self._arrays = arrays
        self.address: int | None = engine.seq2seq_model(view, level)
        if not self.address:
            raise MemoryError
        weakref.finalize(self, engine.seq2seq_free, self.address)


class CompiledNetwork:
    """A network in compiled form."""

    def __init__(self, network: Network, level: int) -> None:
        """level: one of `levels()`."""
        engine = _engine()
        assert engine
        # The C side goes on reading the tables, and packs weights and biases in a form of its own.
        self._tables: list[np.ndarray] = []
        self._packed: list[object] = []
        view = self._view(network)
        self._search, self._shortlist = engine.seq2seq_search, network.shortlist
        self._model = _Handle(engine, view, level, self._tables, self._packed)
        if network.shortlist is None:  # else parts of the output layer are packed for each sentence
            self._packed.clear()

    def search_batch(self, sources: Sources, request: Request) -> list[list[Hypothesis]]:
        """The best hypotheses of B sentences, best first. Other threads run meanwhile.

        Raises ValueError for an empty source, for ids outside the vocabularies and for a request that makes no sense;
        MemoryError, after which it can be used as before.
        """
        if not sources:
            return []
        lengths = np.array([len(source) for source in sources], np.int32)
        limits = np.array([request.max_length(len(source)) for source in sources], np.int32)
        tokens = np.concatenate([np.array(source, np.int32) for source in sources])
        forbidden = np.array(request.forbidden, np.int32)
        found_tokens = np.empty((len(sources), request.n_best, limits.max()), np.int32)
        found_lengths = np.empty((len(sources), request.n_best), np.int32)
        log_probs, scores = np.empty((2, len(sources), request.n_best))
        asked = _Request(
            forbidden=_at(forbidden, c_int32),
            alpha=request.alpha,
            forbidden_count=len(forbidden),
            beam_size=request.beam_size,
            n_best=request.n_best,
            eos=EOS,
            bos=BOS,
        )
        if self._shortlist:
            lists = [np.flatnonzero(self._shortlist.of(source, request.forbidden)) for source in sources]
            words = np.concatenate(lists).astype(np.int32)
            starts = np.cumsum([0, *map(len, lists)], dtype=np.int32)
            asked.shortlists, asked.shortlist_starts = _at(words, c_int32), _at(starts, c_int32)
        found = _Found(
            _at(found_tokens, c_int32),
            _at(found_lengths, c_int32),
            _at(log_probs, c_double),
            _at(scores, c_double),
            found_tokens.shape[2],
        )
        arrays = [_at(one, c_int32) for one in (tokens, lengths, limits)]
        outcome = self._search(self._model.address, asked, *arrays, len(sources), found)
        if outcome == _OUT_OF_MEMORY:
            raise MemoryError
        if outcome == _INVALID:
            raise ValueError("an empty source, an id outside the vocabulary, or a number of the request out of range")
        return [
            [
                Hypothesis(tuple(found_tokens[b, n, :length].tolist()), float(log_probs[b, n]), float(scores[b, n]))
                for n, length in enumerate(found_lengths[b].tolist())
                if length >= 0
            ]
            for b in range(len(sources))
        ]

    def _view(self, network: Network) -> _Model:
        encoder, decoder = network.encoder, network.decoder
        source = decoder.source
        view = _Model(
            src_embedding=self._table(encoder.embedding),
            word_gates=self._table(decoder.word_gates),
            word_readout=self._table(decoder.word_readout),
            encoder=self._recurrences([one for layer in encoder.layers for one in layer]),
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
            attends=isinstance(source, Attention),
        )
        if isinstance(source, Attention):
            view.key, view.query, view.value = map(self._linear, (source.key, source.query, source.value))
            view.attention_score = None if source.score is None else self._table(source.score)
        else:
            view.context_gates, view.context_readout = map(self._linear, (source.gates, source.readout))
        if isinstance(source, SummaryKnowledge):
            view.weigh, view.gate, view.mixture = map(self._linear, (source.weigh, source.gate, source.mixture))
        return view

    def _recurrences(self, layers: Sequence[Recurrence]) -> Any:
        array = (_Recurrence * len(layers))(
            *(
                _Recurrence(_CELLS.index(one.cell), self._linear(one.inputs), self._linear(one.recurrent))
                for one in layers
            )
        )
        self._packed.append(array)
        return array

    def _linear(self, linear: Linear | None) -> _Linear:
        if linear is None:
            return _Linear()
        weight, view = linear.weight, _Linear(bias=self._numbers(linear.bias))
        view.out, view.in_ = weight.shape
        if weight.scales is None:
            view.weight = self._numbers(weight.values)
        else:
            view.quantized, view.scales = self._numbers(weight.values, c_int8), self._numbers(weight.scales)
        return view

    def _table(self, array: np.ndarray) -> Any:
        self._tables.append(np.ascontiguousarray(array))
        return _at(self._tables[-1], c_float)

    def _numbers(self, array: np.ndarray, kind: Any = c_float) -> Any:
        array = np.ascontiguousarray(array)
        self._packed.append(array)
        return _at(array, kind)


def _at(array: np.ndarray, kind: Any) -> Any:
    return array.ctypes.data_as(POINTER(kind))
