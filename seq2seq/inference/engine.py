"""A trained model that translates on a CPU in the compiled engine, without torch."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from seq2seq.config import Config
from seq2seq.errors import InputError
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.network import NetworkTensors, is_supported
from seq2seq.native.engine import RawTensor, UnsupportedModelError, isa_levels
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
    if not is_supported(folder.config.model) or not _is_compiled():
        return None
    tokenizers, weights = folder.tokenizers, folder.read_weights()
    try:
        network = NetworkTensors.parse(weights, folder.config.model, *_sizes(tokenizers))
    except ValueError as error:
        raise InputError(f"{folder.weights}: damaged ({error})") from None
    network = replace(network, origin=str(folder.weights))
    if folder.has_shortlist:
        from seq2seq.inference.shortlist import Shortlist

        try:
            shortlist = Shortlist.parse(folder.read_shortlist(), len(tokenizers.src), len(tokenizers.tgt))
        except ValueError as error:
            raise InputError(f"{folder.path / SHORTLIST}: damaged ({error})") from None
        network = replace(network, shortlist=shortlist)
    try:
        return _engine(network, folder)
    except UnsupportedModelError as error:
        raise InputError(f"{folder.weights}: tensor {str(error)!r} is missing or not of this model") from None


def engine_of(model: "TrainedModel") -> Engine | None:
    """The engine for a model in memory, with its current parameters; None as in `load_engine`, and on a GPU."""
    parameters = dict(model.network.named_parameters())
    on_cpu = all(parameter.device.type == "cpu" for parameter in parameters.values())
    if not on_cpu or not is_supported(model.config.model) or not _is_compiled():
        return None
    contiguous = {name: parameter.detach().float().contiguous() for name, parameter in parameters.items()}
    tensors = {
        name: RawTensor("F32", tuple(tensor.shape), tensor.data_ptr(), tensor) for name, tensor in contiguous.items()
    }
    try:
        return _engine(NetworkTensors(tensors, model.config.model, *_sizes(model.tokenizers)), model)
    except UnsupportedModelError:
        return None


def _sizes(tokenizers: Tokenizers) -> tuple[int, int, bool]:
    """Of the vocabularies, and whether they are the same."""
    return len(tokenizers.src), len(tokenizers.tgt), tokenizers.joint


def _is_compiled() -> bool:
    """Whether there is an engine; warns if there is none."""
    if isa_levels():
        return True
    warnings.warn(
        "the compiled engine is missing, so torch translates, several times slower: install a C++ compiler and "
        "reinstall seq2seq",
        RuntimeWarning,
        stacklevel=1,  # the same line for all callers: it is shown once
    )
    return False


def _engine(network: NetworkTensors, model: "ModelFolder | TrainedModel") -> Engine:
    compiled = CompiledNetwork(network, max(isa_levels()))
    return Engine(model.config, model.tokenizers, model.profile, compiled, worker_count())
