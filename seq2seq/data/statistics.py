"""A first look at all training pairs: what cleaning, holding out and the tokenizer need to know beforehand.

Memory does not grow with the corpus, except for one byte per pair: hashes are sorted on the disk, part by part.
"""

import hashlib
import math
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np

from seq2seq.data.bitext import Pair

SAMPLE = 2000
"""Usable pairs that are kept to look at."""

_GROUPS = {"CJK": "HAN", "IDEOGRAPHIC": "HAN", "HIRAGANA": "KANA", "KATAKANA": "KANA", "KATAKANA-HIRAGANA": "KANA"}
_BINS_PER_UNIT, _BINS = 20, 400
_LEAST_GROUPS = 1000
_PARTS = 64
_RECORD = np.dtype([("src", "<u8"), ("pair", "<u8"), ("number", "<i8")])


@dataclass
class Survey:
    """What a first look tells."""

    read: int = 0
    usable: int = 0
    src_characters: Counter[str] = field(default_factory=Counter)
    tgt_characters: Counter[str] = field(default_factory=Counter)
    sample: list[Pair] = field(default_factory=list)
    seen_before: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    """[read], whether a pair has stood there before."""
    several_translations: int = 0
    """Source sentences that have more than one translation."""
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
        place = round(math.log(length_ratio(pair)) * _BINS_PER_UNIT - 0.5) + _BINS // 2
        self._ratios[min(max(place, 0), _BINS - 1)] += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(pair)


def survey(pairs: Iterable[Pair], folder: Path) -> Survey:
    """Look at all pairs; `folder` is for files that are gone afterwards."""
    found = Survey()
    with _Repetitions(folder) as repetitions:
        for found.read, pair in enumerate(pairs, start=1):
            if pair.usable:
                found._add(pair)
                repetitions.add(found.read - 1, pair)
        found.seen_before, found.several_translations = repetitions.find(found.read)
    return found


def length_ratio(pair: Pair) -> float:
    """Characters of the target over those of the source; a few more on each side, as short sentences vary."""
    return (len(pair.tgt) + 5) / (len(pair.src) + 5)


def main_scripts(characters: Counter[str]) -> set[str]:
    """The scripts that make up a twentieth or more of a side's letters; Han too beside Kana or Hangul."""
    scripts: Counter[str] = Counter()
    for character, count in characters.items():
        if name := script(character):
            scripts[name] += count
    main = {name for name, count in scripts.items() if count >= scripts.total() / 20}
    return main | {"HAN"} if main & {"KANA", "HANGUL"} else main


@lru_cache(maxsize=2**16)
def script(character: str) -> str:
    """The script of a letter, such as LATIN or HAN, as its Unicode name begins; empty for what is no letter.

    Hiragana and katakana are one script here, KANA; a letter of another width counts as the usual one.
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

    def see(self, source: str) -> None:
        """Note a training source."""
        self._left.discard(hash_of(source))

    @property
    def found(self) -> int:
        """Distinct sources of the set that were seen in training."""
        return self.total - len(self._left)


def hash_of(*texts: str, key: bytes = b"") -> int:
    """64 bits that tell texts apart."""
    return int.from_bytes(hashlib.blake2b("\n".join(texts).encode(), digest_size=8, key=key).digest(), "little")


class _Repetitions:
    """Finds pairs that occur again. Records go to one of many files by their source; each file fits into memory."""

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
        """Whether each of `count` pairs has stood there before, and how many sources have several translations."""
        seen_before, several = np.zeros(count, bool), 0
        for part in self._parts:
            part.seek(0)
            records = np.frombuffer(part.read(), _RECORD)
            _, first = np.unique(records["pair"], return_index=True)
            again = np.ones(len(records), bool)
            again[first] = False
            seen_before[records["number"][again]] = True
            _, translations = np.unique(records["src"][first], return_counts=True)
            several += int((translations > 1).sum())
        return seen_before, several


def draw_groups(hashes: Iterable[int], count: int) -> set[int]:
    """The smallest hashes that together occur at most `count` times: a random draw that keeps equal ones together.

    Where each occurs more often, the one that occurs least; none where there is but one.
    """
    groups: Counter[int] = Counter()
    most, bound = max(4 * count, _LEAST_GROUPS), 2**64
    for value in hashes:
        if value < bound:
            groups[value] += 1
            if len(groups) > most:
                kept = sorted(groups)[: most // 2]
                groups, bound = Counter({one: groups[one] for one in kept}), kept[-1] + 1
    chosen: set[int] = set()
    for value in sorted(groups):
        if groups[value] <= count:
            chosen.add(value)
            count -= groups[value]
    if not chosen and len(groups) > 1:
        chosen.add(min(groups, key=lambda value: (groups[value], value)))
    return chosen
