"""Networks with their vocabularies, read from model folders and written to them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch

from seq2seq.config import Config
from seq2seq.errors import InputError
from seq2seq.io.manifest import FolderWriter
from seq2seq.model.network import EncoderDecoder
from seq2seq.model.weights import expect_device, load_weights, pack_weights, shapes_only
from seq2seq.runs.model_folder import ModelFolder, open_model, write_files
from seq2seq.search.batch import place_symbols, search_batch
from seq2seq.search.ensemble import Ensemble
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.tokenizer.profile import NO_PROFILE, TextProfile
from seq2seq.tokenizer.tokenizer import Tokenizers


@dataclass(frozen=True)
class TrainedModel:
    """A network with everything that is needed to use it."""

    config: Config
    network: EncoderDecoder
    tokenizers: Tokenizers
    profile: TextProfile = NO_PROFILE

    @classmethod
    def load(cls, folder: ModelFolder, device: torch.device | str = "cpu") -> Self:
        """Load the network onto `device`.

        Raises InputError if the weights do not match the configuration, there is no such device, or the model was
        exported for the engine only.
        """
        if folder.is_int8 or folder.has_shortlist:
            raise InputError(
                f"{folder.path}: a model in int8 or with a shortlist can only translate, alone and on a CPU; "
                "use the original for everything else"
            )
        return cls.load_without_engine(folder, device)

    @classmethod
    def load_without_engine(cls, folder: ModelFolder, device: torch.device | str = "cpu") -> Self:
        """The same for any model: int8 weights become float32, and a shortlist is ignored."""
        expect_device(device)
        with shapes_only():
            network = build_network(folder.config, folder.tokenizers)
        load_weights(network, folder.weights, device)
        return cls(folder.config, network.eval(), folder.tokenizers, folder.profile)

    def search(self, batches: Iterable[SourceIds], options: SearchOptions) -> Iterator[list[list[Hypothesis]]]:
        """The best hypotheses of each sentence, batch by batch."""
        device = next(self.network.parameters()).device
        return (search_batch(self.network, batch, options, device) for batch in batches)

    def place_symbols(
        self, batches: Iterable[tuple[SourceIds, SourceIds]], options: SearchOptions
    ) -> Iterator[list[list[Hypothesis]]]:
        """Draft translations of sources, both ended by eos, with the symbols that they lack."""
        device = next(self.network.parameters()).device
        return (place_symbols(self.network, *batch, options, device) for batch in batches)


@dataclass(frozen=True)
class EnsembleModel:
    """Several trained models with the same vocabularies that search as one, with the settings of the first."""

    members: Sequence[TrainedModel]

    @property
    def config(self) -> Config:
        """That of the first member, with the smallest length limit of all."""
        config = self.members[0].config
        limit = min(member.config.data.max_length for member in self.members)
        return config.model_copy(update={"data": config.data.model_copy(update={"max_length": limit})})

    @property
    def tokenizers(self) -> Tokenizers:
        """The shared vocabularies; text is normalised if a member needs it."""
        tokenizers = [member.tokenizers for member in self.members]
        return next((normalizing for normalizing in tokenizers if normalizing.normalize), tokenizers[0])

    @property
    def profile(self) -> TextProfile:
        """That of the first member."""
        return self.members[0].profile

    def search(self, batches: Iterable[SourceIds], options: SearchOptions) -> Iterator[list[list[Hypothesis]]]:
        """The best hypotheses of each sentence, batch by batch."""
        return (search_batch(self._network, batch, options, self._device) for batch in batches)

    def place_symbols(
        self, batches: Iterable[tuple[SourceIds, SourceIds]], options: SearchOptions
    ) -> Iterator[list[list[Hypothesis]]]:
        """Draft translations of sources, both ended by eos, with the symbols that they lack."""
        return (place_symbols(self._network, *batch, options, self._device) for batch in batches)

    @property
    def _network(self) -> Ensemble[Any]:
        return Ensemble([member.network for member in self.members])

    @property
    def _device(self) -> torch.device:
        return next(self.members[0].network.parameters()).device


def load_model(path: Path, device: torch.device | str = "cpu") -> TrainedModel:
    """Load the model that `path` names. Raises InputError naming the file that is missing or damaged."""
    return TrainedModel.load(open_model(path), device)


def load_models(folders: Sequence[ModelFolder], device: torch.device | str = "cpu") -> TrainedModel | EnsembleModel:
    """Load one model, or several as an ensemble, that `open_models` opened."""
    models = [TrainedModel.load(folder, device) for folder in folders]
    return models[0] if len(models) == 1 else EnsembleModel(models)


def build_network(config: Config, tokenizers: Tokenizers) -> EncoderDecoder:
    """A freshly initialised network for these vocabularies."""
    return EncoderDecoder(config.model, len(tokenizers.src), len(tokenizers.tgt), tokenizers.joint)


def write_model(folder: FolderWriter, model: TrainedModel, metadata: Mapping[str, Any]) -> None:
    """Add the files of a model folder to `folder`.

    metadata: what the training reports about the model (pairs, step, scores), for `seq2seq info` and the model card.
    """
    write_files(folder, model.config, model.tokenizers, model.profile, pack_weights(model.network), metadata)
