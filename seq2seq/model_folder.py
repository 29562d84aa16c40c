"""The one format of a trained model on disk.

A model folder holds `config.json`, `model.safetensors`, one or two SentencePiece `.model` files, a model card
`README.md` and `manifest.json` with the size and SHA-256 of each. Nothing in it is ever executed. A run folder, which
holds many of them, is accepted in its place and stands for its best step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from seq2seq.config import Config, validate_config
from seq2seq.errors import InputError
from seq2seq.model.network import EncoderDecoder
from seq2seq.storage import MANIFEST, FolderWriter, read_json, to_json, verify_folder
from seq2seq.text.tokenizer import Tokenizer

FORMAT_VERSION = 1
CHECKPOINTS = "checkpoints.json"
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"


@dataclass(frozen=True)
class Tokenizers:
    """The vocabularies of both sides; with a joint one, the same object twice."""

    src: Tokenizer
    tgt: Tokenizer

    @property
    def joint(self) -> bool:
        """Whether both sides share one vocabulary."""
        return self.src is self.tgt

    def files(self) -> dict[str, Tokenizer]:
        """File names and what they hold."""
        return {"joint.model": self.src} if self.joint else {"src.model": self.src, "tgt.model": self.tgt}

    @classmethod
    def load(cls, folder: Path, joint: bool) -> "Tokenizers":
        """Read the files of `files`. Raises InputError naming one that is missing or damaged."""
        loaded = [_load_tokenizer(folder / name) for name in (["joint.model"] if joint else ["src.model", "tgt.model"])]
        return cls(loaded[0], loaded[-1])


@dataclass(frozen=True)
class TrainedModel:
    """A network with everything that is needed to use it."""

    config: Config
    network: EncoderDecoder
    tokenizers: Tokenizers


def build_network(config: Config, tokenizers: Tokenizers) -> EncoderDecoder:
    """A freshly initialised network for these vocabularies."""
    return EncoderDecoder(config.model, len(tokenizers.src), len(tokenizers.tgt), tokenizers.joint)


def write_model(folder: FolderWriter, model: TrainedModel, facts: Mapping[str, Any]) -> None:
    """Add the files of a model folder to `folder`.

    facts: what the training reports of the model (pairs, step, scores), for `seq2seq info` and the model card.
    """
    # named_parameters gives a shared one only once, which is what safetensors asks for.
    tensors = {name: tensor.detach().contiguous() for name, tensor in model.network.named_parameters()}
    folder.write(WEIGHTS, safetensors.torch.save(tensors))
    for name, tokenizer in model.tokenizers.files().items():
        folder.write(name, tokenizer.model)
    description = {"format": FORMAT_VERSION, "config": model.config.model_dump(), "facts": dict(facts)}
    folder.write(CONFIG, to_json(description))
    folder.write(CARD, _model_card(model.config, facts).encode())


def find_model(path: Path) -> Path:
    """The model folder that `path` stands for: itself, or the best step of a run folder."""
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; MODEL is a model folder or a run folder")
    if (path / CHECKPOINTS).is_file():
        return step_folder(path, read_checkpoints(path)["best"])
    if (path / "data").is_dir():
        raise InputError(f"{path}: this run has no checkpoint yet")
    return path


def read_checkpoints(run_folder: Path) -> dict[str, int]:
    """The numbers of the `best` and the `last` step of a run. Raises InputError where the file is damaged."""
    steps = read_json(run_folder / CHECKPOINTS)
    if not isinstance(steps, dict) or not all(type(steps.get(name)) is int for name in ("best", "last")):
        raise InputError(f"{run_folder / CHECKPOINTS}: damaged (it does not name the best and the last step)")
    return steps


def step_folder(run_folder: Path, step: int) -> Path:
    """Where a step of a run lies."""
    return run_folder / "steps" / str(step)


def verify_model(folder: Path) -> None:
    """Check a model folder against its manifest. Raises InputError naming what is missing or altered."""
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{folder}: not a model folder (it has no {MANIFEST})")
    verify_folder(folder, required=(CONFIG, WEIGHTS))


def read_description(folder: Path) -> tuple[Config, dict[str, Any]]:
    """The configuration and the facts of a verified model folder."""
    description = read_json(folder / CONFIG)
    if not isinstance(description, dict) or not isinstance(description.get("facts"), dict):
        raise InputError(f"{folder / CONFIG}: damaged (not a model's description)")
    if description.get("format") != FORMAT_VERSION:
        raise InputError(
            f"{folder / CONFIG}: format {description.get('format')}, this program reads {FORMAT_VERSION}; "
            "use the version that wrote the model"
        )
    return validate_config(description.get("config", {}), str(folder / CONFIG)), description["facts"]


def load_model(path: Path, device: torch.device | str = "cpu") -> TrainedModel:
    """Read the model that `path` stands for. Raises InputError naming the file that is missing or damaged."""
    folder = find_model(path)
    verify_model(folder)
    config, _ = read_description(folder)
    tokenizers = Tokenizers.load(folder, config.tokenizer.joint)
    with torch.device("meta"):
        network = build_network(config, tokenizers)
    parameters = dict(network.named_parameters())
    tensors = _read_tensors(folder / WEIGHTS, {name: tuple(p.shape) for name, p in parameters.items()})
    network.to_empty(device=device)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(tensors[name])
    return TrainedModel(config, network.eval(), tokenizers)


def _read_tensors(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """The tensors of a file, after its header was found to promise just these names and shapes in float32."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            if set(file.keys()) != set(shapes):
                odd = sorted(set(file.keys()) ^ set(shapes))[0]
                raise InputError(f"{path}: tensor {odd} is missing or not of this model")
            for name, shape in shapes.items():
                found = file.get_slice(name)
                if tuple(found.get_shape()) != shape or found.get_dtype() != "F32":
                    raise InputError(
                        f"{path}: tensor {name} is {found.get_dtype()} {found.get_shape()}, expected F32 {list(shape)}"
                    )
            return {name: file.get_tensor(name) for name in shapes}
    except safetensors.SafetensorError as error:
        raise InputError(f"{path}: damaged ({error})") from None


def _load_tokenizer(path: Path) -> Tokenizer:
    try:
        return Tokenizer(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: missing") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _model_card(config: Config, facts: Mapping[str, Any]) -> str:
    languages = f"{config.data.src_lang or 'source'} to {config.data.tgt_lang or 'target'}"
    data = config.data
    sources = [Path(name).name for name in (*data.train_src, *data.train_tgt, *data.train, *data.dataset)]
    cells = {"training data": ", ".join(sources), **facts}
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {str(value).replace('|', chr(92) + '|')} |" for name, value in cells.items()
    )
    return (
        f"# A translator from {languages}\n\n"
        f"A recurrent encoder-decoder, preset `{config.preset}`, trained with seq2seq.\n\n"
        f"| | |\n|---|---|\n{rows}\n\n"
        "Use it with `seq2seq translate FOLDER -i INPUT -o OUTPUT`, or in Python with\n"
        "`seq2seq.Translator.load(FOLDER).translate(lines)`. The scores are those of\n"
        "greedy translations of the validation set.\n"
    )
