"""Constructions of one clause with a pronoun before the French verb, or with a receiver."""

from dataclasses import replace

from . import numbers
from .clauses import DATIVE, DIRECT, OF_THEM, THERE, Clause, Clitic
from .draw import Draw
from .events import choose_tense, listed
from .lexicon import Verb, verbs
from .phrases import NounPhrase, Phrase, prefixed
from .predicates import CAN, MUST, WANT
from .registry import construction


@construction(14)
def object_pronoun(draw: Draw) -> Phrase:
    """I see her; she didn't help us."""
    return pronoun_clause(draw).say()


def pronoun_clause(draw: Draw, *tenses: str, negation: float = 0.3) -> Clause:
    """A clause about somebody, with a pronoun for whom."""
    subject = draw.somebody()
    verb = draw.pick(verbs("him"))
    tense = choose_tense(draw, verb, *(tenses or ("present", "progressive", "past", "future", "going to", "imperfect")))
    clitic = draw.pick([clitic for clitic in DIRECT if _apart(subject, clitic)])
    negative = "not" if draw.chance(negation) else ""
    timed = "state" not in verb.flags and (tense == "present" or draw.chance(0.5))
    rest = (draw.time(tense, verb, negative),) if timed else ()
    return Clause(subject, verb, tense, negation=negative, clitics=(clitic,), rest=rest)


def _apart(subject: NounPhrase, clitic: Clitic) -> bool:
    """No "I see me", and no "we see me"."""
    same = {1: ("me", "us"), 2: ("you",)}.get(subject.person, ())
    return clitic.en not in same


@construction(10)
def pronoun_receiver(draw: Draw) -> Phrase:
    """She gives me a book."""
    return giving(draw, pronoun=True).say()


@construction(8)
def noun_receiver(draw: Draw) -> Phrase:
    """She gives a book to her brother."""
    return giving(draw, pronoun=False).say()


def giving(draw: Draw, *, pronoun: bool) -> Clause:
    """Somebody gives, sends or tells somebody something."""
    subject = draw.somebody()
    verb = draw.pick([*verbs("to"), *verbs("explain")])
    tense = choose_tense(draw, verb, "past", "future", "going to")
    negative = "not" if draw.chance(0.2) else ""
    thing = draw.object(verb, subject, tense, negative)
    rest = (draw.time(tense, verb, negative),) if draw.chance(0.3) else ()
    if pronoun:
        clitic = draw.pick([clitic for clitic in DATIVE if _apart(subject, clitic)])
        return Clause(subject, verb, tense, negation=negative, object=thing, clitics=(clitic,), rest=rest)
    receiver = draw.third_person()
    if receiver.en == subject.en:
        return giving(draw, pronoun=False)
    to = prefixed("to", "à", receiver)
    return Clause(subject, verb, tense, negation=negative, object=thing, rest=(to, *rest))


@construction(4)
def talking_to(draw: Draw) -> Phrase:
    """He talks to her every day, il lui parle."""
    subject = draw.somebody()
    verb = draw.pick([Verb("talk", "parler"), Verb("write", "écrire")])
    tense = draw.weighted({"present": 2, "progressive": 2, "past": 3, "future": 2, "going to": 2})
    clitic = draw.pick([clitic for clitic in DATIVE if _apart(subject, clitic)])
    negative = "not" if draw.chance(0.25) else ""
    return Clause(
        subject, verb, tense, negation=negative, clitics=(clitic,), rest=(draw.time(tense, verb, negative),)
    ).say()


@construction(3)
def answering(draw: Draw) -> Phrase:
    """She answers them, elle leur répond: English has no "to"."""
    subject = draw.somebody()
    clitic = draw.pick([clitic for clitic in DATIVE if _apart(subject, clitic)])
    tense = draw.weighted({"progressive": 2, "past": 3, "future": 2, "going to": 2})
    person = replace(clitic, kind="person")
    answer = Verb("answer", "répondre")
    return Clause(subject, answer, tense, negation=draw.one("", "", "not"), clitics=(person,)).say()


@construction(4)
def going_there(draw: Draw) -> Phrase:
    """We go there every summer, nous y allons."""
    verb = draw.pick(listed("there"))
    negative = "not" if draw.chance(0.2) else ""
    # no "j'y irai": French leaves the y out
    tense = choose_tense(draw, verb, "present", "past", *(() if verb.en == "go" else ("future",)))
    rest = () if "state" in verb.flags else (draw.time(tense, verb, negative),)
    return Clause(draw.somebody(), verb, tense, negation=negative, clitics=(THERE,), rest=rest).say()


@construction(4)
def some_of_them(draw: Draw) -> Phrase:
    """I bought three of them, j'en ai acheté trois."""
    count = draw.random.randint(2, 12)
    verb = draw.pick(listed("of them"))
    tense = choose_tense(draw, verb, "past", "future", "going to")
    three = NounPhrase(f"{numbers.english(count)} of them", numbers.french(count), plural=True)
    time = draw.time(tense, verb)
    return Clause(draw.somebody(), verb, tense, object=three, clitics=(OF_THEM,), rest=(time,)).say()


@construction(6)
def pronoun_after_modal(draw: Draw) -> Phrase:
    """I want to see her."""
    subject = draw.somebody()
    verb = draw.pick([verb for verb in verbs("him") if "state" not in verb.flags])
    clitic = draw.pick([clitic for clitic in DIRECT if _apart(subject, clitic)])
    modal = draw.pick([WANT, CAN, MUST])
    negative = "not" if modal != MUST and draw.chance(0.3) else ""
    rest = (draw.time("future", verb, negative),) if draw.chance(0.4) else ()
    return Clause(subject, verb, "present", modal, negative, clitics=(clitic,), rest=rest).say()
