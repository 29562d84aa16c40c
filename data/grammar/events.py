"""Somebody does something somewhere at some time: the clauses that most sentences are made of."""

from .clauses import Clause
from .draw import Draw
from .lexicon import LISTS, VERBS, Verb
from .phrases import NounPhrase, Phrase

_TENSES = {
    "present": 14,
    "progressive": 16,
    "past": 30,
    "future": 13,
    "going to": 13,
    "imperfect": 8,
    "used to": 6,
}
_ACTIONS = [verb for verb in VERBS if not verb.flags & {"to", "explain", "taste"}]
TRANSITIVE = [verb for verb in _ACTIONS if verb.objects]
INTRANSITIVE = [verb for verb in _ACTIONS if not verb.objects]


_NAMED = {verb.en: verb for verb in reversed([*TRANSITIVE, *INTRANSITIVE])}


def verb_named(name: str) -> Verb:
    """The verb with this English name; of two with the same, the one with an object."""
    return _NAMED[name]


def listed(name: str) -> list[Verb]:
    """The verbs of a list."""
    return [verb_named(verb) for verb in LISTS[name]]


def tenses_of(verb: Verb) -> set[str]:
    """The tenses in which a sentence with the verb makes sense."""
    if "state" in verb.flags:
        return {"present"}
    if "accident" in verb.flags:
        return {"past", "future"}
    tenses = {"past", "future", "going to"}
    if "habit" in verb.flags:
        tenses |= {"present", "used to"}
    if not verb.flags & {"quick", "plain"}:
        tenses |= {"progressive", "imperfect"}
    return tenses


def choose_tense(draw: Draw, verb: Verb, *allowed: str) -> str:
    """One of the verb's tenses, among the allowed ones if any are named."""
    possible = tenses_of(verb)
    return draw.weighted({t: weight for t, weight in _TENSES.items() if t in possible and t in (allowed or _TENSES)})


def choose_verb(draw: Draw, *allowed: str, transitive: bool | None = None) -> Verb:
    """A verb that has one of the allowed tenses."""
    if transitive is None:
        transitive = draw.chance(0.65)
    pool = TRANSITIVE if transitive else INTRANSITIVE
    return draw.pick([verb for verb in pool if not allowed or tenses_of(verb) & set(allowed)])


def choose_negation(draw: Draw, tense: str, probability: float) -> str:
    """Usually none; "never" and "no longer" in the present only."""
    if tense == "used to" or not draw.chance(probability):
        return ""
    return draw.one("not", "not", "never", "no longer") if tense == "present" else "not"


def event(
    draw: Draw,
    *tenses: str,
    subject: NounPhrase | None = None,
    verb: Verb | None = None,
    role: str = "main",
    negation: float = 0.2,
    time: float = 0.5,
    transitive: bool | None = None,
) -> Clause:
    """A clause about an action, in one of the tenses if any are named.

    `negation` and `time` are the probabilities of a negation and of a time.
    """
    subject = subject or draw.somebody()
    verb = verb or choose_verb(draw, *tenses, transitive=transitive)
    tense = choose_tense(draw, verb, *tenses)
    if "state" in verb.flags and not tenses and draw.chance(0.3):
        tense = "imperfect"
    negative = choose_negation(draw, tense, negation)
    rest: list[Phrase] = []
    thing = draw.object(verb, subject, tense, negative) if verb.objects else None
    if verb.places and (verb.flags & {"move", "place"} or draw.chance(0.3 if thing else 0.6)):
        rest.append(draw.place_for(verb))
    timeless = negative in ("never", "no longer") or "state" in verb.flags
    # A habit needs its time: "he eats an egg every day".
    if not timeless and draw.chance(1.0 if tense in ("present", "used to") and time else time):
        rest.append(draw.time(tense, verb, negative))
    return Clause(subject, verb, tense, negation=negative, object=thing, rest=tuple(rest), role=role)
