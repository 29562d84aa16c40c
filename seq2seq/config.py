"""All settings of a training, in sections; each part of the program gets only its own section.

Unknown keys and invalid values are errors that name the key. `presets/` builds a configuration.
"""

import difflib
import json
import reprlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from seq2seq.architectures import ARCHITECTURES
from seq2seq.errors import InputError

DEFAULT_PRESET = "context"


class Section(BaseModel):
    """Base of all sections: immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


Rule = Literal["identical", "markup", "mojibake", "length", "ratio", "script", "duplicates"]
CLEANING_RULES: tuple[Rule, ...] = get_args(Rule)

SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-6, 1000.0
Weight = Annotated[float, Field(ge=SMALLEST_WEIGHT, le=LARGEST_WEIGHT)]
"""How often an epoch samples a pair."""


def _short(text: str) -> str:
    if len(text) > _LONGEST_NAME:
        raise ValueError(f"has {len(text):,} characters; at most {_LONGEST_NAME} are possible")
    return text


_LONGEST_NAME = 256
_Name = Annotated[str, AfterValidator(_short)]

_OneOrMore = BeforeValidator(lambda value: _as_tuple(value))
_Names = Annotated[tuple[str, ...], _OneOrMore]


class DataConfig(Section):
    """Where the sentence pairs come from: aligned files, tables (docs/data.md lists the formats) and datasets.

    Text files may be compressed.
    """

    train: _Names = ()
    """Tables of training pairs, one pair per row."""
    train_src: _Names = ()
    """Training sentences of the source language, one per line."""
    train_tgt: _Names = ()
    """Their translations, line by line."""
    dataset: _Names = ()
    """Hugging Face datasets: folders in the hub's layout, or names on the hub."""
    subset: _Name | None = None
    """Configuration of the datasets; by default the only one, or the one named after the languages."""
    split: _Name = "train"
    """Training split of the datasets. Their validation split, if there is one, is used for validation."""
    weights: Annotated[tuple[Weight, ...], _OneOrMore] = ()
    """How often an epoch samples the pairs of each source: first aligned files, then tables, then datasets; by
    default 1 for all. 0.5 samples half of the pairs, different ones in each epoch."""
    valid: str | None = None
    """Table of validation pairs."""
    valid_src: str | None = None
    """Validation sentences of the source language."""
    valid_tgt: str | None = None
    """Their translations. Without validation data, pairs are held out from the training data."""
    src_lang: _Name = ""
    """Code of the source language; by default inferred from the names of files or columns."""
    tgt_lang: _Name = ""
    """Code of the target language; likewise."""
    invalid_lines: Literal["stop", "skip"] | None = "stop"
    """Rows that cannot be read: stop at the first, or skip and count them."""
    max_invalid: float = Field(default=0.1, ge=0, le=1)
    """Largest share of a source's rows that may be skipped."""
    encoding: _Name = ""
    """Encoding of text files, such as windows-1252; by default UTF-8, or what a byte order mark says."""
    src_column: str = ""
    """Source column of tables; by default inferred from the languages and from common names."""
    tgt_column: str = ""
    """Target column of tables; likewise."""
    held_out: PositiveInt = 1000
    """Pairs held out for validation if no validation data is given, at most a twentieth of all."""
    max_length: int = Field(default=128, ge=1, le=10_000)
    """Maximum sentence length, in pieces. Training drops longer pairs; longer lines are translated in parts."""
    normalize: bool = True
    """Whether text is brought into one form in training, translation and scoring: NFC, plain blanks, no stray invisible
    characters."""
    clean: Annotated[tuple[Rule, ...], _OneOrMore] = ()
    """Rules that drop training pairs; `--clean` applies all."""

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        if len(self.train_src) != len(self.train_tgt):
            missing = "tgt" if len(self.train_src) > len(self.train_tgt) else "src"
            raise ValueError(f"--train-{missing} is missing: aligned files must be given together")
        if self.valid and (self.valid_src or self.valid_tgt):
            raise ValueError("give --valid, or --valid-src and --valid-tgt, not both")
        if bool(self.valid_src) != bool(self.valid_tgt):
            missing = "tgt" if self.valid_src else "src"
            raise ValueError(f"--valid-{missing} is missing: aligned files must be given together")
        if bool(self.src_column) != bool(self.tgt_column):
            raise ValueError("--src-column and --tgt-column must be given together")
        sources = len(self.train_src) + len(self.train) + len(self.dataset)
        if self.weights and len(self.weights) != sources:
            raise ValueError(f"--weight: {len(self.weights)} for {sources} training sets; give one for each, or none")
        return self


