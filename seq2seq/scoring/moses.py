"""Moses' text formats, with fields separated by `|||`: phrase tables and n-best lists.

    src ||| tgt ||| scores ||| alignment ||| counts …
    id ||| hypothesis ||| d: 0 -7.6 lm: -36.1 ||| total             in older versions of Moses
    id ||| hypothesis ||| Distortion0= 0 LM0= -36.1 ||| total       in newer ones

Lines are kept as bytes, so that a feature can be added without changing anything else.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seq2seq.errors import InputError
from seq2seq.io.lines import read_lines, read_raw_lines

_SEPARATOR = b"|||"
_N_BEST_FORM = "id ||| hypothesis ||| features"
# Consecutive sentences that may be missing from a list: each becomes a blank line of the output.
_LONGEST_GAP = 10**6
# Most digits of a sentence number.
_DIGITS = 9
# Blanks that may surround a field; other Unicode blanks are part of it.
_BLANKS = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class FeatureLine:
    """A line to add a feature to."""

    line: int
    """Line number, from 1."""
    raw: bytes
    """The line with its line end, if it has one."""
    src: str = ""
    tgt: str = ""
    fault: str = ""
    """Why the line cannot be scored; empty if it can."""
    features_end: int = 0
    """Where in `raw` the features end; 0 if the line does not follow the format, so that no feature can be added."""
    label: str = ""
    """What precedes a feature's value on this line."""

    def with_feature(self, value: str) -> bytes:
        """The line with a feature added, otherwise unchanged."""
        return self.raw[: self.features_end] + f" {self.label}{value}".encode() + self.raw[self.features_end :]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A parsed line of an n-best list."""

    line: int
    raw: bytes
    sentence: int
    """Number of the source sentence, from 0."""
    text: str
    features: dict[str, tuple[float, ...]]
    """Values by name; unnamed ones are under the empty name."""
    total: float | None
    total_span: tuple[int, int]
    """Start and end of the total in `raw`, if there is one."""

    def with_total(self, total: float) -> bytes:
        """The line with its total, if there is one, replaced, and with a line end."""
        start, end = self.total_span
        raw = self.raw if self.total is None else self.raw[:start] + f"{total:.6g}".encode() + self.raw[end:]
        return raw.removesuffix(b"\n") + b"\n"


def read_phrase_table(path: str | Path) -> Iterator[FeatureLine]:
    """The lines of a phrase table, each with the position of its scores."""
    for number, raw in enumerate(read_raw_lines(path), start=1):
        features_end = 0
        try:
            src, tgt, scores, *_ = _fields(raw, "src ||| tgt ||| scores")
            _numbers(scores.content.split(), "score")
            features_end = scores.end
            yield FeatureLine(number, raw, _phrase(src, "source"), _phrase(tgt, "target"), features_end=features_end)
        except _InvalidLineError as error:
            yield FeatureLine(number, raw, fault=str(error), features_end=features_end)


def read_n_best(path: str | Path, sources: str | Path, name: str | None = None) -> Iterator[FeatureLine]:
    """The lines of an n-best list, each with its source and the position of its features.

    sources: file of the source sentences; sentence 0 is its first line.
    name: of the feature to add, without `=` or `:`.
    Raises InputError, with the line, if the sentences are not in order, a source is missing or a feature already has
    this name.
    """
    lines = _SourceFile(sources)
    for number, raw in enumerate(read_raw_lines(path), start=1):
        where = f"{path}, line {number}"
        try:
            sentence, hypothesis, features, *_ = _fields(raw, _N_BEST_FORM)
            known = _features(features)
            src = lines.get(_sentence(sentence), where)
        except _InvalidLineError as error:
            yield FeatureLine(number, raw, fault=str(error))
            continue
        label = _label(features, name)
        if label and label[:-2] in known:
            raise InputError(f"{where}: already has a feature {label[:-2]}; name the new one with --feature-name")
        tgt, fault = "", "" if src else f"its source, {sources}, line {lines.read}, is blank"
        try:
            tgt = _phrase(hypothesis, "hypothesis")
        except _InvalidLineError as error:
            fault = str(error)
        yield FeatureLine(number, raw, src, tgt, fault, features.end, label)


def read_candidates(path: str | Path) -> Iterator[list[Candidate]]:
    """The candidates of each sentence of an n-best list, sentence by sentence.

    Raises InputError, with the line, if a line is not a candidate or the sentences are not in order.
    """
    group: list[Candidate] = []
    for number, raw in enumerate(read_raw_lines(path), start=1):
        where = f"{path}, line {number}"
        try:
            candidate = _candidate(number, raw)
        except _InvalidLineError as error:
            raise InputError(f"{where}: {error}") from None
        last = group[-1].sentence if group else -1
        if candidate.sentence != last:
            _expect_ascending(last, candidate.sentence, where)
            if group:
                yield group
            group = []
        group.append(candidate)
    if group:
        yield group


def _candidate(number: int, raw: bytes) -> Candidate:
    sentence, hypothesis, features, *rest = _fields(raw, _N_BEST_FORM)
    total, total_span = None, (0, 0)
    if rest and rest[0].content:
        (total,) = _numbers([rest[0].content], "total")
        total_span = (rest[0].start, rest[0].end)
    return Candidate(
        number, raw, _sentence(sentence), _text(hypothesis, "hypothesis"), _features(features), total, total_span
    )


class _InvalidLineError(Exception):
    """A line does not follow the format."""


@dataclass(frozen=True, slots=True)
class _Field:
    """The text between two separators, without the surrounding blanks."""

    start: int
    content: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.content)


class _SourceFile:
    """Lines of a file by number, in ascending order, so that only one is in memory."""

    def __init__(self, path: str | Path) -> None:
        self._path, self._lines = path, read_lines(path)
        self.read = 0
        self._line = ""

    def get(self, sentence: int, where: str) -> str:
        """The line of a sentence, counted from 0, stripped of white space."""
        _expect_ascending(self.read - 1, sentence, where)
        while self.read <= sentence:
            line = next(self._lines, None)
            if line is None:
                raise InputError(
                    f"{where}: sentence {sentence} (counted from 0), but {self._path} has only {self.read:,} lines"
                )
            self._line = line.strip()
            self.read += 1
        return self._line


def _expect_ascending(last: int, sentence: int, where: str) -> None:
    if sentence < last:
        raise InputError(f"{where}: sentence {sentence} after {last}; sort the list by sentence")
    if sentence > last + _LONGEST_GAP:
        raise InputError(f"{where}: sentence {sentence} after {last}; over {_LONGEST_GAP:,} sentences are missing")


def _fields(raw: bytes, form: str) -> list[_Field]:
    """The fields of a line, at least the three of `form`."""
    fields, start = [], len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    for padded in raw[start:].split(_SEPARATOR):
        content = padded.strip(_BLANKS)
        before = len(padded) - len(padded.lstrip(_BLANKS)) if content else 0
        fields.append(_Field(start + before, content))
        start += len(padded) + len(_SEPARATOR)
    if len(fields) < 3:
        raise _InvalidLineError(f"{len(fields)} field{'s' * (len(fields) > 1)}, expected {form}")
    return fields


def _text(field: _Field, what: str) -> str:
    try:
        return field.content.decode().strip()
    except UnicodeDecodeError:
        raise _InvalidLineError(f"the {what} is not UTF-8") from None


def _phrase(field: _Field, what: str) -> str:
    text = _text(field, what)
    if not text:
        raise _InvalidLineError(f"the {what} is blank")
    return text


def _sentence(field: _Field) -> int:
    if not field.content.isdigit() or len(field.content) > _DIGITS:
        raise _InvalidLineError(f"{_excerpt(field.content)} is not a sentence number")
    return int(field.content)


def _label(features: _Field, name: str | None) -> str:
    """What precedes the new feature's value, in the notation of the features on this line."""
    words = features.content.split()
    if any(word.endswith(b":") for word in words):
        return f"{name or 'RNNEncDec'}: "
    if any(word.endswith(b"=") for word in words) or not words:
        return f"{name or 'RNNEncDec0'}= "
    return ""


def _features(field: _Field) -> dict[str, tuple[float, ...]]:
    """The values of each name; those before the first name are under the empty one."""
    values: dict[str, list[bytes]] = {}
    name = ""
    for word in field.content.split():
        if word.endswith((b":", b"=")):
            name = word[:-1].decode(errors="replace")
            values.setdefault(name, [])
        else:
            values.setdefault(name, []).append(word)
    return {name: _numbers(words, "feature value") for name, words in values.items()}


def _numbers(words: Iterable[bytes], what: str) -> tuple[float, ...]:
    numbers = []
    for word in words:
        try:
            numbers.append(float(word))
        except ValueError:
            raise _InvalidLineError(f"{_excerpt(word)} is not a {what}") from None
    return tuple(numbers)


def _excerpt(word: bytes) -> str:
    return repr(word[:40].decode(errors="replace"))
