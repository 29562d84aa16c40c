"""Constructions with a relative clause: qui, que, dont, où."""

from collections.abc import Collection

from .clauses import BE, NEED, Clause
from .draw import Draw
from .events import TRANSITIVE, choose_tense, event, listed, verb_named
from .lexicon import Noun, Verb, nouns, verbs
from .phrases import PRONOUNS, YOU, NounPhrase, Phrase, joined, noun_phrase, prefixed
from .predicates import STATES, being, quality, spot
from .registry import construction
from .tables import rows

_DESCRIBED = frozenset(
    {"portable", "wear", "owned", "film", "music", "home", "building", "furniture", "fruit", "machine", "read", "pet"}
)


def relative_subject(draw: Draw, head: NounPhrase, negation: float = 0.15) -> Phrase:
    """Who works here, qui travaille ici."""
    who = NounPhrase("who", "qui", plural=head.plural, feminine=head.feminine)
    return event(draw, "progressive", "past", "present", subject=who, role="relative", negation=negation).say()


def relative_position(draw: Draw, head: NounPhrase) -> Phrase:
    """That is on the table, qui est sur la table."""
    that = NounPhrase("that", "qui", plural=head.plural, feminine=head.feminine)
    tense, negative = draw.one("present", "imperfect"), draw.one("", "", "", "not")
    return Clause(that, BE, tense, negation=negative, rest=(spot(draw),), role="relative").say()


def relative_object(
    draw: Draw, noun: Noun, head: NounPhrase, subject: NounPhrase | None = None, among: Collection[str] = ()
) -> Phrase:
    """That I bought, que j'ai achetée: the participle agrees with the noun."""
    fitting = [verb for verb in TRANSITIVE if verb.objects & noun.tags and verb.flags & {"it", "him"}]
    verb = draw.pick([verb for verb in fitting if not among or verb.en in among])
    tense = "past" if among else choose_tense(draw, verb, "past", "imperfect")
    time = (draw.time(tense, verb, "not"),) if tense == "past" and draw.chance(0.3) else ()
    negative = "not" if draw.chance(0.12) else ""
    who = subject or draw.pick(PRONOUNS)
    clause = Clause(who, verb, tense, negation=negative, rest=time, role="relative", antecedent=head).say()
    return prefixed("that", "que", Phrase(clause.en, clause.fr, clause.clauses, clause.pairs | {(verb.en, noun.en)}))


def relative_dont(draw: Draw, subject: NounPhrase | None = None) -> Phrase:
    """That I need, dont j'ai besoin."""
    who = subject or draw.pick(PRONOUNS)
    if draw.chance(0.5):
        tense = draw.one("present", "imperfect")
        need = Clause(who, NEED, tense, rest=(Phrase("", "besoin"),), role="relative")
        return prefixed("that", "dont", need.say())
    talk = Clause(who, Verb("talk about", "parler"), draw.one("progressive", "past", "imperfect"), role="relative")
    return prefixed("that", "dont", talk.say())


def relative_where(draw: Draw) -> Phrase:
    """Where we live, où nous habitons."""
    verb = draw.pick(listed("where one is"))
    tense = "imperfect" if "state" in verb.flags else choose_tense(draw, verb, "past", "imperfect")
    return prefixed("where", "où", Clause(draw.somebody(), verb, tense, role="relative").say())


@construction(14)
def person_who(draw: Draw) -> Phrase:
    """The woman who is waiting here is tired; I know the man who lost his key."""
    noun = draw.pick(nouns(["person"]))
    if draw.chance(0.5):
        head = draw.thing(noun, "the", adjective=0.3)
        subject = head.followed_by(relative_subject(draw, head))
        return being(draw, subject, quality(subject, draw.pick(STATES)), negation=0.12).say()
    verb = draw.pick([verb for verb in verbs("him") if verb.en != "listen to"])
    head = draw.thing(noun, "the", adjective=0.2) if draw.chance(0.7) else noun_phrase(noun, "a")
    who = head.followed_by(relative_subject(draw, head))
    tense = "present" if "state" in verb.flags else "past"
    return Clause(draw.somebody(), verb, tense, object=who).say()


@construction(14)
def thing_that(draw: Draw) -> Phrase:
    """The car that I bought is red."""
    noun = draw.pick([noun for noun in nouns(_DESCRIBED) if not noun.mass])
    adjective = draw.adjective(noun)
    if adjective is None:
        return thing_that(draw)
    head = draw.thing(noun, "the", adjective=0)
    if noun.tags & {"building", "home"} and draw.chance(0.6):
        tail = relative_where(draw)
    elif noun.tags & {"portable", "pet"} and draw.chance(0.3):
        tail = relative_position(draw, head)
    elif noun.tags & {"portable", "machine", "owned", "film", "read"} and draw.chance(0.3):
        tail = relative_dont(draw)
    else:
        tail = relative_object(draw, noun, head)
    subject = head.followed_by(tail)
    return being(draw, subject, quality(subject, adjective, noun), negation=0.12).say()


# what is done to a thing, and what was done to it before
SEQUELS = {first: later.split(", ") for first, later in rows("sequels.txt")}


@construction(12)
def doing_something_to_what(draw: Draw) -> Phrase:
    """I found the key that you lost."""
    verb, noun = later_verb(draw)
    head = draw.thing(noun, "the", adjective=0.15)
    subject = draw.somebody()
    other = draw.pick([pronoun for pronoun in PRONOUNS if pronoun.en != subject.en])
    tense = choose_tense(draw, verb, "past", "going to", "future")
    if draw.chance(0.3):
        return Clause(subject, verb, tense, object=head.followed_by(relative_dont(draw, other))).say()
    return Clause(subject, verb, tense, object=head.followed_by(earlier(draw, verb, noun, head, other))).say()


def later_verb(draw: Draw) -> tuple[Verb, Noun]:
    """A verb for which another comes before, and a thing for both."""
    first = draw.pick([verb for verb in TRANSITIVE if verb.en in SEQUELS])
    verb = draw.pick([verb for verb in TRANSITIVE if verb.en in SEQUELS[first.en]])
    both = [noun for noun in nouns(verb.objects) if noun.tags & first.objects and not noun.mass]
    return (verb, draw.pick(both)) if both else later_verb(draw)


def earlier(draw: Draw, verb: Verb, noun: Noun, head: NounPhrase, subject: NounPhrase) -> Phrase:
    """The relative clause of what was done to the thing before."""
    before = [first for first, later in SEQUELS.items() if verb.en in later]
    return relative_object(draw, noun, head, subject, before)


@construction(5, "?")
def where_is_what(draw: Draw) -> Phrase:
    """Where is the key that you found?"""
    noun = draw.pick(nouns(["portable", "wear", "pet"]))
    head = draw.thing(noun, "the", adjective=0.2)
    thing = head.followed_by(relative_object(draw, noun, head))
    is_, est = ("are", "sont") if head.plural else ("is", "est")
    return joined(Phrase(f"where {is_}", f"où {est}", (frozenset({"main", "question", "present"}),)), thing)


@construction(4, "?")
def do_you_know_who(draw: Draw) -> Phrase:
    """Do you know the man who is waiting at the station?"""
    head = draw.thing(draw.pick(nouns(["person"])), "the", adjective=0.2)
    who = head.followed_by(relative_subject(draw, head))
    return Clause(YOU, verb_named("know"), object=who).asked(Phrase("", ""))
