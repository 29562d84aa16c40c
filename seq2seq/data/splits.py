"""Training and validation pairs: pairs that are unusable or break a chosen rule are dropped, and counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import compress
from math import ceil
from pathlib import Path

import numpy as np

from seq2seq.config import CLEANING_RULES, DataConfig
from seq2seq.data.bitext import Bitext, Pair, invalid_rows, normalized, omitted_units
from seq2seq.data.cleaning import Rules
from seq2seq.data.findings import Finding, SourceReport, omissions
from seq2seq.data.formats.table import LINES_LISTED
from seq2seq.data.inspection import Inspection
from seq2seq.data.sources import Sources
from seq2seq.data.spool import PairSpool
from seq2seq.data.statistics import draw_groups, survey
from seq2seq.errors import InputError

# Characters of a sentence in a message.
_SHOWN = 50
_BLOCK = 2**16


class Selection:
    """The pairs of all sources, parsed once, split into training and validation.

    Pairs that share a source sentence stay together, so that no validation source is trained on.
    """

    def __init__(
        self, data: DataConfig, sources: Sources, spool: PairSpool, folder: Path, least_pairs: int = 10
    ) -> None:
        """spool: empty, to hold the training pairs. folder: for further temporary files.

        Raises InputError if too few pairs are left for training.
        """
        self._spool, self._chosen_rules = spool, data.clean
        form: Callable[[Iterable[Pair]], Iterable[Pair]] = normalized if data.normalize else iter
        self._sources = range(len(sources.train))
        # Read first, so that errors are reported before the long work.
        self._validation = None if sources.valid is None else list(form(sources.valid))
        self._validation_omitted = omitted_units(sources.valid) if sources.valid else Counter[str]()
        self._validation_skipped = Finding("invalid", left_out=True)
        if sources.valid and self._validation is not None:
            self._validation_skipped = _skipped_rows(sources.valid, len(self._validation), data.max_invalid)
        self.inspection = Inspection()
        watched = (self.inspection.watch(source.pairs) for source in sources.train)
        self.survey = survey((pair for pairs in watched for pair in spool.write(form(pairs))), folder)
        self._skipped = [
            _skipped_rows(source.pairs, spool.count(index), data.max_invalid)
            for index, source in enumerate(sources.train)
        ]
        self._omitted = [omitted_units(source.pairs) for source in sources.train]
        self._rules = Rules(self.survey, self.inspection.faulty)
        self._kept = self._clean() if data.clean else self.survey.is_usable
        self.usable = int(self._kept.sum())
        names = ", ".join(str(source.pairs) for source in sources.train)
        if self.usable < least_pairs:
            left_out = "".join(f"; left out: {units}" for units in omissions(sum(self._omitted, Counter())))
            raise InputError(
                f"{names}: usable pairs: {self.usable} of {self.survey.read}; training needs at least "
                f"{least_pairs}{left_out}{self.inspection.advice_on_few_pairs}"
            )
        self._held_out = np.zeros(self.survey.read, bool)
        if self._validation is None:
            self._held_out = self._draw(min(data.held_out, max(1, self.usable // 20)))
            if not self._held_out.any():
                shared = next(self._pairs(self._kept)).src[:_SHOWN]
                raise InputError(
                    f"{names}: no pairs can be held out, because all share one source sentence, {shared!r}; is it of "
                    "the right column? If so, give validation files"
                )

    def training_pairs(self, most: int) -> Iterator[Pair]:
        """The training pairs of all sources, or about `most` of them, evenly spread."""
        chosen = self._kept & ~self._held_out
        return self._pairs(_evenly(chosen, most / self.usable) if self.usable > most else chosen)

    def training_pairs_of(self, index: int, report: SourceReport) -> Iterator[list[Pair]]:
        """The training pairs of one source, in lists.

        `report` counts them, and those that are dropped or break a rule.
        """
        skipped, report.omitted = self._skipped[index], dict(self._omitted[index])
        if skipped.count:
            report.findings.append(skipped)
            report.read += skipped.count
        empty = report.finding("empty", left_out=True)
        findings = {rule: report.finding(rule, left_out=rule in self._chosen_rules) for rule in CLEANING_RULES}
        report.findings += self.inspection.findings(index)
        report.shift = self.inspection.shift(index, self._spool.read(index))
        report.sorted_by_length = self.inspection.is_sorted(index)
        report.toy = self.inspection.has_number_sequences(index)
        for first, pairs in self._spool.blocks(index):
            numbers = slice(first, first + len(pairs))
            kept = self.survey.is_usable[numbers].copy()
            _count(empty, pairs, ~kept)
            broken = self._rules.broken_by(first, pairs, CLEANING_RULES)
            # A pair is dropped by the first of the chosen rules that it breaks.
            for rule, is_broken in sorted(broken.items(), key=lambda item: item[0] not in self._chosen_rules):
                _count(findings[rule], pairs, kept & is_broken)
                if rule in self._chosen_rules:
                    kept &= ~is_broken
            held_out = self._held_out[numbers] & kept
            report.read += len(pairs)
            report.held_out += int(held_out.sum())
            yield list(compress(pairs, (kept & ~held_out).tolist()))

    def validation_pairs(self, report: SourceReport) -> Iterator[Pair]:
        """The validation pairs, given or held out."""
        report.omitted = dict(self._validation_omitted)
        if self._validation_skipped.count:
            report.findings.append(self._validation_skipped)
            report.read += self._validation_skipped.count
        empty = report.finding("empty", left_out=True)
        for pair in self._pairs(self._held_out) if self._validation is None else self._validation:
            report.read += 1
            if pair.usable:
                yield pair
            else:
                empty.add(pair.line)

    def _pairs(self, chosen: np.ndarray) -> Iterator[Pair]:
        """chosen: [read]"""
        return (pair for index in self._sources for pair in self._spool.read(index, chosen))

    def _clean(self) -> np.ndarray:
        """Whether each pair is usable and breaks none of the chosen rules, [read]."""
        kept = self.survey.is_usable.copy()
        for index in self._sources:
            for first, pairs in self._spool.blocks(index):
                for is_broken in self._rules.broken_by(first, pairs, self._chosen_rules).values():
                    kept[first : first + len(pairs)] &= ~is_broken
        return kept

    def _draw(self, count: int) -> np.ndarray:
        """Which pairs to hold out, at most `count`, [read]."""
        hashes, kept = self.survey.src_hashes, self._kept
        drawn = draw_groups(map(int, compress(hashes, kept)), count)
        is_drawn: np.ndarray = np.fromiter((int(value) in drawn for value in hashes), bool, len(hashes)) & kept
        return is_drawn


def _count(finding: Finding, pairs: list[Pair], chosen: np.ndarray) -> None:
    """Count the chosen pairs. chosen: bool, [pairs]"""
    for pair in compress(pairs, chosen.tolist()) if chosen.any() else ():
        finding.add(pair.line)


def _skipped_rows(pairs: Bitext, read: int, most: float) -> Finding:
    """The rows of a source that could not be read. Raises InputError if their share is greater than `most`.

    read: how many pairs could.
    """
    files = [rows for rows in invalid_rows(pairs) if rows.count]
    lines = [line for rows in files for line in rows.lines]
    finding = Finding("invalid", True, sum(rows.count for rows in files), lines[:LINES_LISTED])
    total = read + finding.count
    if finding.count > most * total:
        needed = ceil(100 * finding.count / total) / 100
        raise InputError(
            f"{pairs}: {finding.count:,} of {total:,} rows cannot be read, the first on line {lines[0]:,}; "
            f"if the others are right, allow that with --set data.max_invalid={needed:g}"
        )
    return finding


def _evenly(chosen: np.ndarray, share: float) -> np.ndarray:
    """About this share of the chosen pairs, evenly spread. chosen: [read]"""
    result, rank = chosen.copy(), 0
    for start in range(0, len(chosen), _BLOCK):
        block = result[start : start + _BLOCK]
        ranks = rank + block.cumsum()  # of those that are chosen, from 1
        rank += int(block.sum())
        block &= (ranks * share).astype(np.int64) > ((ranks - 1) * share).astype(np.int64)
    return result
