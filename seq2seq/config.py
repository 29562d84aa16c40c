"""Every setting of a training, in sections; each part of the program is given its own section.

Unknown keys and values that do not fit are errors that say where. `presets/` puts a configuration together.
"""

import difflib
import json
import reprlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
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
    """Base of all sections: unknown keys forbidden, values fixed once made."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


Rule = Literal["identical", "length", "ratio", "script", "duplicates"]
CLEANING_RULES: tuple[Rule, ...] = get_args(Rule)

Weight = Annotated[float, Field(gt=0, le=1000)]
"""How often an epoch samples a pair."""

_OneOrMore = BeforeValidator(lambda value: _as_tuple(value))
_Names = Annotated[tuple[str, ...], _OneOrMore]


class DataConfig(Section):
    """Where the sentence pairs come from: aligned files, tables (TSV, CSV, JSON lines, Parquet) and data sets.

    Files may be compressed (`.gz`, `.zst`).
    """

    train: _Names = ()
    """Tables of training pairs, one pair per row."""
    train_src: _Names = ()
    """Training sentences of the source language, one per line."""
    train_tgt: _Names = ()
    """Their translations, line by line."""
    dataset: _Names = ()
    """Hugging Face data sets: folders in the hub's layout, or names on the hub."""
    subset: str | None = None
    """Which configuration of the data sets; without it the only one, or the one named by the languages."""
    split: str = "train"
    """Which split of the data sets is trained on. Their validation split, if there is one, validates."""
    weights: Annotated[tuple[Weight, ...], _OneOrMore] = ()
    """How often an epoch samples the pairs of each source: first aligned files, then tables, then data sets; 1 for
    all by default. 0.5 samples half of the pairs, other ones in each epoch."""
    valid: str | None = None
    """Table of validation pairs."""
    valid_src: str | None = None
    """Validation sentences of the source language."""
    valid_tgt: str | None = None
    """Their translations. Without validation data, pairs are held out from the training data."""
    src_lang: str = ""
    """Code of the source language; without it, as the files or columns are called."""
    tgt_lang: str = ""
    """Code of the target language."""
    src_column: str = ""
    """Column of the source sentences in tables; by default inferred from the languages and from common names."""
    tgt_column: str = ""
    """Column of the target sentences."""
    held_out: PositiveInt = 1000
    """Pairs to hold out where no validation data is given, at most a twentieth of all."""
    max_length: int = Field(default=128, ge=1, le=10_000)
    """Longest sentence, in pieces. Longer pairs are dropped from training; longer lines are translated in parts."""
    clean: Annotated[tuple[Rule, ...], _OneOrMore] = ()
    """Rules that drop training pairs; `--clean` applies all."""

    @model_validator(mode="after")
    def _whole_sources(self) -> Self:
        if len(self.train_src) != len(self.train_tgt):
            missing = "train_tgt" if len(self.train_src) > len(self.train_tgt) else "train_src"
            raise ValueError(f"{missing} is missing: aligned files must be given together")
        if self.valid and (self.valid_src or self.valid_tgt):
            raise ValueError("give valid or valid_src and valid_tgt, not both")
        if bool(self.valid_src) != bool(self.valid_tgt):
            missing = "valid_tgt" if self.valid_src else "valid_src"
            raise ValueError(f"{missing} is missing: aligned files must be given together")
        if bool(self.src_column) != bool(self.tgt_column):
            raise ValueError("src_column and tgt_column must be given together")
        sources = len(self.train_src) + len(self.train) + len(self.dataset)
        if self.weights and len(self.weights) != sources:
            raise ValueError(f"{len(self.weights)} weights for {sources} training sources")
        return self


class TokenizerConfig(Section):
    """SentencePiece vocabularies, trained on the training pairs."""

    vocab_size: PositiveInt | None = None
    """Pieces in a vocabulary; without it, a number that follows from the amount of data."""
    joint: bool = True
    """One vocabulary for both languages, or one for each."""
    model_type: Literal["unigram", "bpe"] = "unigram"
    """SentencePiece's way to choose pieces."""


_Size = Annotated[int, Field(ge=1, le=65_536)]


