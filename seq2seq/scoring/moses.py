"""Moses' text formats, fields between `|||`: phrase tables and n-best lists.

    src ||| tgt ||| scores ||| alignment ||| counts …
    id ||| hypothesis ||| d: 0 -7.6 lm: -36.1 ||| total             as older versions of Moses write it
    id ||| hypothesis ||| Distortion0= 0 LM0= -36.1 ||| total       as newer ones do

Lines are kept as bytes, so that a feature can be added and nothing else changes.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seq2seq.errors import InputError
from seq2seq.io.lines import read_lines, read_raw_lines

_SEPARATOR = b"|||"
_N_BEST_FORM = "id ||| hypothesis ||| features"
# Sentences that a list may leave out in one place: each is a blank line of the output.
_LONGEST_GAP = 10**6
# Of the number of a sentence.
_DIGITS = 9
# What may surround a field; other Unicode blanks are part of it.
_BLANKS = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class FeatureLine:
    """A line that a feature can be added to."""

    line: int
    """Its number."""
    raw: bytes
    """With its end, if it has one."""
    src: str = ""
    tgt: str = ""
    fault: str = ""
    """Why it has no two phrases and no place for a feature; empty if it has."""
    place: int = 0
    """Where in `raw` the features end."""
    label: str = ""
    """What precedes a feature's value on this line."""

    def with_feature(self, value: str) -> bytes:
        """The line with one feature more, everything else as it was."""
        return self.raw[: self.place] + f" {self.label}{value}".encode() + self.raw[self.place :]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line of an n-best list, read whole."""

    line: int
    raw: bytes
    sentence: int
    """Number of the source sentence, from 0."""
    text: str
    features: dict[str, tuple[float, ...]]
    """Values by name; under the empty name those that have none."""
    total: float | None
    place: tuple[int, int]
    """Where in `raw` the total is, if there is one."""

    def with_total(self, total: float) -> bytes:
        """The line with another total, if it has one, and a line end."""
        start, end = self.place
        raw = self.raw if self.total is None else self.raw[:start] + f"{total:.6g}".encode() + self.raw[end:]
        return raw.removesuffix(b"\n") + b"\n"


def read_phrase_table(path: str | Path) -> Iterator[FeatureLine]:
    """The lines of a phrase table, each with the place of its scores."""
    for number, raw in enumerate(read_raw_lines(path), start=1):
        try:
            src, tgt, scores, *_ = _fields(raw, "src ||| tgt ||| scores")
            _numbers(scores.content.split(), "score")
            yield FeatureLine(number, raw, _phrase(src, "source"), _phrase(tgt, "target"), place=scores.end)
        except _OddLineError as odd:
            yield FeatureLine(number, raw, fault=str(odd))


def read_n_best(path: str | Path, sources: str | Path, name: str | None = None) -> Iterator[FeatureLine]:
    """The lines of an n-best list, each with its source and the place of its features.

    sources: file of the sentences that the list is of; sentence 0 is its first line.
    name: of the feature to come, without `=` or `:`.
    Raises InputError, with the line, where the sentences are not in order, a source is missing or a feature has this
    name already.
    """
    lines = _Sources(sources)
    for number, raw in enumerate(read_raw_lines(path), start=1):
        where = f"{path}, line {number}"
        try:
            sentence, hypothesis, features, *_ = _fields(raw, _N_BEST_FORM)
            known = _features(features)
            tgt = _phrase(hypothesis, "hypothesis")
            src = lines.get(_sentence(sentence), where)
        except _OddLineError as odd:
            yield FeatureLine(number, raw, fault=str(odd))
            continue
        label = _label(features, name)
        if label and label[:-2] in known:
            raise InputError(f"{where}: has a feature {label[:-2]} already; call this one by --feature-name")
        fault = "" if src else f"its source, {sources}, line {lines.read}, is blank"
        yield FeatureLine(number, raw, src, tgt, fault, features.end, label)


def read_candidates(path: str | Path) -> Iterator[list[Candidate]]:
    """The candidates of each sentence of an n-best list, sentence by sentence.

    Raises InputError, with the line, for a line that is no candidate, and where the sentences are not in order.
    """
    group: list[Candidate] = []
    for number, raw in enumerate(read_raw_lines(path), start=1):
        where = f"{path}, line {number}"
        try:
            candidate = _candidate(number, raw)
        except _OddLineError as odd:
            raise InputError(f"{where}: {odd}") from None
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
    total, place = None, (0, 0)
    if rest and rest[0].content:
        (total,) = _numbers([rest[0].content], "total")
        place = (rest[0].start, rest[0].end)
    return Candidate(
        number, raw, _sentence(sentence), _text(hypothesis, "hypothesis"), _features(features), total, place
    )


class _OddLineError(Exception):
    """A line is not what the format says."""


@dataclass(frozen=True, slots=True)
class _Field:
    """What is between two separators, without the blanks around it."""

    start: int
    content: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.content)


class _Sources:
    """Lines of a file by their number, ascending, so that only one is in memory."""

    def __init__(self, path: str | Path) -> None:
        self._path, self._lines = path, read_lines(path)
        self.read = 0
        self._line = ""

    def get(self, sentence: int, where: str) -> str:
        """The line of a sentence, counted from 0, without white space at the ends."""
        _expect_ascending(self.read - 1, sentence, where)
        while self.read <= sentence:
            line = next(self._lines, None)
            if line is None:
                raise InputError(
                    f"{where}: sentence {sentence}, the first being 0, but {self._path} ends at {self.read}"
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
    """The fields of a line, at least three as in `form`."""
    fields, start = [], len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    for between in raw[start:].split(_SEPARATOR):
        content = between.strip(_BLANKS)
        before = len(between) - len(between.lstrip(_BLANKS)) if content else 0
        fields.append(_Field(start + before, content))
        start += len(between) + len(_SEPARATOR)
    if len(fields) < 3:
        raise _OddLineError(f"{len(fields)} field{'s' * (len(fields) > 1)}, expected {form}")
    return fields


def _text(field: _Field, what: str) -> str:
    try:
        return field.content.decode().strip()
    except UnicodeDecodeError:
        raise _OddLineError(f"the {what} is not UTF-8") from None


def _phrase(field: _Field, what: str) -> str:
    text = _text(field, what)
    if not text:
        raise _OddLineError(f"the {what} is blank")
    return text


def _sentence(field: _Field) -> int:
    if not field.content.isdigit() or len(field.content) > _DIGITS:
        raise _OddLineError(f"{_shown(field.content)} is not a sentence number")
    return int(field.content)


def _label(features: _Field, name: str | None) -> str:
    """What is to precede another feature's value, in the form of the features that there are."""
    words = features.content.split()
    if any(word.endswith(b":") for word in words):
        return f"{name or 'RNNEncDec'}: "
    if any(word.endswith(b"=") for word in words) or not words:
        return f"{name or 'RNNEncDec0'}= "
    return ""


def _features(field: _Field) -> dict[str, tuple[float, ...]]:
    """The values under each name; under the empty one those before any."""
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
            raise _OddLineError(f"{_shown(word)} is not a {what}") from None
    return tuple(numbers)


def _shown(word: bytes) -> str:
    return repr(word[:40].decode(errors="replace"))
