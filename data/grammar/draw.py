"""Random choices that make sense together, and use all words about equally often."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from .lexicon import ADJECTIVES, LISTS, PLACES, TIMES, Adjective, Fixed, Noun, Place, Verb, nouns
from .phrases import NAMES, NUMBERS, POSSESSIVES, PRONOUNS, NounPhrase, Phrase, noun_phrase


class _Named(Protocol):
    @property
    def en(self) -> str: ...


Named = TypeVar("Named", bound=_Named)

# The possessive that goes with I, you, he, we, (you,) they.
_OWN = ("my", "your", "his", "our", "your", "their")
# not owned
_UNIQUE = frozenset(["nature", "sea", "building", "place", "near", "room", "study", "exam", "match", "transport"])
_SOME_MANY = ("many", "several", "a few", "too many")
_OFTEN_MANY = frozenset({"pair", "strawberry", "cherry", "bean", "mushroom", "potato", "carrot"})


class Draw:
    """A seeded source of words and phrases."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._used: Counter[str] = Counter()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random.random() < probability

    def pick(self, options: Sequence[Named]) -> Named:
        """Of three options drawn at random, the one least used so far."""
        drawn = [self.random.choice(options) for _ in range(3)]
        chosen = min(drawn, key=lambda option: self._used[option.en])
        self._used[chosen.en] += 1
        return chosen

    def one(self, *options: str) -> str:
        """One of the words."""
        return self.random.choice(options)

    def weighted(self, weights: dict[str, int]) -> str:
        """A key, as often as its weight says."""
        return self.random.choices(list(weights), list(weights.values()))[0]

    # people

    def own(self, subject: NounPhrase) -> str:
        """The possessive that refers to the subject: he and his, Anna and her."""
        return "her" if subject.slot == 2 and subject.feminine else _OWN[subject.slot]

    def somebody(self) -> NounPhrase:
        """Anybody who can be the subject of a sentence: a pronoun, a name, one's family, a person."""
        if self.chance(0.4):
            return self.pick(PRONOUNS)
        return self.third_person()

    def third_person(self) -> NounPhrase:
        """Somebody called by a name or a noun."""
        return self.pick(NAMES) if self.chance(0.3) else self.person()

    def person(self) -> NounPhrase:
        """My aunt, the teacher, the neighbours."""
        noun = self.pick(nouns(["person", "family"]))
        if "family" in noun.tags:
            if "spouse" in noun.tags:
                return noun_phrase(noun, self.one("my", "your", "her" if noun.en == "husband" else "his"))
            return noun_phrase(noun, self.one(*POSSESSIVES), plural=self._sometimes_plural(noun))
        others = ["the"] if noun.en in ("king", "queen") else ["the", "the", "this"]
        determiner = self.one(*(POSSESSIVES if "mine" in noun.tags else others))
        return noun_phrase(noun, determiner, plural=self._sometimes_plural(noun))

    def _sometimes_plural(self, noun: Noun) -> bool:
        return "single" not in noun.tags and self.chance(0.25)

    # things

    def adjective(self, noun: Noun) -> Adjective | None:
        """An adjective that suits the noun, if there is one."""
        fitting = [adj for adj in ADJECTIVES if adj.tags & noun.tags and "only" not in adj.tags]
        return self.pick(fitting) if fitting else None

    def adjectives(self, noun: Noun, probability: float = 0.35) -> tuple[Adjective, ...]:
        """No adjective, one, or one of size or age and one of colour."""
        if not self.chance(probability):
            return ()
        first = self.adjective(noun)
        if first is None:
            return ()
        second = self.adjective(noun)
        if second and first.en in LISTS["first of two"] and second.en in LISTS["second of two"]:
            return first, second
        return (first,)

    def thing(self, noun: Noun, *determiners: str, many: bool = False, adjective: float = 0.35) -> NounPhrase:
        """The noun with one of the determiners; with `many`, also a number or quantity of it."""
        determiner = self.one(*determiners)
        if determiner == "this" and noun.en in ("king", "queen"):
            determiner = "the"
        adjectives = self.adjectives(noun, adjective)
        if noun.mass:
            if many and not adjectives and self.chance(0.2):
                determiner = self.one("a lot of", "too much", "enough")
            return noun_phrase(noun, determiner, adjectives=adjectives)
        if "single" in noun.tags:
            return noun_phrase(noun, determiner, adjectives=adjectives)
        plural = self.chance(0.9 if noun.tags & _OFTEN_MANY else 0.2)
        if many and "pair" not in noun.tags and self.chance(0.2):
            counted = self.one(*NUMBERS) if self.chance(0.6) else self.one(*_SOME_MANY)
            return noun_phrase(noun, counted, plural=True, adjectives=adjectives)
        return noun_phrase(noun, determiner, plural=plural, adjectives=adjectives)

    def object(self, verb: Verb, subject: NounPhrase, tense: str = "past", negation: str = "") -> NounPhrase:
        """Something that the verb can be done to."""
        noun = self.pick(nouns(verb.objects))
        own = self.own(subject)
        if "taste" in verb.flags:
            if noun.mass:
                return noun_phrase(noun, "all")
            adjectives = self.adjectives(noun, 0.3)
            return noun_phrase(noun, "all", plural=True, adjectives=adjectives)
        if "family" in noun.tags:
            return noun_phrase(noun, own)
        many = "many" in verb.flags and not negation and tense in ("past", "future", "going to")
        adjective = 0.0 if verb.en == "break" else 0.35
        if "mine" in noun.tags:
            return self.thing(noun, *POSSESSIVES, adjective=0.1)
        untamed = "animal" in noun.tags and not noun.tags & {"pet", "livestock"}
        if noun.tags & _UNIQUE or "person" in noun.tags or untamed:
            determiners = ["the", "the", "this"]
            if not noun.tags & {"transport", "person", "nature"} and "definite" not in verb.flags:
                determiners.append("a")
        elif "definite" in verb.flags:
            determiners = ["the", "the", "this", own, self.one(*POSSESSIVES)]
        elif noun.mass:
            determiners = ["a", "a", "a", "the", own]
        elif tense in ("present", "used to"):
            determiners = ["a", own, "the"]
        else:
            determiners = ["a", "a", "the", "the", "this", own, self.one(*POSSESSIVES)]
        return self.thing(noun, *determiners, many=many, adjective=adjective)

    # where and when

    def place_for(self, verb: Verb) -> Phrase:
        """Where the verb is done, or where one goes."""
        moving = "move" in verb.flags
        fitting = [place for place in PLACES if place.tags & verb.places and (place.to[0] or not moving)]
        place: Place = self.pick(fitting)
        return Phrase(*(place.to if moving else place.at))

    def place(self, *tags: str) -> Phrase:
        """A place one can be at."""
        return Phrase(*self.pick([place for place in PLACES if place.tags & set(tags)]).at)

    def time(self, tense: str, verb: Verb | None = None, negation: str = "", *, at_hour: bool = False) -> Phrase:
        """A time that goes with the tense, and with the verb: one doesn't close a door for a year."""
        key = {"going to": "future", "would": "future"}.get(tense, tense)
        unwanted = {"yes"} if negation else set()
        if verb is None or "big" not in verb.flags:
            unwanted.add("long")
        fitting = [time for time in TIMES[key] if not time.tags & unwanted and (not at_hour or "hour" in time.tags)]
        return phrase(self.pick(fitting))


def phrase(fixed: Fixed) -> Phrase:
    """A table entry as a phrase."""
    return Phrase(fixed.en, fixed.fr)
