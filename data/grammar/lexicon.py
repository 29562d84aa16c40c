"""The words of the tables, as small records."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from . import english, french
from .tables import padded, rows


@dataclass(frozen=True)
class Noun:
    """A noun in both languages; its tags say what it goes with."""

    en: str
    fr: str
    feminine: bool
    tags: frozenset[str]
    en_plural: str
    fr_plural: str

    @property
    def mass(self) -> bool:
        """Not counted: bread, water."""
        return "mass" in self.tags


@dataclass(frozen=True)
class Adjective:
    """An adjective in both languages; `tags` are those of the nouns that it can describe."""

    en: str
    fr: str
    before: bool
    tags: frozenset[str]
    fr_feminine: str
    fr_before_vowel: str
    fr_plural: str

    def agree(self, feminine: bool, plural: bool, followed_by: str = "") -> str:
        """The French form; `followed_by` is the next word, for bel, nouvel and vieil."""
        if feminine:
            invariable = self.fr_feminine == self.fr == self.fr_plural
            return self.fr_feminine if not plural or invariable else french.plural(self.fr_feminine)
        if plural:
            return self.fr_plural
        return self.fr_before_vowel if followed_by and french.before_vowel(followed_by) else self.fr


@dataclass(frozen=True)
class Verb:
    """A verb in both languages, with the tags of its objects and places."""

    en: str
    fr: str
    objects: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()

    @property
    def infinitive(self) -> str:
        """The French infinitive without its reflexive pronoun."""
        return self.fr.removeprefix("se ").removeprefix("s'")


@dataclass(frozen=True)
class Place:
    """Where one is and, if one goes there, whereto."""

    tags: frozenset[str]
    at: tuple[str, str]
    to: tuple[str, str]
    en: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "en", self.at[0])


@dataclass(frozen=True)
class Fixed:
    """A phrase that never changes, such as a time."""

    en: str
    fr: str
    tags: frozenset[str] = frozenset()


def _noun(row: list[str]) -> Noun:
    en, fr, gender, tags, en_plural, fr_plural = padded(row, 6)
    own = frozenset([*tags.split(), en])
    is_plural = "plural" in own
    plural_en = en if is_plural else en_plural or english.plural(en)
    plural_fr = fr if is_plural else fr_plural or french.plural(fr)
    return Noun(en, fr, gender == "f", own, plural_en, plural_fr)


def _adjective(row: list[str]) -> Adjective:
    en, fr, position, tags, feminine, before_vowel, plural = padded(row, 7)
    return Adjective(
        en,
        fr,
        position == "before",
        frozenset(tags.split()),
        feminine or french.feminine(fr),
        before_vowel or fr,
        plural or french.plural(fr),
    )


def _words(cell: str) -> frozenset[str]:
    return frozenset(cell.replace("-", "").split())


def _place(row: list[str]) -> Place:
    tags, at_en, at_fr, to_en, to_fr = padded(row, 5)
    return Place(frozenset(tags.split()), (at_en, at_fr), (to_en, to_fr))


def _times() -> dict[str, list[Fixed]]:
    times: dict[str, list[Fixed]] = {}
    for row in rows("times.txt"):
        tense, en, fr, tags = padded(row, 4)
        times.setdefault(tense, []).append(Fixed(en, fr, frozenset(tags.split())))
    return times


NOUNS = [_noun(row) for row in rows("nouns.txt")]
ADJECTIVES = [_adjective(row) for row in rows("adjectives.txt")]
VERBS = [Verb(en, fr, _words(obj), _words(places), _words(flags)) for en, fr, obj, places, flags in rows("verbs.txt")]
PLACES = [_place(row) for row in rows("places.txt")]
TIMES = _times()


def _fixed() -> dict[str, list[Fixed]]:
    phrases: dict[str, list[Fixed]] = {}
    for kind, en, fr in rows("fixed.txt"):
        phrases.setdefault(kind, []).append(Fixed(en, fr))
    return phrases


FIXED = _fixed()
LISTS = {name: words.split(", ") for name, words in rows("lists.txt")}


def nouns(tags: Iterable[str]) -> list[Noun]:
    """The nouns that bear one of the tags."""
    wanted = frozenset(tags)
    return [noun for noun in NOUNS if noun.tags & wanted]


def verbs(*flags: str) -> list[Verb]:
    """The verbs that bear all the flags."""
    return [verb for verb in VERBS if verb.flags >= frozenset(flags)]


def listed_adjectives(name: str) -> list[Adjective]:
    """The adjectives of a list."""
    return [adjective for adjective in ADJECTIVES if adjective.en in LISTS[name]]
