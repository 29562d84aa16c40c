"""The format of a trained model on disk.

A model folder holds `config.json`, `model.safetensors`, one or two SentencePiece `.model` files, `profile.json` (what
its training text looked like), a model card `README.md` and `manifest.json` with the size and SHA-256 of each. Nothing
in it is ever executed. A run folder is accepted instead of a model folder and stands for its best step.

A folder may come from anywhere and its manifest may be forged, so everything is checked before use: by `open_model`
without torch, which is slow to import, and by `TrainedModel.load` the names and shapes of the weights.
"""

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ValidationError

from seq2seq.config import Config, complete_stored
from seq2seq.errors import InputError
from seq2seq.io.lines import printable
from seq2seq.io.manifest import MANIFEST, FolderWriter, HeldFile, SealedFolder
from seq2seq.io.storage import SMALL_JSON, identity_of, parse_json, to_json
from seq2seq.io.tensor_file import header_size, parse_layout
from seq2seq.runs.run_folder import CHECKPOINTS, find_model
from seq2seq.tokenizer.profile import PROFILE, TextProfile
from seq2seq.tokenizer.tokenizer import Tokenizers

FORMAT_VERSION = 2
CONFIG, WEIGHTS, SHORTLIST, CARD = "config.json", "model.safetensors", "shortlist.safetensors", "README.md"
CONFIDENCE = "confidence.json"

INT8 = "int8"
"""The value of `metadata["weights"]` in a model quantized for the engine."""

# Four billion parameters, more than any recurrent model has.
_LARGEST_MODEL = 16 * 2**30
_ATTEMPTS = 20
# For 250,000 source pieces, the most that a tokenizer file has room for, with sixty words each.
_LARGEST_SHORTLIST = 2**27
_LARGEST_CONFIDENCE = 2**24
# Bytes of names, dtypes and shapes: a network of 64 layers per side needs a tenth.
_LARGEST_HEADER = 2**20


_OPTIONAL_FILES = (SHORTLIST, PROFILE, CONFIDENCE, *Tokenizers.file_names(True), *Tokenizers.file_names(False))


@dataclass(frozen=True)
class ModelFolder:
    """A validated model folder. Its weights are still on disk, in a file that is held open."""

    files: SealedFolder
    config: Config
    metadata: Mapping[str, Any]
    """What the training reported about the model."""
    tokenizers: Tokenizers
    profile: TextProfile
    """Empty if an older version wrote the model."""

    @property
    def path(self) -> Path:
        """Its location when it was opened."""
        return self.files.path

    @property
    def size(self) -> int:
        """Total bytes of its files."""
        return sum(self.files.sizes.values())

    @property
    def weights(self) -> HeldFile:
        """The open weights file."""
        return self.files.file(WEIGHTS)

    def read_weights(self) -> bytes:
        """The content of the weights file."""
        return self.files.read(WEIGHTS, _LARGEST_MODEL)

    def read_shortlist(self) -> bytes:
        """The content of the shortlist file. Raises InputError if it has none."""
        return self.files.read(SHORTLIST, _LARGEST_SHORTLIST)

    def read_confidence(self) -> bytes | None:
        """The content of the file for estimating confidence, if there is one."""
        return self.files.read(CONFIDENCE, _LARGEST_CONFIDENCE) if CONFIDENCE in self.files.sizes else None

    @property
    def is_int8(self) -> bool:
        """Whether its matrices are quantized to int8."""
        return self.metadata.get("weights") == INT8

    @property
    def has_shortlist(self) -> bool:
        """Whether its search is restricted to a list of words per sentence."""
        return bool(self.metadata.get("shortlist"))


def open_model(path: Path) -> ModelFolder:
    """Open the model that `path` names, and check all that can be checked without torch.

    Raises InputError naming the file that is missing, damaged or not written by this program.
    """
    for _ in range(_ATTEMPTS - 1):
        identity = _identity(path)
        try:
            return _open_folder(identity[0])
        except InputError:
            # A concurrent training deletes steps, after it has named others, and replaces folders.
            if _identity(path) == identity:
                raise
    return _open_folder(find_model(path))


def _open_folder(folder: Path) -> ModelFolder:
    if not folder.exists():
        raise InputError(f"{folder}: missing, though the {CHECKPOINTS} of its run names it")
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{folder}: not a model folder (it has no {MANIFEST}); give one that train or export wrote")
    files = SealedFolder(folder, required=(CONFIG, WEIGHTS), optional=_OPTIONAL_FILES, largest=_LARGEST_MODEL)
    description = _parse_description(files.read(CONFIG, SMALL_JSON), folder / CONFIG)
    _check_header(files.file(WEIGHTS))
    config = description.config
    tokenizers = Tokenizers.load(files, config.tokenizer.joint, config.data.normalize)
    return ModelFolder(files, config, description.facts, tokenizers, TextProfile.load(files))


