"""Constructions of clauses side by side, of a clause in another, and of an infinitive with its preposition."""

from dataclasses import replace

from . import english
from .clauses import BE, Clause
from .draw import Draw
from .events import INTRANSITIVE, TRANSITIVE, choose_tense, event, listed, verb_named
from .lexicon import LISTS, PLACES, Verb, listed_adjectives, nouns, verbs
from .phrases import PRONOUNS, Phrase, joined, prefixed
from .predicates import MUST, STATES, being, coreferent, it_or_them, quality
from .registry import construction
from .relatives import SEQUELS

_AND, _BUT, _THAT = Phrase("and", "et"), Phrase("but", "mais"), Phrase("that", "que")
_HOPE = Verb("hope", "espérer")
_OPINIONS = [Verb("think", "penser"), Verb("say", "dire"), Verb("know", "savoir")]


def opinion(draw: Draw) -> Phrase:
    """I think that, he says that."""
    verb = draw.pick(_OPINIONS)
    subject = draw.third_person() if verb.en == "say" else draw.somebody()
    return Clause(subject, verb).say().then(_THAT)


@construction(8)
def saying_that(draw: Draw) -> Phrase:
    """He says that she sold the car; we know that you are tired."""
    said = opinion(draw)
    if draw.chance(0.25):
        subject = draw.somebody()
        return said.then(being(draw, subject, quality(subject, draw.pick(STATES)), role="that").say())
    return said.then(event(draw, "past", "progressive", "future", "going to", role="that", negation=0.15).say())


@construction(3)
def hoping_that(draw: Draw) -> Phrase:
    """I hope that you will come."""
    hopes = Clause(draw.somebody(), _HOPE).say()
    return joined(hopes, _THAT, event(draw, "future", role="that", negation=0.15).say())


@construction(8)
def not_knowing(draw: Draw) -> Phrase:
    """I don't know why she is crying; he doesn't know what we bought."""
    know = Clause(draw.somebody(), Verb("know", "savoir"), negation="not")
    asked = draw.random.choice([Phrase("why", "pourquoi"), Phrase("if", "si"), Phrase("when", "quand")])
    if draw.chance(0.25):
        asked = Phrase("what", "ce que")
        verb = draw.pick([verb for verb in TRANSITIVE if "it" in verb.flags and "state" not in verb.flags])
        tense = choose_tense(draw, verb, "past", "progressive", "future", "going to")
        clause = Clause(draw.somebody(), verb, tense, role="indirect")
    else:
        tenses = ("future", "going to") if asked.en == "when" else ("progressive", "past", "going to")
        clause = event(draw, *tenses, role="indirect", negation=0.2 if asked.en == "why" else 0, time=0)
    return not_knowing(draw) if clause.subject.en == know.subject.en else joined(know.say(), asked, clause.say())


@construction(8)
def two_actions(draw: Draw) -> Phrase:
    """My sister is reading and my brother is sleeping."""
    tense = draw.one("past", "progressive", "future", "going to", "imperfect")
    conjunction = draw.random.choice([_AND, _BUT])
    one = event(draw, tense, negation=0, time=0.2)
    two = event(draw, tense, negation=0.8 if conjunction is _BUT else 0, time=0)
    if one.verb == two.verb or one.subject.en == two.subject.en:
        return two_actions(draw)
    return joined(one.say(), conjunction, two.say())


@construction(7)
def and_yet(draw: Draw) -> Phrase:
    """He is tired but he must work."""
    subject = draw.somebody()
    state = Clause(subject, BE, rest=(quality(subject, draw.pick(listed_adjectives("and yet"))),))
    if draw.chance(0.4):
        duty = event(draw, "going to", subject=coreferent(subject), negation=0, time=0.3)
        return joined(state.say(), _BUT, replace(duty, tense="present", modal=MUST).say())
    acts = event(draw, "progressive", "going to", subject=coreferent(subject), negation=0, time=0.3)
    return joined(state.say(), _BUT, acts.say())


