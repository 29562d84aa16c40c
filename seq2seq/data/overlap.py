"""How much of an evaluation set is also in the training data: exactly, or up to case, punctuation and digits."""

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seq2seq.data.bitext import Pair

_ASCII_MARKS = (string.punctuation + string.digits + string.whitespace.replace("\n", "")).encode()
# Blocks of punctuation, and the no-break space; letters and combining marks are kept.
_OTHER_MARKS = re.compile(
    "[\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965"
    "\u0e5a\u0e5b\u104a\u104b\u17d4-\u17da\u2000-\u206f\u3000-\u303f\ufe10-\ufe1f\ufe30-\ufe4f\uff01-\uff20\uff3b-\uff40"
    "\uff5b-\uff65]+"
)


@dataclass
class OverlapReport:
    """How much of an evaluation set is in the training pairs."""

    name: str
    sources: int
    """Distinct source sentences of the set."""
    in_training: int
    near_in_training: int
    """Further sources that are in training with other case, punctuation or digits."""
    targets: int
    """Distinct target sentences of the set."""
    targets_in_training: int


class Overlap:
    """Compares an evaluation set with the training pairs, which are added in order."""

    def __init__(self, name: str, pairs: Iterable[Pair]) -> None:
        """name: of the evaluation set."""
        self._name = name
        self._letters: dict[int, int] = {}
        self._targets: set[int] = set()
        usable = [pair for pair in pairs if pair.usable]
        for pair, letters in zip(usable, letters_of([pair.src for pair in usable]), strict=True):
            self._letters[hash(pair.src)] = hash(letters)
            self._targets.add(hash(pair.tgt))
        self._sources = set(self._letters)
        self._keys = set(self._letters.values()) - {hash(b"")}
        self._seen: set[int] = set()
        self._seen_targets: set[int] = set()
        self._seen_keys: set[int] = set()

    def add(self, pairs: Sequence[Pair]) -> None:
        """Add training pairs."""
        sources = [pair.src for pair in pairs]
        self._seen |= self._sources.intersection(map(hash, sources))
        self._seen_targets |= self._targets.intersection(hash(pair.tgt) for pair in pairs)
        self._seen_keys |= self._keys.intersection(map(hash, letters_of(sources)))

    def report(self) -> OverlapReport:
        """What was found in the pairs so far."""
        near = sum(key in self._seen_keys for src, key in self._letters.items() if src not in self._seen)
        return OverlapReport(
            self._name, len(self._letters), len(self._seen), near, len(self._targets), len(self._seen_targets)
        )


def letters_of(texts: Sequence[str]) -> list[bytes]:
    """Each text in lower case, without blanks, punctuation and digits; equal for near-duplicates.

    texts: without line breaks.
    """
    lowered = "\n".join(texts).lower()
    if not lowered.isascii():
        lowered = _OTHER_MARKS.sub("", lowered)
    return lowered.encode().translate(None, _ASCII_MARKS).split(b"\n") if texts else []