class TokenizerConfig(Section):
    """SentencePiece vocabularies, trained on the training pairs."""

    vocab_size: int | None = Field(default=None, ge=1, le=1_000_000)
    """Vocabulary size, in pieces; by default derived from the amount of data."""
    joint: bool = True
    """Whether both languages share one vocabulary."""
    model_type: Literal["unigram", "bpe"] = "unigram"
    """SentencePiece model type."""
    symbols: bool = True
    """Whether the vocabularies have symbols for protected spans, such as URLs, placeholders and tags."""


_Size = Annotated[int, Field(ge=1, le=65_536)]


def _known_architecture(name: str) -> str:
    if name not in ARCHITECTURES:
        raise ValueError(f"no architecture {name!r}; choose one of {', '.join(ARCHITECTURES)}")
    return name


class ModelConfig(Section):
    """Architecture and sizes of the network."""

    architecture: Annotated[str, AfterValidator(_known_architecture)] = "default"
    """The default network, or that of a paper, best chosen by its preset."""
    cell: Annotated[
        Literal["gru", "gru-reset-before", "lstm", "lstm-peephole", "rnn"],
        BeforeValidator(lambda name: "gru-reset-before" if name == "gru-before" else name),  # its name before 0.1
    ] = "gru"
    """Recurrent cell; gru-reset-before applies the reset gate before the matrix product, lstm-peephole has peephole
    connections."""
    attention: Literal["none", "dot", "general", "additive"] = "none"
    """Attention score function; with none, the decoder sees the source through the context vector and `summaries`."""
    embedding_size: _Size = 256
    """Size of the piece embeddings and of the readout."""
    hidden_size: _Size = 512
    """Hidden units; a bidirectional encoder has half of them in each direction."""
    context_size: _Size = 512
    """Size of the context vector c."""
    summaries: int = Field(default=32, ge=0, le=4096)
    """Summary vectors of the source that the default decoder without attention reads in addition to c."""
    encoder_layers: int = Field(default=1, ge=1, le=64)
    """Recurrent layers of the encoder."""
    decoder_layers: int = Field(default=1, ge=1, le=64)
    """Recurrent layers of the decoder."""
    bidirectional: bool = True
    """Whether the encoder reads the source in both directions."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout probability of embeddings, states and readouts; by default derived from how often training sees the
    pairs."""

    @model_validator(mode="after")
    def _check_architecture(self) -> Self:
        if violation := ARCHITECTURES[self.architecture].violation(self):
            raise ValueError(f"architecture {self.architecture} {violation}")
        return self


