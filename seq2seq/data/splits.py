"""Which pairs train and which validate: what is unusable or breaks a chosen rule is left out, and counted."""

from collections.abc import Iterator
from pathlib import Path

from seq2seq.config import CLEANING_RULES, DataConfig
from seq2seq.data.bitext import Bitext, Pair
from seq2seq.data.cleaning import Rules
from seq2seq.data.report import SourceReport
from seq2seq.data.sources import Sources
from seq2seq.data.statistics import draw_groups, hash_of, survey
from seq2seq.errors import InputError

_LEAST_PAIRS = 10

# Which pairs are held out depends on the pairs alone: models of several seeds must not have trained on each other's.
_KEY = b"held out"


class Selection:
    """The pairs of all sources, looked through once and divided between training and validation.

    Pairs that share a source sentence stay on one side, so that no validation source is trained on.
    """

    def __init__(self, data: DataConfig, sources: Sources, folder: Path) -> None:
        """folder: for temporary files.

        Raises InputError where too few pairs are left to train on.
        """
        self._sources, self._chosen_rules = sources, data.clean
        self._reads = [0] * len(sources.train)
        self._versions: list[list[tuple[int, ...]]] = [[] for _ in sources.train]
        self.survey = survey(self._read_all(), folder)
        self._rules = Rules(self.survey)
        self.usable = sum(1 for _ in self._fit_pairs()) if data.clean else self.survey.usable
        names = ", ".join(str(source.pairs) for source in sources.train)
        if self.usable < _LEAST_PAIRS:
            raise InputError(f"{names}: {self.usable} usable pairs; training needs at least {_LEAST_PAIRS}")
        self._held_out: set[int] = set()
        if sources.valid is None:
            count = min(data.held_out, max(1, self.usable // 20))
            self._held_out = draw_groups(map(self._hash, self._fit_pairs()), count)
            if not self._held_out:
                raise InputError(
                    f"{names}: no pairs can be held out, its sources are too much alike; give validation files"
                )

    def training_pairs(self) -> Iterator[Pair]:
        """The pairs to train on, of all sources."""
        return (pair for pair in self._fit_pairs() if not self._is_held_out(pair))

    def training_pairs_of(self, index: int, report: SourceReport) -> Iterator[Pair]:
        """The pairs of one source to train on; `report` counts them, and what is left out or odd."""
        empty = report.finding("empty", left_out=True)
        findings = {rule: report.finding(rule, left_out=rule in self._chosen_rules) for rule in CLEANING_RULES}
        for number, pair in self._read_again(index):
            report.read += 1
            if not pair.usable:
                empty.add(pair.line)
                continue
            broken = self._rules.broken_by(number, pair, CLEANING_RULES)
            if out := next((rule for rule in broken if rule in self._chosen_rules), None):
                findings[out].add(pair.line)
                continue
            for rule in broken:
                findings[rule].add(pair.line)
            if self._is_held_out(pair):
                report.held_out += 1
            else:
                yield pair

    def validation_pairs(self, report: SourceReport) -> Iterator[Pair]:
        """The pairs to validate on, given or held out."""
        empty = report.finding("empty", left_out=True)
        for pair in self._sources.valid or filter(self._is_held_out, self._fit_pairs()):
            report.read += 1
            if pair.usable:
                yield pair
            else:
                empty.add(pair.line)

    def _read_all(self) -> Iterator[Pair]:
        for index, source in enumerate(self._sources.train):
            self._versions[index] = _versions(source.pairs)
            for pair in source.pairs:
                self._reads[index] += 1
                yield pair

    def _read_again(self, index: int) -> Iterator[tuple[int, Pair]]:
        """The pairs of a source with their numbers. Raises InputError where they are not those of the first look."""
        pairs, first, count = self._sources.train[index].pairs, sum(self._reads[:index]), 0
        for count, pair in enumerate(pairs, start=1):
            if count > self._reads[index]:
                break
            yield first + count - 1, pair
        if count != self._reads[index] or _versions(pairs) != self._versions[index]:
            raise InputError(f"{pairs}: changed while it was being read; train again when nothing writes to it")

    def _fit_pairs(self) -> Iterator[Pair]:
        """Usable pairs that break none of the chosen rules."""
        everything = (numbered for index in range(len(self._reads)) for numbered in self._read_again(index))
        for number, pair in everything:
            if pair.usable and not self._rules.broken_by(number, pair, self._chosen_rules):
                yield pair

    def _is_held_out(self, pair: Pair) -> bool:
        return bool(self._held_out) and self._hash(pair) in self._held_out

    def _hash(self, pair: Pair) -> int:
        return hash_of(pair.src, key=_KEY)


def _versions(pairs: Bitext) -> list[tuple[int, ...]]:
    """Of each file what changes with its content. Numbers of files are left out: on some network drives they vary."""
    statuses = [path.stat() for path in pairs.paths if path.exists()]
    return [(status.st_size, status.st_mtime_ns) for status in statuses]
