"""Constructions of one clause that tell what somebody does."""

from dataclasses import replace

from . import english, french, numbers
from .clauses import BE, DIRECT, Clause
from .draw import Draw, phrase
from .events import TRANSITIVE, choose_tense, event, listed
from .lexicon import FIXED, LISTS, VERBS, Fixed, Verb, nouns, verbs
from .phrases import NounPhrase, Phrase, noun_phrase, prefixed
from .predicates import WOULD_LIKE, modal_event, spot
from .registry import construction

_HOURS = numbers.hours()
_DATES = numbers.dates()
_ANYTHING = NounPhrase("anything", "rien")
_ANYONE = NounPhrase("anyone", "personne")
_UNITS = {"hours": "heures", "months": "mois", "years": "ans"}


@construction(30)
def action(draw: Draw) -> Phrase:
    """She washed the car yesterday."""
    return event(draw, transitive=True).say()


@construction(12)
def movement(draw: Draw) -> Phrase:
    """They are swimming in the lake."""
    return event(draw, transitive=False).say()


@construction(5)
def action_at_an_hour(draw: Draw) -> Phrase:
    """He got up at half past six."""
    verb = draw.pick(listed("at an hour"))
    tense = choose_tense(draw, verb, "present", "past", "future", "going to")
    negative = "not" if draw.chance(0.1) else ""
    at = prefixed("at", "à", phrase(draw.pick(_HOURS)))
    rest = (at,) if draw.chance(0.6) else (at, draw.time(tense, verb, at_hour=True))
    return Clause(draw.somebody(), verb, tense, negation=negative, rest=rest).say()


@construction(2)
def action_on_a_date(draw: Draw) -> Phrase:
    """We will leave on the third of May."""
    verb = draw.pick(listed("on a date"))
    tense = choose_tense(draw, verb, "past", "future", "going to")
    where = [draw.place_for(verb)] if verb.places else []
    on = prefixed("on", "", phrase(draw.pick(_DATES)))
    return Clause(draw.somebody(), verb, tense, rest=(*where, on)).say()


@construction(2)
def hour(draw: Draw) -> Phrase:
    """It is a quarter to nine."""
    clock = phrase(draw.pick(_HOURS))
    return Clause(NounPhrase("it", "il"), BE, draw.one("present", "imperfect"), rest=(clock,)).say()


@construction(8)
def often_or_always(draw: Draw) -> Phrase:
    """He often listens to the singer."""
    clause = event(
        draw,
        "present",
        verb=draw.pick([verb for verb in verbs("habit") if verb.en not in LISTS["goes without saying"]]),
        negation=0,
        time=0,
    )
    return replace(clause, adverb=draw.pick(FIXED["how often"])).say()


@construction(8)
def already_or_not_yet(draw: Draw) -> Phrase:
    """She has already read the book; he hasn't arrived yet; they have never seen the sea."""
    clause = replace(event(draw, "past", negation=0, time=0), tense="perfect")
    if clause.object:
        definite = replace(clause.verb, flags=frozenset({"definite"}))
        clause = replace(clause, object=draw.object(definite, clause.subject))
    kind = draw.one("already", "not yet", "never")
    if kind == "already":
        return replace(clause, adverb=Fixed("already", "déjà")).say()
    if kind == "never" and clause.verb.en not in LISTS["not never"]:
        return replace(clause, negation="never").say()
    return replace(clause, negation="not yet", rest=()).say()


@construction(6)
def has_just_done(draw: Draw) -> Phrase:
    """I have just eaten, je viens de manger."""
    clause = event(draw, "past", negation=0, time=0)
    subject = clause.subject
    if clause.verb.en in LISTS["not a moment ago"]:
        return has_just_done(draw)
    just = Phrase(
        f"{subject.en} {'has' if subject.slot == 2 else 'have'} just",
        f"{subject.fr} {french.present('venir')[subject.slot]} de",
        (frozenset({"main", "just"}),),
    )
    return just.then(clause.nonfinite(english.participle))


