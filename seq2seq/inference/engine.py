"""A trained model that translates on a CPU in the compiled engine, without torch."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from seq2seq.config import Config
from seq2seq.errors import InputError
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.network import NetworkWeights
from seq2seq.inference.shortlist import Shortlist
from seq2seq.inference.weights import Tensors, UnsupportedModelError
from seq2seq.native.engine import isa_levels
from seq2seq.runs.model_folder import SHORTLIST, ModelFolder
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.threads import worker_count
from seq2seq.tokenizer.profile import TextProfile
from seq2seq.tokenizer.tokenizer import Tokenizers

if TYPE_CHECKING:
    from seq2seq.runs.trained_model import TrainedModel

_Batch = TypeVar("_Batch")
_Results = list[list[Hypothesis]]


@dataclass(frozen=True)
class Engine:
    """A compiled network with its configuration and vocabularies."""

    config: Config
    tokenizers: Tokenizers
    profile: TextProfile
    network: CompiledNetwork
    workers: int
    """Batches that are searched in parallel."""

    def search(self, batches: Iterable[SourceIds], options: SearchOptions) -> Iterator[list[list[Hypothesis]]]:
        """The best hypotheses of each sentence, batch by batch."""
        return self._map(lambda batch: self.network.search_batch(batch, options), batches)

    def place_symbols(
        self, batches: Iterable[tuple[SourceIds, SourceIds]], options: SearchOptions
    ) -> Iterator[list[list[Hypothesis]]]:
        """Draft translations of sources, both ended by eos, with the symbols that they lack."""
        return self._map(lambda batch: self.network.place_symbols(*batch, options), batches)

    def _map(self, search: Callable[[_Batch], _Results], batches: Iterable[_Batch]) -> Iterator[_Results]:
        batches = list(batches)
        if min(self.workers, len(batches)) < 2:
            yield from map(search, batches)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            yield from pool.map(search, batches)


def load_engine(folder: ModelFolder) -> Engine | None:
    """The engine for a model; None if it was not compiled or does not support the network, so that torch runs it."""
    return _engine(read_network(folder), folder)


def engine_of(model: "TrainedModel") -> Engine | None:
    """The engine for a model in memory, with its current parameters; None as in `load_engine`, and on a GPU."""
    parameters = dict(model.network.named_parameters())
    if any(parameter.device.type != "cpu" for parameter in parameters.values()):
        return None
    tensors = Tensors.of({name: parameter.detach().numpy() for name, parameter in parameters.items()})
    return _engine(_take(tensors, model), model)


def read_network(folder: ModelFolder) -> NetworkWeights | None:
    """The network of a model; None if the engine does not support it."""
    network = _take(Tensors.open(folder.weights), folder)
    if network is None or not folder.has_shortlist:
        return network
    tokenizers = folder.tokenizers
    try:
        shortlist = Shortlist.parse(folder.read_shortlist(), len(tokenizers.src), len(tokenizers.tgt))
    except ValueError as error:
        raise InputError(f"{folder.path / SHORTLIST}: damaged ({error})") from None
    return replace(network, shortlist=shortlist)


@np.errstate(all="ignore")  # NaN weights are reported at translation
def _take(tensors: Tensors, model: "ModelFolder | TrainedModel") -> NetworkWeights | None:
    tokenizers = model.tokenizers
    try:
        return NetworkWeights.from_tensors(
            tensors, model.config.model, len(tokenizers.src), len(tokenizers.tgt), tokenizers.joint
        )
    except UnsupportedModelError:
        return None


def _engine(network: NetworkWeights | None, model: "ModelFolder | TrainedModel") -> Engine | None:
    if network is None:
        return None
    if not isa_levels():
        warnings.warn(
            "the compiled engine is missing, so torch translates, several times slower: install a C++ compiler and "
            "reinstall seq2seq",
            RuntimeWarning,
            stacklevel=1,  # the same line for all callers: it is shown once
        )
        return None
    compiled = CompiledNetwork(network, max(isa_levels()))
    return Engine(model.config, model.tokenizers, model.profile, compiled, worker_count())
