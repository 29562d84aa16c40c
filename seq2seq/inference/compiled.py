"""The compiled engine (`native/`): the beam search of `search/beam.py` and the networks of `model/` in C++."""

from ctypes import c_double, c_float, c_int32

import numpy as np

from seq2seq.errors import InputError
from seq2seq.inference.network import NetworkTensors
from seq2seq.native.engine import DamagedTensorError, Model, address_of
from seq2seq.native.structures import Hypotheses, Options
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.tokenizer.symbols import SYMBOLS
from seq2seq.tokenizer.tokenizer import BOS, EOS


class CompiledNetwork:
    """A network loaded into the compiled engine. Copies share it."""

    def __init__(self, network: NetworkTensors, level: int) -> None:
        """level: one of `native.engine.isa_levels()`.

        Raises UnsupportedModelError if the tensors are not exactly those of the network, InputError if damaged.
        """
        self._shortlist = network.shortlist
        try:
            self._model = Model(network.tensors, network.settings(), level)
        except DamagedTensorError as error:
            raise InputError(f"{network.origin}: damaged ({error} has values under -127)") from None

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
        view = Options(
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
        hypotheses = Hypotheses(
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
