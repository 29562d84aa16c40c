"""A trained model that translates on a CPU without torch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from seq2seq.config import Config
from seq2seq.export.beam import search_batch
from seq2seq.export.network import Network
from seq2seq.export.tensors import Tensors, UnknownModelError
from seq2seq.model_folder import WEIGHTS, ModelFolder, Tokenizers
from seq2seq.search.request import Hypothesis, Request, Sources


@dataclass(frozen=True)
class Engine:
    """A network in the form of the engine, with everything that is needed to use it."""

    config: Config
    tokenizers: Tokenizers
    network: Network

    def search(self, batches: Iterable[Sources], request: Request) -> Iterator[list[list[Hypothesis]]]:
        """The best hypotheses of each sentence, batch by batch."""
        return (search_batch(self.network, batch, request) for batch in batches)


@np.errstate(all="ignore")  # weights that are no numbers are told when they translate
def load_engine(folder: ModelFolder) -> Engine | None:
    """The engine for a model; None where its weights are not those of a network that the engine knows."""
    tokenizers = folder.tokenizers
    try:
        network = Network.take(
            Tensors(folder.path / WEIGHTS),
            folder.config.model,
            len(tokenizers.src),
            len(tokenizers.tgt),
            tokenizers.joint,
        )
    except UnknownModelError:
        return None
    return Engine(folder.config, tokenizers, network)
