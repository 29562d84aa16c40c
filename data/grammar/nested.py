"""Constructions of three clauses: more than any training pair has."""

from dataclasses import replace

from .clauses import Clause
from .compounds import opinion
from .draw import Draw
from .events import TRANSITIVE, event, tenses_of
from .lexicon import LISTS, nouns
from .phrases import PRONOUNS, Phrase, joined, prefixed
from .predicates import coreferent
from .registry import construction
from .relatives import earlier, later_verb, person_who, relative_object, relative_subject, thing_that
from .subordinates import REASONS, because, given_reason, linked, something_happened


@construction(5)
def two_relatives(draw: Draw) -> Phrase:
    """The man who was waiting bought the car that I sold."""
    head = draw.thing(draw.pick(nouns(["person"])), "the", adjective=0.1)
    subject = head.followed_by(relative_subject(draw, head, negation=0))
    verb, noun = later_verb(draw)
    thing = draw.thing(noun, "the", adjective=0)
    whole = thing.followed_by(earlier(draw, verb, noun, thing, draw.pick(PRONOUNS)))
    return Clause(subject, verb, "past", object=whole).say()


@construction(9)
def opinion_about_a_thing(draw: Draw) -> Phrase:
    """I think that the car that he bought is too expensive."""
    return opinion(draw).then(draw.random.choice([person_who, thing_that])(draw))


@construction(7)
def opinion_with_reason(draw: Draw) -> Phrase:
    """She says that he isn't working because he is ill."""
    return opinion(draw).then(because(draw))


@construction(7)
def if_somebody_finds_what(draw: Draw) -> Phrase:
    """If you find the key that I lost, I will call Anna."""
    noun = draw.pick(nouns(["portable", "wear", "pet"]))
    head = draw.thing(noun, "the", adjective=0.2)
    loser = draw.pick(PRONOUNS)
    thing = head.followed_by(relative_object(draw, noun, head, loser))
    finders = [verb for verb in TRANSITIVE if verb.en in LISTS["found or not"] and verb.objects & noun.tags]
    condition = Clause(draw.somebody(), draw.pick(finders), object=thing, role="if")
    if condition.subject.en == loser.en:
        return if_somebody_finds_what(draw)
    main = event(draw, "future", subject=loser, negation=0.1, time=0).say()
    return linked(draw, main, "if", "si", condition.say(), first=0.7)


@construction(7)
def interrupted_for_a_reason(draw: Draw) -> Phrase:
    """When I arrived, she was sleeping because she was tired."""
    reason = draw.random.choice([reason for reason in REASONS if "imperfect" in tenses_of(reason.verb)])
    main = event(draw, "imperfect", verb=reason.verb, negation=reason.negation, time=0)
    when = prefixed("when", "quand", something_happened(draw, main.subject))
    why = given_reason(draw, reason.name, coreferent(main.subject), "imperfect").say()
    return joined(replace(when, en=f"{when.en},", fr=f"{when.fr},"), main.say(), Phrase("because", "parce que"), why)