@construction(14)
def and_then_it(draw: Draw) -> Phrase:
    """I bought a car and I sold it, je l'ai vendue."""
    first = verb_named(draw.one(*SEQUELS))
    second = verb_named(draw.one(*SEQUELS[first.en]))
    tense = draw.one("past", "past", "future", "going to")
    shared = [noun for noun in nouns(first.objects) if noun.tags & second.objects and "person" not in noun.tags]
    if not shared or (tense == "going to" and "accident" in first.flags | second.flags):
        return and_then_it(draw)
    noun = draw.pick(shared)
    one_of_it = replace(first, objects=frozenset({noun.en}), flags=first.flags - {"many"})
    subject = draw.somebody()
    thing = draw.object(one_of_it, subject)
    actor = coreferent(subject)
    if draw.chance(0.35):
        actor = draw.pick([who for who in PRONOUNS if who.en != actor.en])
    negative = "not" if draw.chance(0.2) else ""
    link = _BUT if negative or actor.en != coreferent(subject).en else _AND
    then = Clause(actor, second, tense, negation=negative, clitics=(it_or_them(thing),)).say()
    then = replace(then, pairs=then.pairs | {(second.en, noun.en)})
    return joined(Clause(subject, first, tense, object=thing).say(), link, then)


@construction(8)
def where_is_it(draw: Draw) -> Phrase:
    """Where are the keys? I gave them to Anna."""
    give = draw.pick([verb for verb in verbs("to") if verb.en != "tell"])
    movable = frozenset({"portable", "wear", "owned", "written"})
    noun = draw.pick([noun for noun in nouns(give.objects) if not noun.mass and noun.tags & movable])
    thing = draw.thing(noun, "the", "my", "your", "his", adjective=0.2)
    are, sont = ("are", "sont") if thing.plural else ("is", "est")
    question = Phrase(f"where {are}", f"où {sont}", (frozenset({"main", "question", "present"}),)).then(thing)
    fates = [verb for verb in listed("answer where") if verb.objects & noun.tags]
    if fates and draw.chance(0.4):
        verb = draw.pick(fates)
        rest = draw.time("past", verb)
    else:
        verb, rest = give, prefixed("to", "à", draw.third_person())
    answer = Clause(draw.pick(PRONOUNS), verb, "past", clitics=(it_or_them(thing),), rest=(rest,)).say()
    question = replace(question, en=f"{question.en}?", fr=f"{question.fr} ?")
    return question.then(replace(answer, pairs=answer.pairs | {(verb.en, noun.en)}))


_REACHED = [place for place in PLACES if place.to[0] and "home" not in place.tags]
_PURPOSES = [
    verb
    for verb in (*TRANSITIVE, *INTRANSITIVE)
    if not verb.flags & {"move", "state", "plain"} and verb.en not in LISTS["no purpose"]
]


@construction(8)
def in_order_to(draw: Draw) -> Phrase:
    """He went to the market to buy bread."""
    where = draw.pick(_REACHED)
    fitting = [verb for verb in _PURPOSES if verb.places & where.tags]
    if not fitting:
        return in_order_to(draw)
    go = verb_named("go")
    main = Clause(draw.somebody(), go, choose_tense(draw, go, "past", "future", "going to"), rest=(Phrase(*where.to),))
    purpose = event(draw, "future", subject=main.subject, verb=draw.pick(fitting), negation=0, time=0)
    infinitive = replace(purpose, rest=()).nonfinite(lambda lemma: f"to {lemma}")
    return joined(main.say(), Phrase("", "pour"), infinitive)


@construction(4)
def before_doing(draw: Draw) -> Phrase:
    """We will eat before leaving."""
    main = event(draw, "past", "future", "going to", negation=0, time=0)
    other = event(draw, "future", subject=main.subject, verb=draw.pick(listed("before")), negation=0, time=0)
    if main.verb == other.verb:
        return before_doing(draw)
    return joined(main.say(), Phrase("before", "avant de"), replace(other, rest=()).nonfinite(english.ing))


@construction(4)
def without_doing(draw: Draw) -> Phrase:
    """She left without closing the door."""
    main = event(draw, "past", "future", "going to", verb=draw.pick(listed("goes without")), negation=0, time=0)
    verb = draw.pick(listed("without"))
    several = replace(verb, flags=verb.flags - {"many"})
    other = event(draw, "future", subject=main.subject, verb=several, negation=0, time=0)
    doing = replace(other, rest=()).nonfinite(english.ing, negated=True)
    return joined(main.say(), Phrase("without", "sans"), doing)