class ModelConfig(Section):
    """Sizes of the network."""

    architecture: str = "default"
    """Whose network: this program's own, or that of a paper, best chosen by its preset."""
    cell: Annotated[
        Literal["gru", "gru-reset-before", "lstm", "lstm-peephole", "rnn"],
        BeforeValidator(lambda name: "gru-reset-before" if name == "gru-before" else name),  # its name before 0.1
    ] = "gru"
    """The recurrence; gru-reset-before resets the state before the product, lstm-peephole has gates that see the
    memory."""
    attention: Literal["none", "dot", "general", "additive"] = "none"
    """How the decoder compares its state with the source tokens; none leaves it the context vector alone."""
    embedding_size: _Size = 256
    """Size of the piece embeddings and of the readout."""
    hidden_size: _Size = 512
    """Hidden units; a bidirectional encoder has half of them in each direction."""
    context_size: _Size = 512
    """Size of the context vector c."""
    summaries: int = Field(default=32, ge=0, le=4096)
    """Summaries of the source that the default decoder without attention reads beside c; with 0 there is c alone."""
    encoder_layers: int = Field(default=1, ge=1, le=64)
    """Recurrent layers of the encoder."""
    decoder_layers: int = Field(default=1, ge=1, le=64)
    """Recurrent layers of the decoder."""
    bidirectional: bool = True
    """Whether the encoder reads the source in both directions."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of embeddings, states and readouts that are zeroed in training; where it is not given, it follows from how
    often the pairs are seen."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        name = self.architecture
        if name not in ARCHITECTURES:
            raise ValueError(f"no architecture {name!r}; there are {', '.join(ARCHITECTURES)}")
        if violation := ARCHITECTURES[name].violation(self):
            raise ValueError(f"architecture {name} {violation}")
        return self


class TrainingConfig(Section):
    """How the network is trained."""

    seed: int = Field(default=1, ge=0, lt=2**63)
    """Seed of everything random."""
    minutes: float | None = Field(default=None, gt=0, le=100_000)
    """Wall time, validation included; fixes the number of steps after a measured start. 15 without max_steps."""
    max_steps: PositiveInt | None = None
    """Optimiser updates; with minutes, the most of them. Without it, as many as sixty epochs have, 2,400 at least."""
    batch_tokens: PositiveInt = 2048
    """Padded tokens of a batch, on its longer side."""
    accumulation: PositiveInt = 1
    """Batches whose gradients make one update."""
    optimizer: Literal["adam", "adamw", "adadelta", "sgd"] = "adam"
    """AdamW decays the weights apart from the gradient; Adadelta and plain SGD are those of the papers."""
    weight_decay: NonNegativeFloat = 0.0
    """Strength of the decay of weights."""
    learning_rate: PositiveFloat = 2e-3
    """Highest learning rate."""
    schedule: Literal["cosine", "linear", "halving", "constant"] = "cosine"
    """How it falls: to zero on the last step, or by half with each fifteenth of the steps after two thirds of them, or
    not at all."""
    warmup_steps: NonNegativeInt = 200
    """Warm-up steps."""
    clip_norm: PositiveFloat = 1.0
    """Gradients of a larger L2 norm are scaled down to it."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """Probability spread evenly over the vocabulary in the training loss."""
    precision: Literal["auto", "bf16", "float32"] = "auto"
    """Type of the matrix products; auto is bf16 where the processor computes in it, else float32."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """Threads per process on a CPU; without it, one per core. Fixed when the run begins: the last digits of sums depend
    on it."""
    validate_every: PositiveInt | None = None
    """Steps between validations; without it, about twenty over the training, fewer where they take long."""
    patience: PositiveInt = 10
    """Stop after so many validations without a better BLEU."""


class SearchConfig(Section):
    """How a trained model searches unless told otherwise."""

    beam_size: int = Field(default=5, ge=1, le=1000)
    """Hypotheses kept; 1 is greedy."""
    length_penalty: float | None = Field(default=None, ge=0, le=10)
    """Exponent of the length penalty; 0 ranks by log-probability alone. Without it, the training ends with a
    choice of the one that gives the best BLEU on the validation set."""


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
    """`section.key` of what was asked for, and of what is `ADAPTIVE` but part of the preset."""

    def is_given(self, key: str) -> bool:
        """Whether `section.key` was asked for. What was not may follow from the data: `ADAPTIVE`."""
        return key in self._given


SECTIONS = {name for name, field in Config.model_fields.items() if isinstance(field.default, Section)}

ADAPTIVE = frozenset({"model.dropout"})
"""Settings with a default that gives way to what suits the data, in `training/adaptation.py`."""


def validate_config(settings: Mapping[str, Any], origin: str) -> Config:
    """Check `settings`. Raises InputError, led by `origin`, that names every key at fault and says why."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        faults = [_explain(fault) for fault in error.errors()]
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise InputError(f"{origin}: {'; '.join(faults[:5])}{more}") from None


def _explain(fault: Any) -> str:
    path = ".".join(str(part) for part in fault["loc"])[:100]
    if fault["type"] == "extra_forbidden":
        return f"unknown key {path}{did_you_mean(str(fault['loc'][-1]), _known_keys(fault['loc'][:-1]))}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{path}: {message}"
    return f"{path} = {reprlib.repr(fault['input'])}: {message[0].lower()}{message[1:]}"


def _known_keys(path: tuple[Any, ...]) -> list[str]:
    section: type[BaseModel] = Config
    for name in path:
        section = type(section.model_fields[name].default)
    return list(section.model_fields)


# Values that leave it to the program to decide.
_OPEN = (None, "", (), "auto")


def _as_tuple(value: Any) -> Any:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """The end of an error: the known name that is most like `name`, if one is."""
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]}?" if close else ""


def config_differences(stored: Config, asked: Config) -> list[str]:
    """`section.key: old -> new` for each setting that was asked for and is not as stored.

    What was not asked for does not count, nor what leaves it to the program to decide.
    """
    changed = []
    for name in sorted(asked._given):
        section, _, key = name.partition(".")
        old, new = (getattr(getattr(one, section), key) if key else getattr(one, section) for one in (stored, asked))
        if new not in (old, *_OPEN):
            changed.append(f"{name}: {json.dumps(old)} -> {json.dumps(new)}")
    return changed
