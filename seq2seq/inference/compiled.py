"""The compiled engine (`native/`): the beam search of `search/beam.py` and the networks of `model/` in C++."""

from collections.abc import Sequence
from ctypes import c_double, c_float, c_int32
from itertools import accumulate, chain
from typing import Any

from seq2seq.errors import InputError
from seq2seq.inference.network import NetworkTensors, is_supported
from seq2seq.native.engine import DamagedTensorError, Model, UnsupportedModelError, int32_array
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
        if not is_supported(network.config):
            raise UnsupportedModelError(network.config.architecture)
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
        count, n_best = len(sources), options.n_best
        view = Options(
            forbidden_ids=int32_array(options.forbidden_ids),
            length_penalty=options.length_penalty,
            forbidden_count=len(options.forbidden_ids),
            beam_size=options.beam_size,
            n_best=n_best,
            eos=EOS,
            bos=BOS,
            has_symbols=options.symbols,
        )
        if self._shortlist:
            shortlists = (self._shortlist.of(source, options.forbidden_ids, options.symbols) for source in sources)
            lists = [allowed.nonzero()[0].tolist() for allowed in shortlists]
            view.shortlists, view.shortlist_starts = _concatenated(lists)
        if drafts:
            view.drafts, view.draft_starts = _concatenated(drafts)
        longest = max(max_lengths)
        rows = count * max(n_best, 0)
        tokens, lengths = (c_int32 * (rows * longest))(), (c_int32 * rows)()
        log_probs, scores = (c_double * rows)(), (c_double * rows)()
        token_log_probs = (c_float * (rows * longest))()
        hypotheses = Hypotheses(tokens, lengths, log_probs, scores, token_log_probs, longest)
        self._model.search(view, list(chain(*sources)), list(map(len, sources)), max_lengths, hypotheses)

        def hypothesis(row: int) -> Hypothesis:
            start, end = row * longest, row * longest + lengths[row]
            return Hypothesis(
                tuple(tokens[start:end]), log_probs[row], scores[row], tuple(token_log_probs[start : end + 1])
            )

        return [
            [hypothesis(row) for row in range(b * n_best, (b + 1) * n_best) if lengths[row] >= 0] for b in range(count)
        ]


def _concatenated(lists: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """The lists as one array, and where each begins, with the end of the last."""
    return int32_array(list(chain(*lists))), int32_array([0, *accumulate(map(len, lists))])
