"""The corpus: sentences of all constructions, told apart by what training may see."""

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, cycle

from . import (  # noqa: F401
    actions,
    compounds,
    descriptions,
    english,
    french,
    nested,
    orders,
    pronouns,
    questions,
    relatives,
    subordinates,
    things,
)
from .draw import Draw
from .lexicon import NOUNS
from .phrases import Phrase
from .registry import CONSTRUCTIONS
from .tables import rows

SEED = 20
KINDS = ("seen", "words", "construction", "longer", "core")
TRAINED = 19_000  # generated training pairs
SIZES = {
    "valid": {"seen": 130, "words": 110, "construction": 110, "longer": 80, "core": 70},
    "test": {"seen": 250, "words": 200, "construction": 200, "longer": 150, "core": 100},
}

# Properties that no clause of the training pairs has together.
HELD_OUT = [
    frozenset({"relative", "negation"}),
    frozenset({"because", "past"}),
    frozenset({"question", "clitic", "past"}),
    frozenset({"negation", "clitic", "past"}),
    frozenset({"negation", "clitic", "going to"}),
]
MOST_CLAUSES = 2  # in a training pair
ONE_PAIR_IN = 14  # of the word pairs is held out
RAREST = 5  # times that a word of the other splits occurs in training

_REPEATED = re.compile(r"\b(\w+) \1\b")


@dataclass(frozen=True)
class Sentence:
    """A finished pair, and what it is made of."""

    en: str
    fr: str
    construction: str
    phrase: Phrase

    @property
    def words(self) -> set[str]:
        """The words of both languages, marked as such."""
        return {f"en {word}" for word in words(self.en)} | {f"fr {word}" for word in words(self.fr)}

    @property
    def kind(self) -> str:
        """What a test with the pair measures: "seen" if training may have it, "" if it would measure two things."""
        held_out = {
            "words": any(is_held_out(pair) for pair in self.phrase.pairs),
            "construction": bool(self.held_out_construction),
            "longer": len(self.phrase.clauses) > MOST_CLAUSES,
        }
        reasons = [kind for kind, holds in held_out.items() if holds]
        return "" if len(reasons) > 1 else reasons[0] if reasons else "seen"

    @property
    def held_out_construction(self) -> frozenset[str]:
        """The properties that one of its clauses has and no clause in training; empty if there are none."""
        found = (features for clause in self.phrase.clauses for features in HELD_OUT if clause >= features)
        return next(found, frozenset())


def words(text: str) -> list[str]:
    """The words of a sentence, in lower case."""
    return re.findall(r"[\w-]+'?", text.lower())


CORE = [Sentence(en, fr, "core", Phrase(en, fr)) for en, fr in rows("core.txt")]
_CORE_WORDS = [set(words(sentence.en)) for sentence in CORE]
_PLURALS = {noun.en: noun.en_plural for noun in NOUNS}


@cache
def is_held_out(pair: tuple[str, str]) -> bool:
    """Whether a pair of words never stands together in training: chosen by a hash, unless the core has them."""
    first, noun = pair
    if zlib.crc32(" ".join(pair).encode()) % ONE_PAIR_IN:
        return False
    inflected = (english.third_person, english.ing, english.past, english.participle)
    forms = {first.split()[0], *(inflect(first).split()[0] for inflect in inflected)}
    nouns = {noun.split()[-1], _PLURALS[noun].split()[-1]}
    return not any(spoken & forms and spoken & nouns for spoken in _CORE_WORDS)


def _capital(text: str) -> str:
    return "? ".join(part[0].upper() + part[1:] for part in text.split("? "))


def finish(phrase: Phrase, mark: str, construction: str) -> Sentence:
    """The sentence with its articles and elisions, its capital and its mark."""
    en, fr = english.sew(phrase.en), french.sew(phrase.fr)
    return Sentence(_capital(en) + mark, _capital(fr) + (mark if mark == "." else f" {mark}"), construction, phrase)


def sentences(draw: Draw, used: set[str]) -> Iterator[Sentence]:
    """Sentences that are new in both languages, without end, of all constructions by their weights."""
    turns = [construction for construction in CONSTRUCTIONS for _ in range(construction.weight)]
    draw.random.shuffle(turns)
    for construction in cycle(turns):
        sentence = finish(construction.make(draw), construction.mark, construction.name)
        if sentence.kind and not {sentence.en, sentence.fr} & used and not _REPEATED.search(sentence.en):
            used |= {sentence.en, sentence.fr}
            yield sentence


def build() -> dict[str, list[tuple[str, Sentence]]]:
    """The splits "train", "valid" and "test": sentences with their kinds, in the order of the files."""
    draw = Draw(SEED)
    core = list(CORE)
    draw.random.shuffle(core)
    splits = {split: [("core", core.pop()) for _ in range(sizes["core"])] for split, sizes in SIZES.items()}
    stream = sentences(draw, {text for sentence in CORE for text in (sentence.en, sentence.fr)})
    generated: list[Sentence] = []
    later: list[Sentence] = []
    while len(generated) < TRAINED:
        sentence = next(stream)
        (generated if sentence.kind == "seen" else later).append(sentence)
    train = core + generated
    draw.random.shuffle(train)
    draw.random.shuffle(later)
    _hold_out(splits, train, chain(later, stream))
    for measured in splits.values():
        measured.sort(key=lambda entry: KINDS.index(entry[0]))
    return {"train": [("train", sentence) for sentence in train], **splits}


def _hold_out(
    splits: dict[str, list[tuple[str, Sentence]]], train: list[Sentence], candidates: Iterator[Sentence]
) -> None:
    """Fill the other splits with sentences of words that training teaches, and of one novelty each."""
    counts = Counter(word for sentence in train for word in sentence.words)
    pairs = {pair for sentence in train for pair in sentence.phrase.pairs}
    missing = Counter({(split, *aim): count for split, sizes in SIZES.items() for aim, count in _aims(sizes).items()})
    while missing:
        sentence = next(candidates)
        kind, construction = sentence.kind, sentence.held_out_construction
        wanted = [split for split in splits if missing[split, kind, construction]]
        known = kind == "words" or sentence.phrase.pairs <= pairs
        if wanted and known and all(counts[word] >= RAREST for word in sentence.words):
            splits[wanted[0]].append((kind, sentence))
            missing -= Counter([(wanted[0], kind, construction)])


def _aims(sizes: dict[str, int]) -> dict[tuple[str, frozenset[str]], int]:
    """How many sentences of each kind; of each held-out construction equally many."""
    aims = {(kind, frozenset[str]()): size for kind, size in sizes.items() if kind not in ("core", "construction")}
    return aims | {("construction", features): sizes["construction"] // len(HELD_OUT) for features in HELD_OUT}
