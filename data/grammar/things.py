"""Constructions of one clause that tell what there is, who has it and where it is."""

from dataclasses import replace

from .clauses import BE, BE_AVOIR, HAVE, Clause, Clitic
from .draw import Draw
from .lexicon import FIXED, nouns
from .phrases import NounPhrase, Phrase, noun_phrase, prefixed
from .predicates import THE_DAY, being, spot
from .registry import construction

_BELONGINGS = ["portable", "machine", "owned", "pet", "furniture", "wear", "instrument", "home", "thought", "grocery"]


@construction(8)
def having(draw: Draw) -> Phrase:
    """We no longer have a car."""
    negative = draw.one("", "", "", "not", "no longer")
    tense = "present" if negative == "no longer" else draw.weighted({"present": 6, "imperfect": 2, "future": 1})
    thing = draw.thing(draw.pick(nouns(_BELONGINGS)), "a", many=not negative, adjective=0.4)
    return Clause(draw.somebody(), HAVE, tense, negation=negative, object=thing).say()


@construction(7)
def there_is(draw: Draw) -> Phrase:
    """There are five keys in the drawer; there is no bread on the table."""
    if draw.chance(0.5):
        noun = draw.pick(nouns(["portable", "tableware", "pet", "fruit"]))
        where = spot(draw, inside="pet" not in noun.tags)
    else:
        noun = draw.pick(nouns(["person", "livestock"]))
        where = draw.place("nature") if "livestock" in noun.tags else draw.place("town", "streets", "nature")
    negative = draw.one("", "", "not")
    clause = there_are(draw.thing(noun, "a", many=not negative), where, draw.one("present", "present", "imperfect"))
    if not negative or clause.object is None:
        return clause.say()
    none = replace(clause.object, en="no " + clause.object.en.removeprefix("a "))
    return replace(replace(clause, negation="not").say(), en=replace(clause, object=none).english())


def there_are(thing: NounPhrase, where: Phrase, tense: str = "present") -> Clause:
    """There is or are, il y a."""
    there = NounPhrase("there", "il", plural=thing.plural)
    return Clause(there, BE_AVOIR, tense, object=thing, clitics=(Clitic("", "y", "there"),), rest=(where,))


@construction(6)
def position(draw: Draw) -> Phrase:
    """The key is on the table."""
    noun = draw.pick([noun for noun in nouns(["portable", "tableware", "pet", "tool"]) if "inside" not in noun.tags])
    subject = draw.thing(noun, "the", "my", "your", "his", "her", adjective=0.3)
    return being(draw, subject, spot(draw, inside="pet" not in noun.tags), negation=0.15).say()


@construction(5)
def whereabouts(draw: Draw) -> Phrase:
    """My father is at the station."""
    where = draw.place("town", "work", "home", "far", "nature", "school")
    clause = being(draw, draw.somebody(), where, future=True)
    return clause.say().then(THE_DAY[clause.tense]) if draw.chance(0.4) else clause.say()


@construction(6)
def near_something(draw: Draw) -> Phrase:
    """The bank is near the station."""
    place, other = draw.pick(nouns(["near", "building"])), draw.pick(nouns(["near"]))
    if place == other:
        return near_something(draw)
    preposition = draw.pick(FIXED["preposition"])
    where = prefixed(preposition.en, preposition.fr, noun_phrase(other, "the"))
    determiner = "our" if "home" in place.tags else "the"
    subject = noun_phrase(place, determiner, adjectives=draw.adjectives(place, 0.3))
    return Clause(subject, BE, "present", negation=draw.one("", "", "", "not"), rest=(where,)).say()