@construction(6)
def for_some_time(draw: Draw) -> Phrase:
    """They have lived in Spain for ten years: depuis, with the présent."""
    shorter = draw.chance(0.5)
    verb = draw.pick(listed("for hours" if shorter else "for years"))
    unit = "hours" if shorter else draw.one("months", "years")
    count = draw.random.randint(2, 5 if shorter else 12)
    duration = Phrase(f"for {numbers.english(count)} {unit}", f"depuis {numbers.french(count)} {_UNITS[unit]}")
    if shorter and draw.chance(0.4):
        duration = Phrase("since this morning", "depuis ce matin")
    return Clause(draw.somebody(), verb, "since", rest=(draw.place_for(verb), duration)).say()


@construction(14)
def wish_or_duty(draw: Draw) -> Phrase:
    """He wants to eat an apple; we must leave."""
    return modal_event(draw).say()


@construction(6)
def would_like(draw: Draw) -> Phrase:
    """I would like an orange; she would like to leave."""
    if draw.chance(0.5):
        noun = draw.pick(nouns(["food", "drink", "wear", "owned", "machine", "portable"]))
        thing = draw.thing(noun, "a", many=True, adjective=0.4)
        return Clause(draw.somebody(), Verb("like", "vouloir"), "would", object=thing).say()
    clause = event(draw, "going to", negation=0, time=0.3)
    if clause.verb.en in LISTS["goes without saying"]:
        return would_like(draw)
    return replace(clause, tense="would", modal=WOULD_LIKE).say()


@construction(3)
def nobody_does(draw: Draw) -> Phrase:
    """Nobody laughed, personne n'a ri."""
    clause = event(draw, "past", "future", subject=NounPhrase("nobody", "personne"), negation=0)
    return nobody_does(draw) if clause.object and clause.object.negated else clause.say()


@construction(5)
def nothing_or_nobody(draw: Draw) -> Phrase:
    """He didn't hear anything; we didn't see anyone."""
    people = draw.chance(0.5)
    persons, things = verbs("him"), [verb for verb in TRANSITIVE if "it" in verb.flags and "him" not in verb.flags]
    verb = draw.pick([verb for verb in (persons if people else things) if "state" not in verb.flags])
    tense = choose_tense(draw, verb, "past", "future")
    rest = (draw.time(tense, verb, "not"),) if draw.chance(0.5) else ()
    nothing = _ANYONE if people else _ANYTHING
    return Clause(draw.somebody(), verb, tense, negation="not", object=nothing, rest=rest).say()


@construction(5)
def playing(draw: Draw) -> Phrase:
    """He plays football, il joue au football; she plays the piano, elle joue du piano."""
    if draw.chance(0.55):
        sport = draw.pick(FIXED["sport"])
        what = Phrase(sport.en, f"à {sport.fr}")
    else:
        instrument = noun_phrase(draw.pick(nouns(["instrument"])), "the")
        what = Phrase(instrument.en, f"de {instrument.fr}")
    verb = Verb("play", "jouer", flags=frozenset({"habit"}))
    tense = choose_tense(draw, verb)
    negative = "not" if tense != "used to" and draw.chance(0.2) else ""
    timed = tense in ("present", "used to") or draw.chance(0.5)
    rest = (what, draw.time(tense, verb, negative)) if timed else (what,)
    return Clause(draw.somebody(), verb, tense, negation=negative, rest=rest).say()


@construction(5)
def animals(draw: Draw) -> Phrase:
    """Our grey cat is sleeping under the bed."""
    noun = draw.pick(nouns(["pet", "livestock"]))
    subject = draw.thing(noun, "the", "the", "my", "our", adjective=0.4)
    verb = draw.pick([verb for verb in VERBS if verb.en in LISTS["animals do"]])
    clause = Clause(subject, verb, choose_tense(draw, verb, "progressive", "past", "imperfect", "future"))
    clause = replace(clause, negation=draw.one("", "", "", "not"))
    if verb.en == "follow":
        return replace(clause, clitics=(draw.pick(DIRECT),)).say()
    if verb.en == "come back":
        return clause.say()
    at_home = verb.en in ("sleep", "wait") and "pet" in noun.tags
    where = spot(draw, inside=False) if at_home else draw.place("streets", "nature")
    return replace(clause, rest=(where,)).say()