def open_models(paths: Sequence[Path]) -> list[ModelFolder]:
    """Open one model, or several that form an ensemble.

    All must share the target vocabulary, as they are averaged token by token, and the source vocabulary, so that a long
    line is split into the same parts for each. Raises InputError naming two that differ, or as `open_model` does.
    """
    folders = [open_model(path) for path in paths]
    for path, folder in zip(paths[1:], folders[1:], strict=True):
        if difference := _difference(folders[0], folder):
            raise InputError(f"{paths[0]} and {path} cannot be ensembled: {difference}")
    return folders


def _difference(folder: ModelFolder, other: ModelFolder) -> str:
    """Why two models cannot be ensembled; empty if they can. An unknown language matches any."""
    for side, key in (("source", "src_lang"), ("target", "tgt_lang")):
        languages = [getattr(model.config.data, key) for model in (folder, other)]
        if all(languages) and languages[0] != languages[1]:
            return f"their {side} languages are {languages[0]} and {languages[1]}"
    first, second = folder.tokenizers, other.tokenizers
    if (first.src.model, first.tgt.model) != (second.src.model, second.tgt.model):
        return "their vocabularies differ; train both on the same data, validation files and tokenizer settings"
    return ""


def write_files(
    folder: FolderWriter,
    config: Config,
    tokenizers: Tokenizers,
    profile: TextProfile,
    weights: bytes,
    metadata: Mapping[str, Any],
) -> None:
    """Add the files of a model folder to `folder`. weights: the content of its weights file."""
    folder.write(WEIGHTS, weights)
    folder.write(PROFILE, profile.content())
    for name, tokenizer in tokenizers.files().items():
        folder.write(name, tokenizer.model)
    description = {"format": FORMAT_VERSION, "config": config.model_dump(), "facts": dict(metadata)}
    folder.write(CONFIG, to_json(description))
    folder.write(CARD, _model_card(config, metadata).encode(errors="replace"))


def rewrite_description(folder: Path, config: Config, metadata: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Replace the configuration of a model folder, and add to its metadata, to its model card and to its files.

    Everything else stays, a sealed sub-folder too.
    """
    description = _parse_description((folder / CONFIG).read_bytes(), folder / CONFIG)
    facts = description.facts | dict(metadata)
    description = description.model_copy(update={"config": config, "facts": facts})
    with FolderWriter(folder) as copy:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST):
            copy.write(path.relative_to(folder).as_posix(), path.read_bytes())
        copy.write(CONFIG, to_json(description.model_dump()))
        copy.write(CARD, _model_card(config, facts).encode(errors="replace"))
        for name, data in files.items():
            copy.write(name, data)
        copy.publish()


def _identity(path: Path) -> tuple[Path, tuple[int, int] | None]:
    """The model folder that `path` names now, and what identifies it on the file system."""
    folder = find_model(path)
    return folder, identity_of(folder)


class _Description(BaseModel):
    """The content of a model folder's `config.json`."""

    format: int
    config: Annotated[Config, BeforeValidator(complete_stored)]
    facts: dict[str, str | int | float | None]


def _parse_description(data: bytes, path: Path) -> _Description:
    content = parse_json(data, path)
    if isinstance(content, dict) and content.get("format") != FORMAT_VERSION:
        raise InputError(
            f"{path}: format {reprlib.repr(content.get('format'))}, this program reads {FORMAT_VERSION}; "
            "use the version that wrote the model"
        )
    try:
        return _Description.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = reprlib.repr(".".join(map(str, fault["loc"])))
        raise InputError(f"{path}: damaged ({key}: {fault['msg']})") from None


def _check_header(weights: HeldFile) -> None:
    """Check that the file is what its header says, before anything in it is trusted."""
    header_bytes = header_size(weights.head(8))
    if header_bytes > _LARGEST_HEADER:
        raise InputError(f"{weights}: damaged (a header of {header_bytes:,} bytes)")
    try:
        parse_layout(weights.head(8 + header_bytes), weights.size)
    except ValueError as error:
        raise InputError(f"{weights}: damaged ({str(error)[:200]})") from None


def _model_card(config: Config, metadata: Mapping[str, Any]) -> str:
    languages = printable(f"{config.data.src_lang or 'source'} to {config.data.tgt_lang or 'target'}")
    data = config.data
    sources = [Path(name).name for name in (*data.train_src, *data.train_tgt, *data.train, *data.dataset)]
    cells = {"training data": ", ".join(sources), **metadata}
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {printable(str(value)).replace('|', chr(92) + '|')} |"
        for name, value in cells.items()
    )
    return (
        f"# A translator from {languages}\n\n"
        f"A recurrent encoder-decoder, preset `{config.preset}`, trained with seq2seq.\n\n"
        f"| | |\n|---|---|\n{rows}\n\n"
        "Use it with `seq2seq translate FOLDER -i INPUT -o OUTPUT`, or in Python with\n"
        "`seq2seq.Translator.load(FOLDER).translate(lines)`. The scores are those of\n"
        "greedy translations of the validation set.\n"
    )
