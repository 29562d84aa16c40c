"""Constructions with a reason, a time or a condition: parce que, quand, pendant que, si."""

from dataclasses import dataclass, replace

from .clauses import BE, HAVE, RAIN, Clause
from .draw import Draw, phrase
from .events import event, listed, verb_named
from .lexicon import FIXED, Adjective, Verb, listed_adjectives
from .phrases import NounPhrase, Phrase, joined, noun_phrase, prefixed
from .predicates import CAN, MUST, STATES, coreferent, feel, noun_named, quality
from .registry import construction
from .tables import padded, rows

_IT = NounPhrase("it", "il")
_FEELINGS = {feeling.en: feeling for feeling in FIXED["feeling"]}
_STATES = {adjective.en: adjective for adjective in STATES}


@dataclass(frozen=True)
class _Reason:
    """Why somebody does or doesn't do something."""

    name: str
    verb: Verb
    negation: float


def _reasons() -> list[_Reason]:
    reasons = []
    for row in rows("reasons.txt"):
        name, does, does_not = padded(row, 3)
        for negation, names in ((0.0, does), (1.0, does_not)):
            reasons += [_Reason(name, verb_named(verb), negation) for verb in names.split(", ") if verb]
    return reasons


REASONS = _reasons()
_MEANS = [(name, verb_named(verb)) for name, does in rows("means.txt") for verb in does.split(", ")]


def linked(draw: Draw, main: Phrase, en: str, fr: str, other: Phrase, *, first: float = 0.4) -> Phrase:
    """Two clauses with a conjunction; sometimes the subordinate one comes first, with a comma."""
    subordinate = prefixed(en, fr, other)
    if draw.chance(first):
        return joined(replace(subordinate, en=f"{subordinate.en},", fr=f"{subordinate.fr},"), main)
    return main.then(subordinate)


def given_reason(draw: Draw, name: str, subject: NounPhrase, tense: str) -> Clause:
    """The clause after "because": the subject is tired, has to work, it is raining."""
    if name == "rain":
        return Clause(_IT, RAIN, "progressive" if tense == "present" else tense, role="because")
    if name == "must":
        work = event(draw, "going to", subject=subject, negation=0, time=0)
        return replace(work, tense=tense, modal=MUST, role="because")
    if name in _FEELINGS:
        return feel(subject, _FEELINGS[name], tense, role="because")
    return Clause(subject, BE, tense, rest=(quality(subject, _STATES[name]),), role="because")


def because(draw: Draw) -> Phrase:
    """She isn't working because she is ill."""
    reason = draw.random.choice(REASONS)
    subject = draw.somebody()
    past = draw.chance(0.35)
    tenses = ("past",) if past else ("progressive", "going to")
    main = event(draw, *tenses, subject=subject, verb=reason.verb, negation=reason.negation, time=0.2).say()
    why = given_reason(draw, reason.name, coreferent(subject), "imperfect" if past else "present").say()
    return joined(main, Phrase("because", "parce que"), why)


@construction(14)
def for_a_reason(draw: Draw) -> Phrase:
    """She isn't working because she is ill."""
    return because(draw)


@construction(5)
def feeling_about_the_past(draw: Draw) -> Phrase:
    """He is sad because he lost his dog."""
    subject = draw.somebody()
    mood, verbs = draw.random.choice([("glad", "gladdened"), ("sorry", "grieved")])
    event_ = event(draw, "past", subject=coreferent(subject), verb=draw.pick(listed(verbs)), negation=0, time=0.3)
    return _feeling(draw, subject, mood, replace(event_, role="because"))


@construction(4)
def glad_about_the_future(draw: Draw) -> Phrase:
    """She is happy because she is going to visit the museum."""
    subject = draw.somebody()
    verb = draw.pick(listed("gladdens"))
    clause = event(draw, "going to", "future", subject=coreferent(subject), verb=verb, negation=0, time=0.6)
    return _feeling(draw, subject, "glad", replace(clause, role="because"))


@construction(4)
def sorry_about_the_present(draw: Draw) -> Phrase:
    """He is angry because he can't find his key."""
    subject = draw.somebody()
    verb = draw.pick(listed("grieves"))
    known = replace(verb, flags=verb.flags | {"definite"})
    clause = event(draw, "future", subject=coreferent(subject), verb=known, negation=0, time=0, role="because")
    return _feeling(draw, subject, "sorry", replace(clause, tense="present", modal=CAN, negation="not"))


def _feeling(draw: Draw, subject: NounPhrase, mood: str, because_of: Clause) -> Phrase:
    feels = Clause(subject, BE, "present", rest=(quality(subject, draw.pick(listed_adjectives(mood))),))
    return joined(feels.say(), Phrase("because", "parce que"), because_of.say())