class TrainingConfig(Section):
    """How the network is trained."""

    seed: int = Field(default=1, ge=0, lt=2**63)
    """Random seed."""
    minutes: float | None = Field(default=None, gt=0, le=100_000)
    """Wall-clock time, validation included; sets the number of steps once the first are timed. 15 without max_steps."""
    max_steps: PositiveInt | None = None
    """Optimiser updates; with minutes, an upper limit. By default sixty epochs, but at least 2,400 steps."""
    batch_tokens: PositiveInt = 2048
    """Batch size, in tokens of the longer side, padding included."""
    accumulation: PositiveInt = 1
    """Batches whose gradients are accumulated for one update."""
    optimizer: Literal["adam", "adamw", "adadelta", "sgd"] = "adam"
    """Optimiser; adamw decouples weight decay from the gradient, adadelta and plain sgd are those of the papers."""
    weight_decay: NonNegativeFloat = 0.0
    """Weight decay."""
    learning_rate: PositiveFloat = 2e-3
    """Peak learning rate."""
    schedule: Literal["cosine", "linear", "halving", "constant"] = "cosine"
    """Learning-rate decay: cosine and linear fall to zero at the last step, halving halves the rate every fifteenth of
    the steps after two thirds of them, constant keeps it."""
    warmup_steps: NonNegativeInt = 200
    """Warm-up steps."""
    clip_norm: PositiveFloat = 1.0
    """Maximum L2 norm of the gradient; larger ones are scaled down to it."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Probability spread evenly over the vocabulary in the training loss."""
    precision: Literal["auto", "bf16", "float32"] = "auto"
    """Data type of the matrix products; auto is bf16 if the hardware supports it, else float32."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """Threads per process on a CPU; by default one per core. Fixed when the run starts, as rounding depends on it."""
    validate_every: PositiveInt | None = None
    """Steps between validations; by default about twenty validations in all, fewer if they take long."""
    patience: PositiveInt = 10
    """Stop after this many validations without a better score."""
    validation_metric: Literal["bleu", "chrf"] | None = None
    """Metric of the validations: decides on the best step, on patience and on the length penalty. By default bleu; chrf
    if the targets are written without spaces between words."""


class SearchConfig(Section):
    """Search defaults of the trained model."""

    beam_size: int = Field(default=5, ge=1, le=1000)
    """Hypotheses kept per step; 1 is greedy search."""
    length_penalty: float | None = Field(default=None, ge=0, le=10)
    """Exponent of the length penalty; 0 ranks by log-probability alone. By default tuned for the
    validation metric on the validation set at the end of training."""


class Config(Section):
    """All sections, as stored in `config.json`."""

    preset: str = DEFAULT_PRESET
    """The preset this configuration started from."""
    data: DataConfig = DataConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    search: SearchConfig = SearchConfig()
    _given: frozenset[str] = PrivateAttr(frozenset())
    """`section.key` of the settings given by the user, and of `ADAPTIVE` ones that the preset sets."""

    def is_given(self, key: str) -> bool:
        """Whether `section.key` was given. If not, it may be derived from the data: `ADAPTIVE`."""
        return key in self._given


def complete_stored(settings: Any) -> Any:
    """Settings read from a `config.json` of any version.

    Without `data.normalize` they are those of a model that reads text as it is; without `tokenizer.symbols`, of one
    without symbols.
    """
    if not isinstance(settings, dict):
        return settings
    added = {"data": {"normalize": False}, "tokenizer": {"symbols": False}}
    sections = {name: settings.get(name, {}) for name in added}
    return settings | {name: added[name] | section for name, section in sections.items() if isinstance(section, dict)}


SECTIONS = {name for name, field in Config.model_fields.items() if isinstance(field.default, Section)}

ADAPTIVE = frozenset({"model.dropout"})
"""Settings whose default is replaced by one derived from the data, in `training/adaptation.py`."""


def validate_config(settings: Mapping[str, Any], origin: str) -> Config:
    """Validate `settings`. Raises InputError, prefixed by `origin`, with the invalid keys and the reasons."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        faults = [_explain(fault) for fault in error.errors()]
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise InputError(f"{origin}: {'; '.join(faults[:5])}{more}") from None


def _explain(fault: Any) -> str:
    path = ".".join(str(part) for part in fault["loc"])[:100]
    if fault["type"] == "extra_forbidden":
        *section, _ = path.rpartition(".")
        known = [f"{''.join(section)}{key}" for key in _known_keys(fault["loc"][:-1])]
        return f"unknown key {path}{did_you_mean(path, known)}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return message if message.startswith("--") else f"{path}: {message}"
    return f"{path} = {reprlib.repr(fault['input'])}: {message[0].lower()}{message[1:]}"


def _known_keys(path: tuple[Any, ...]) -> list[str]:
    section: type[BaseModel] = Config
    for name in path:
        section = type(section.model_fields[name].default)
    return list(section.model_fields)


# Values that leave the choice to the program.
_OPEN = (None, "", (), "auto")


def _as_tuple(value: Any) -> Any:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """The end of an error message: the known name closest to `name`, if any is close."""
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]}?" if close else ""


def config_differences(stored: Config, requested: Config) -> list[str]:
    """`section.key: old -> new` for each setting that was given and differs from the stored one.

    Values that leave the choice to the program do not count.
    """
    changed = []
    for name in sorted(requested._given):
        section, _, key = name.partition(".")
        old, new = (
            getattr(getattr(config, section), key) if key else getattr(config, section)
            for config in (stored, requested)
        )
        if new not in (old, *_OPEN):
            changed.append(f"{name}: {json.dumps(old)} -> {json.dumps(new)}")
    return changed
