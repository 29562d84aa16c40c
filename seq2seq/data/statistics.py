"""A survey of all training pairs: what cleaning, holding out and tokenizer training need beforehand.

Memory does not grow with the corpus, except for one byte per pair: hashes are partitioned on disk.
"""

import hashlib
import math
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np

from seq2seq.data.bitext import Pair

SAMPLE = 2000
"""Usable pairs that are kept as a sample."""

_GROUPS = {"CJK": "HAN", "IDEOGRAPHIC": "HAN", "HIRAGANA": "KANA", "KATAKANA": "KANA", "KATAKANA-HIRAGANA": "KANA"}
_UNSPACED_SCRIPTS = {"HAN", "KANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}
# A quarter of the letters: an ideograph says as much as several Latin letters of the names between them.
_LEAST_SHARE = 0.25
_BINS_PER_UNIT, _BINS = 20, 400
_LEAST_GROUPS = 1000
_PARTS = 64
_RECORD = np.dtype([("src", "<u8"), ("pair", "<u8"), ("number", "<i8")])


@dataclass
class Survey:
    """Statistics of the training pairs."""

    read: int = 0
    usable: int = 0
    src_characters: Counter[str] = field(default_factory=Counter)
    tgt_characters: Counter[str] = field(default_factory=Counter)
    sample: list[Pair] = field(default_factory=list)
    seen_before: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    """[read], whether each pair is a duplicate of an earlier one."""
    several_translations: int = 0
    """Source sentences with more than one translation."""
    _ratios: np.ndarray = field(default_factory=lambda: np.zeros(_BINS, np.int64))

    @property
    def usual_ratio(self) -> float:
        """The median of `length_ratio`, within 5 %."""
        middle = int(np.searchsorted(self._ratios.cumsum(), self._ratios.sum() / 2))
        return math.exp((middle + 0.5 - _BINS / 2) / _BINS_PER_UNIT)

    def _add(self, pair: Pair) -> None:
        self.usable += 1
        self.src_characters.update(pair.src)
        self.tgt_characters.update(pair.tgt)
        index = round(math.log(length_ratio(pair)) * _BINS_PER_UNIT - 0.5) + _BINS // 2
        self._ratios[min(max(index, 0), _BINS - 1)] += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(pair)


def survey(pairs: Iterable[Pair], folder: Path) -> Survey:
    """Survey all pairs. folder: for temporary files."""
    result = Survey()
    with _DuplicateFinder(folder) as duplicates:
        for result.read, pair in enumerate(pairs, start=1):
            if pair.usable:
                result._add(pair)
                duplicates.add(result.read - 1, pair)
        result.seen_before, result.several_translations = duplicates.find(result.read)
    return result


def length_ratio(pair: Pair) -> float:
    """Target characters over source characters, plus 5 on each side, as short sentences vary."""
    return (len(pair.tgt) + 5) / (len(pair.src) + 5)


def main_scripts(characters: Counter[str]) -> set[str]:
    """The scripts of at least a twentieth of a side's letters; Han as well if Kana or Hangul is among them."""
    scripts: Counter[str] = Counter()
    for character, count in characters.items():
        if name := script(character):
            scripts[name] += count
    main = {name for name, count in scripts.items() if count >= scripts.total() / 20}
    return main | {"HAN"} if main & {"KANA", "HANGUL"} else main


def is_unspaced(characters: Mapping[str, int]) -> bool:
    """Whether a text is written without spaces between words, by the scripts of its letters.

    characters: how often each occurs.
    """
    return is_written_in(characters, _UNSPACED_SCRIPTS)


def is_written_in(characters: Mapping[str, int], scripts: Collection[str]) -> bool:
    """Whether at least a quarter of the letters of a text are of these scripts."""
    letters: Counter[bool] = Counter()
    for character, count in characters.items():
        if name := script(character):
            letters[name in scripts] += count
    return letters[True] > 0 and letters[True] >= _LEAST_SHARE * letters.total()


@lru_cache(maxsize=2**16)
def script(character: str) -> str:
    """The script of a letter, such as LATIN or HAN, by the first word of its Unicode name; empty if it is not a letter.

    Hiragana and katakana are one script here, KANA; full-width and half-width letters count as their normal forms.
    """
    letter = unicodedata.normalize("NFKC", character)[0]
    if not (character.isalpha() and letter.isalpha()):
        return ""
    name = unicodedata.name(letter, "").partition(" ")[0]
    return _GROUPS.get(name, name)


class Overlap:
    """How many sentences of an evaluation set are in the training data."""

    def __init__(self, sources: Iterable[str]) -> None:
        self._left = {hash_of(source) for source in sources if source}
        self.total = len(self._left)

    def add(self, source: str) -> None:
        """Add a training source."""
        self._left.discard(hash_of(source))

    @property
    def in_training(self) -> int:
        """Distinct sources of the set that are training sources."""
        return self.total - len(self._left)


def hash_of(*texts: str, key: bytes = b"") -> int:
    """A 64-bit hash of the texts."""
    return int.from_bytes(hashlib.blake2b("\n".join(texts).encode(), digest_size=8, key=key).digest(), "little")


class _DuplicateFinder:
    """Finds duplicate pairs. Records are partitioned into files by their source; each file fits into memory."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._files = folder, ExitStack()

    def __enter__(self) -> Self:
        unnamed = (tempfile.TemporaryFile(dir=self._folder) for _ in range(_PARTS))  # noqa: SIM115
        self._parts = [self._files.enter_context(file) for file in unnamed]
        return self

    def __exit__(self, *error: object) -> None:
        self._files.close()

    def add(self, number: int, pair: Pair) -> None:
        src = hash_of(pair.src)
        self._parts[src % _PARTS].write(np.array((src, hash_of(pair.src, pair.tgt), number), _RECORD).tobytes())

    def find(self, count: int) -> tuple[np.ndarray, int]:
        """Whether each of `count` pairs is a duplicate, and how many sources have several translations."""
        seen_before, several = np.zeros(count, bool), 0
        for part in self._parts:
            part.seek(0)
            records = np.frombuffer(part.read(), _RECORD)
            _, first = np.unique(records["pair"], return_index=True)
            is_duplicate = np.ones(len(records), bool)
            is_duplicate[first] = False
            seen_before[records["number"][is_duplicate]] = True
            _, translations = np.unique(records["src"][first], return_counts=True)
            several += int((translations > 1).sum())
        return seen_before, several


def draw_groups(hashes: Iterable[int], count: int) -> set[int]:
    """The smallest hashes that together occur at most `count` times: a random draw of groups of equal hashes.

    If each occurs more often, the one that occurs least; none if there is only one.
    """
    groups: Counter[int] = Counter()
    most, bound = max(4 * count, _LEAST_GROUPS), 2**64
    for value in hashes:
        if value < bound:
            groups[value] += 1
            if len(groups) > most:
                kept = sorted(groups)[: most // 2]
                groups, bound = Counter({key: groups[key] for key in kept}), kept[-1] + 1
    chosen: set[int] = set()
    for value in sorted(groups):
        if groups[value] <= count:
            chosen.add(value)
            count -= groups[value]
    if not chosen and len(groups) > 1:
        chosen.add(min(groups, key=lambda value: (groups[value], value)))
    return chosen