def something_happened(draw: Draw, meanwhile: NounPhrase) -> Phrase:
    """When somebody arrived: somebody other than the one who was doing something meanwhile."""
    subject = draw.somebody()
    if coreferent(subject).en == coreferent(meanwhile).en:
        return something_happened(draw, meanwhile)
    verb = draw.pick(listed("interrupts"))
    return event(draw, "past", subject=subject, verb=verb, negation=0, time=0, role="when").say()


@construction(10)
def when_it_happened(draw: Draw) -> Phrase:
    """She was sleeping when I arrived."""
    main = event(draw, "imperfect", negation=0.1, time=0)
    return linked(draw, main.say(), "when", "quand", something_happened(draw, main.subject))


@construction(8)
def when_it_happens(draw: Draw) -> Phrase:
    """When he arrives, we will eat: quand il arrivera, with the futur in both clauses."""
    when = event(draw, "future", verb=draw.pick(listed("awaited")), negation=0, time=0, role="when")
    main = event(draw, "future", negation=0.15, time=0)
    if main.verb == when.verb or main.subject.en == when.subject.en:
        return when_it_happens(draw)
    return linked(draw, main.say(), "when", "quand", replace(when, tense="when future").say(), first=0.6)


@construction(4)
def when_young(draw: Draw) -> Phrase:
    """When I was a child, I used to play in the garden every day."""
    subject = draw.somebody()
    stranger = subject.heads and "family" not in noun_named(subject.heads[0]).tags
    if subject.plural or stranger:
        return when_young(draw)
    young = Clause(subject, BE, "imperfect", rest=(phrase(draw.pick(FIXED["youth"])),), role="when")
    verb = draw.pick(listed("childish"))
    main = event(draw, "used to", subject=coreferent(subject), verb=verb, negation=0, time=1)
    return linked(draw, main.say(), "when", "quand", young.say(), first=1)


@construction(7)
def while_it_lasted(draw: Draw) -> Phrase:
    """He was working while I was sleeping."""
    one = event(draw, "imperfect", negation=0, time=0)
    two = event(draw, "imperfect", negation=0, time=0, role="while")
    if one.subject.en == two.subject.en or one.verb == two.verb:
        return while_it_lasted(draw)
    return linked(draw, one.say(), "while", "pendant que", two.say(), first=0.3)


@construction(2)
def if_it_rains(draw: Draw) -> Phrase:
    """If it rains tomorrow, we will stay at home."""
    rains = Clause(_IT, RAIN, "present", rest=(phrase(draw.pick(FIXED["when it may rain"])),), role="if")
    main = event(draw, "future", verb=draw.pick(listed("in rain")), negation=0, time=0)
    return linked(draw, main.say(), "if", "si", rains.say(), first=0.7)


@construction(7)
def if_it_happens(draw: Draw) -> Phrase:
    """If you come, she will cook; if he doesn't win, he will be sad."""
    condition = event(draw, "future", verb=draw.pick(listed("possible")), negation=0.25, time=0, role="if")
    subject = draw.somebody()
    if draw.chance(0.4):
        state = quality(subject, draw.pick(listed_adjectives("then")))
        main = Clause(subject, BE, "future", rest=(state,))
    else:
        main = event(draw, "future", subject=subject, negation=0.25, time=0)
    if main.verb == condition.verb or subject.en == condition.subject.en:
        return if_it_happens(draw)
    return linked(draw, main.say(), "if", "si", replace(condition, tense="present").say(), first=0.7)


@construction(4)
def if_one_had(draw: Draw) -> Phrase:
    """If I had a car, I would travel in Italy."""
    subject = draw.somebody()
    name, verb = draw.random.choice(_MEANS)
    thing = noun_phrase(noun_named(name), "a", adjectives=draw.adjectives(noun_named(name), 0.4))
    return _would(draw, Clause(subject, HAVE, "unreal", object=thing, role="if"), verb)


@construction(3)
def if_one_were(draw: Draw) -> Phrase:
    """If he were tired, he would sleep; if she weren't ill, she would come."""
    subject = draw.somebody()
    reason = draw.random.choice([reason for reason in REASONS if reason.name in _STATES])
    # What the tired don't do, those would do who aren't tired.
    negative = "not" if reason.negation else ""
    state: Adjective = _STATES[reason.name]
    were = Clause(subject, BE, "unreal", negation=negative, rest=(quality(subject, state),), role="if")
    return _would(draw, were, reason.verb)


def _would(draw: Draw, condition: Clause, verb: Verb) -> Phrase:
    main = event(draw, "future", subject=coreferent(condition.subject), verb=verb, negation=0, time=0)
    return linked(draw, replace(main, tense="would").say(), "if", "si", condition.say(), first=0.9)
