"""What training text looks like, so that a line in another style can be brought to it.

A model without a profile reads every line as it is.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seq2seq.errors import InputError
from seq2seq.io.manifest import SealedFolder
from seq2seq.io.storage import parse_json, to_json
from seq2seq.tokenizer.casing import CasePattern, Casing, CasingLearner, Truecaser
from seq2seq.tokenizer.letter_case import LetterCase
from seq2seq.tokenizer.sentence_splitting import split_sentences
from seq2seq.tokenizer.typography import SEQUENCES, Typography

PROFILE = "profile.json"
"""Its name in a folder."""
LARGEST_PROFILE = 2**23
"""Bytes."""

_MOST_CHARACTERS = 4096

_Name = Annotated[str, Field(max_length=100)]
_Count = Annotated[int, Field(ge=0, le=2**53)]
_Counts = Annotated[dict[Annotated[str, Field(max_length=16)], _Count], Field(max_length=_MOST_CHARACTERS)]


class Adapted(NamedTuple):
    """A line in the style of training."""

    text: str
    """What the model reads."""
    restore: Callable[[str], str]
    """Brings a translation of it into the case of the original line; `str` if nothing is to be done."""


class TextProfile(BaseModel):
    """The style of a model's training text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    src_lang: _Name = ""
    """ISO 639 code of the source language, as far as it is known."""
    tgt_lang: _Name = ""
    src_characters: _Counts = {}
    """How often each character occurs in the training sources: the most frequent ones."""
    src_sequences: _Counts = {}
    """The same for `typography.SEQUENCES`, in a sample."""
    unspaced_targets: bool = False
    """Whether the target language is written without spaces between words."""
    several_sentences: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the training sources that are more than one sentence, in a sample."""
    src_casing: Casing = Casing()
    tgt_casing: Casing = Casing()

    @classmethod
    def load(cls, folder: SealedFolder) -> Self:
        """Read the profile of a folder, empty if it has none. Raises InputError if it is damaged."""
        if PROFILE not in folder.sizes:
            return cls()
        return cls.parse(folder.read(PROFILE, LARGEST_PROFILE), folder.path / PROFILE)

    @classmethod
    def parse(cls, data: bytes, name: object) -> Self:
        """The profile in the content of a file. Raises InputError, prefixed with `name`, if it is damaged."""
        try:
            return cls.model_validate(parse_json(data, name))
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            key = ".".join(map(str, fault["loc"]))[:100]
            raise InputError(f"{name}: damaged ({key!a}: {fault['msg']})") from None

    def content(self) -> bytes:
        """The content of its file."""
        return to_json(self.model_dump())

    def adapt(self, line: str) -> Adapted:
        """A line in the style of training, unchanged if it is in that already.

        line: one or several sentences; characters without case, such as those for private use, stay where they are.
        """
        text = self._typography.adapt(line) if self.src_characters else line
        if self.src_casing.is_lower_cased:
            return Adapted(self._src_case.lower(text), str)
        pattern = self._src_truecaser.pattern(text)
        if pattern is CasePattern.USUAL:
            return Adapted(text, str)
        if pattern is CasePattern.UNCAPITALIZED:
            return Adapted(
                self._src_truecaser.capitalize_first(text), lambda output: self._uncapitalized(output, kept=line)
            )
        restore = {
            CasePattern.UPPER: self._tgt_case.upper,
            CasePattern.LOWER: self._tgt_case.lower,
            CasePattern.TITLE: self._tgt_case.title,
        }
        return Adapted(self._src_truecaser.truecase(text), restore[pattern])

    def _uncapitalized(self, output: str, kept: str) -> str:
        if not self.tgt_casing.capitalizes_sentences:
            return output
        return self._tgt_truecaser.uncapitalize_first(output, kept)

    @cached_property
    def _typography(self) -> Typography:
        return Typography(self.src_characters, self.src_sequences)

    @cached_property
    def _src_case(self) -> LetterCase:
        return LetterCase(self.src_lang)

    @cached_property
    def _tgt_case(self) -> LetterCase:
        return LetterCase(self.tgt_lang)

    @cached_property
    def _src_truecaser(self) -> Truecaser:
        return Truecaser(self.src_casing, self._src_case)

    @cached_property
    def _tgt_truecaser(self) -> Truecaser:
        return Truecaser(self.tgt_casing, self._tgt_case)


NO_PROFILE = TextProfile()
"""That of a model which nothing is known about."""


class ProfileLearner:
    """Collects the profile of training pairs."""

    def __init__(self, src_lang: str, tgt_lang: str) -> None:
        """src_lang, tgt_lang: ISO 639 codes, or empty."""
        self._pairs = self._several_sentences = 0
        self._src_lang, self._tgt_lang = src_lang, tgt_lang
        self._src, self._tgt = CasingLearner(), CasingLearner()
        self._sequences: Counter[str] = Counter()

    def add(self, src: str, tgt: str) -> None:
        """Add a pair in the form that the model reads."""
        self._pairs += 1
        self._several_sentences += len(split_sentences(src, self._src_lang)) > 1
        self._src.add(src)
        self._tgt.add(tgt)
        for sequence in SEQUENCES:
            if count := src.count(sequence):
                self._sequences[sequence] += count

    def finish(self, characters: Mapping[str, int], *, unspaced_targets: bool) -> TextProfile:
        """The profile. characters: how often each occurs in the training sources."""
        return TextProfile(
            src_lang=self._src_lang,
            tgt_lang=self._tgt_lang,
            unspaced_targets=unspaced_targets,
            several_sentences=self._several_sentences / self._pairs if self._pairs else None,
            src_characters=dict(Counter(characters).most_common(_MOST_CHARACTERS)),
            src_sequences=dict(self._sequences),
            src_casing=self._src.finish(LetterCase(self._src_lang)),
            tgt_casing=self._tgt.finish(LetterCase(self._tgt_lang)),
        )
