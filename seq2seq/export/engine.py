"""A trained model that translates on a CPU without torch."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat

import numpy as np

from seq2seq.config import Config
from seq2seq.errors import InputError
from seq2seq.export.beam import search_batch
from seq2seq.export.compiled import CompiledNetwork
from seq2seq.export.network import Network
from seq2seq.export.shortlist import Shortlist
from seq2seq.export.tensors import Tensors, UnknownModelError
from seq2seq.model_folder import SHORTLIST, ModelFolder, Tokenizers, TrainedModel
from seq2seq.native.library import levels
from seq2seq.search.request import Hypothesis, Request, Sources
from seq2seq.threads import worker_count


@dataclass(frozen=True)
class Engine:
    """A network in the form of the engine, with everything that is needed to use it."""

    config: Config
    tokenizers: Tokenizers
    search_batch: Callable[[Sources, Request], list[list[Hypothesis]]]
    """The best hypotheses of B sentences. May be called by several threads at once."""
    workers: int
    """Batches that are searched at the same time."""

    def search(self, batches: Iterable[Sources], request: Request) -> Iterator[list[list[Hypothesis]]]:
        """The best hypotheses of each sentence, batch by batch."""
        batches = list(batches)
        requests = repeat(request)
        if min(self.workers, len(batches)) < 2:
            yield from map(self.search_batch, batches, requests)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            yield from pool.map(self.search_batch, batches, requests)


def load_engine(folder: ModelFolder) -> Engine | None:
    """The engine for a model; None where its weights are not those of a network that the engine knows."""
    return _engine(read_network(folder), folder)


def engine_of(model: TrainedModel) -> Engine | None:
    """The engine for a model in memory, until its parameters change; None as `load_engine`, and on a GPU."""
    parameters = dict(model.network.named_parameters())
    if any(one.device.type != "cpu" for one in parameters.values()):
        return None
    tensors = Tensors.of({name: one.detach().numpy() for name, one in parameters.items()})
    return _engine(_take(tensors, model), model)


def read_network(folder: ModelFolder) -> Network | None:
    """The network of a model; None as `load_engine`."""
    network = _take(Tensors.open(folder.weights), folder)
    if network is None or not folder.has_shortlist:
        return network
    own = folder.tokenizers
    try:
        shortlist = Shortlist.parse(folder.read_shortlist(), len(own.src), len(own.tgt))
    except ValueError as error:
        raise InputError(f"{folder.path / SHORTLIST}: damaged ({error})") from None
    return replace(network, shortlist=shortlist)


@np.errstate(all="ignore")  # weights that are no numbers are told when they translate
def _take(tensors: Tensors, model: ModelFolder | TrainedModel) -> Network | None:
    own = model.tokenizers
    try:
        return Network.take(tensors, model.config.model, len(own.src), len(own.tgt), own.joint)
    except UnknownModelError:
        return None


def _engine(network: Network | None, model: ModelFolder | TrainedModel) -> Engine | None:
    if network is None:
        return None
    search = CompiledNetwork(network, max(levels())).search_batch if levels() else partial(search_batch, network)
    return Engine(model.config, model.tokenizers, search, worker_count())
