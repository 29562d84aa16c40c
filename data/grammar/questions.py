"""Constructions that ask."""

from dataclasses import replace

from . import french
from .clauses import HAVE, Clause
from .draw import Draw, phrase
from .events import TRANSITIVE, choose_tense, event, listed, tenses_of
from .lexicon import ADJECTIVES, FIXED, VERBS, nouns, verbs
from .phrases import YOU, NounPhrase, Phrase, joined, noun_phrase
from .predicates import CAN, LIKE, PREFER, STATES, WANT, WOULD_LIKE, being, quality, spot
from .pronouns import giving, pronoun_clause
from .registry import construction
from .things import there_are

YES_OR_NO = Phrase("", "")
WHERE, WHEN, WHY = Phrase("where", "où"), Phrase("when", "quand"), Phrase("why", "pourquoi")
WHAT, HOW, AT_WHAT_TIME = Phrase("what", "que"), Phrase("how", "comment"), Phrase("at what time", "à quelle heure")
WHO = NounPhrase("who", "qui")


def asked_subject(draw: Draw) -> NounPhrase:
    """Whom one asks about: mostly you."""
    if draw.chance(0.35):
        return YOU
    subject = draw.somebody()
    return YOU if subject.en == "I" else subject


@construction(16, "?")
def yes_or_no(draw: Draw) -> Phrase:
    """Are you going to come?"""
    tenses = ("present", "progressive", "past", "future", "going to", "imperfect")
    return event(draw, *tenses, subject=asked_subject(draw), negation=0.08).asked(YES_OR_NO)


@construction(5, "?")
def is_it_so(draw: Draw) -> Phrase:
    """Is the hotel modern?"""
    subject = asked_subject(draw)
    if draw.chance(0.5):
        return being(draw, subject, quality(subject, draw.pick(STATES)), negation=0).asked(YES_OR_NO)
    adjective = draw.pick([adjective for adjective in ADJECTIVES if "state" not in adjective.tags])
    noun = draw.pick(nouns(adjective.tags))
    thing = draw.thing(noun, "the", "this", adjective=0)
    return being(draw, thing, quality(thing, adjective, noun), negation=0).asked(YES_OR_NO)


@construction(4, "?")
def do_you_like(draw: Draw) -> Phrase:
    """Do you like apples?"""
    subject = asked_subject(draw)
    verb = next(verb for verb in verbs("taste") if verb.en == "like")
    return Clause(subject, verb, object=draw.object(verb, subject)).asked(YES_OR_NO)


@construction(6, "?")
def do_you_have(draw: Draw) -> Phrase:
    """Do you have a pen?"""
    noun = draw.pick(
        nouns(["portable", "machine", "owned", "pet", "tool", "wear", "grocery", "dish", "money", "thought"])
    )
    thing = draw.thing(noun, "a", many=True, adjective=0.4)
    return Clause(asked_subject(draw), HAVE, draw.one("present", "present", "imperfect"), object=thing).asked(YES_OR_NO)


@construction(5, "?")
def is_there(draw: Draw) -> Phrase:
    """Is there a bank in this street?"""
    if draw.chance(0.5):
        noun = draw.pick(nouns(["portable", "tableware", "dish", "fruit"]))
        thing = draw.thing(noun, "a", adjective=0.3)
        where = draw.place("kitchens") if noun.mass else spot(draw)
    else:
        thing = noun_phrase(draw.pick(nouns(["public"])), "a")
        where = phrase(draw.pick(FIXED["neighbourhood"]))
    return there_are(thing, where).asked(YES_OR_NO)


@construction(10, "?")
def what_is_done(draw: Draw) -> Phrase:
    """What are you reading?"""
    verb = draw.pick([verb for verb in TRANSITIVE if "it" in verb.flags])
    subject = asked_subject(draw)
    tense = choose_tense(draw, verb, "present", "progressive", "past", "future", "going to", "imperfect")
    rest = []
    if verb.places and draw.chance(0.4):
        rest.append(draw.place_for(verb))
    if tense == "present" or draw.chance(0.5):
        rest.append(draw.time(tense, verb))
    return Clause(subject, verb, tense, rest=tuple(rest)).asked(WHAT)


@construction(7, "?")
def where_is_it_done(draw: Draw) -> Phrase:
    """Where did you lose your key?"""
    somewhere = [verb for verb in VERBS if verb.places and not verb.flags & {"self", "move"}] + listed("done somewhere")
    tenses = ("progressive", "past", "future", "going to")
    verb = draw.pick([verb for verb in somewhere if tenses_of(verb) & set(tenses)])
    clause = event(draw, *tenses, subject=asked_subject(draw), verb=verb, negation=0, time=0)
    time = (draw.time(clause.tense, verb),) if draw.chance(0.4) else ()
    return replace(clause, rest=time).asked(WHERE)


@construction(5, "?")
def when_is_it_done(draw: Draw) -> Phrase:
    """When will they leave?"""
    clause = event(draw, "past", "future", "going to", subject=asked_subject(draw), negation=0, time=0)
    return clause.asked(draw.pick([WHEN, AT_WHAT_TIME, WHEN]))


@construction(8, "?")
def why_is_it_done(draw: Draw) -> Phrase:
    """Why isn't he working?"""
    tenses = ("progressive", "past", "going to", "imperfect")
    return event(draw, *tenses, subject=asked_subject(draw), negation=0.3, time=0.3).asked(WHY)


@construction(3, "?")
def why_so(draw: Draw) -> Phrase:
    """Why are you sad?"""
    subject = asked_subject(draw)
    return being(draw, subject, quality(subject, draw.pick(STATES)), negation=0.2).asked(WHY)


@construction(4, "?")
def how_to_get_there(draw: Draw) -> Phrase:
    """How did she come to school?"""
    verb = draw.pick(verbs("move"))
    tense = choose_tense(draw, verb, "past", "future", "going to")
    return Clause(asked_subject(draw), verb, tense, rest=(draw.place_for(verb),)).asked(HOW)


@construction(6, "?")
def who_does_it(draw: Draw) -> Phrase:
    """Who broke the window?"""
    tenses = ("present", "progressive", "past", "future", "imperfect")
    return event(draw, *tenses, subject=WHO, negation=0.1).say()


@construction(5, "?")
def whom(draw: Draw) -> Phrase:
    """Who are you waiting for?"""
    verb = draw.pick([verb for verb in verbs("him") if "state" not in verb.flags])
    tense = choose_tense(draw, verb, "progressive", "past", "future", "going to")
    rest = (draw.time(tense, verb),) if draw.chance(0.5) else ()
    return Clause(asked_subject(draw), verb, tense, rest=rest).asked(Phrase("who", "qui"))


@construction(6, "?")
def how_many(draw: Draw) -> Phrase:
    """How many apples did you buy?"""
    verb = draw.pick([HAVE, *(verb for verb in TRANSITIVE if "many" in verb.flags and "him" not in verb.flags)])
    tags = verb.objects or {"portable", "machine", "owned", "pet", "wear"}
    noun = draw.pick([noun for noun in nouns(tags) if not noun.mass and "pair" not in noun.tags])
    counted = noun_phrase(noun, "", plural=True)
    question = Phrase(f"how many {counted.en}", f"combien de {counted.fr}", pairs=frozenset({(verb.en, noun.en)}))
    tense = "present" if verb is HAVE else choose_tense(draw, verb, "past", "future")
    rest = (draw.time(tense, verb),) if tense != "present" and draw.chance(0.4) else ()
    # the participle agrees: combien de pommes est-ce que tu as mangées
    return Clause(asked_subject(draw), verb, tense, rest=rest, antecedent=counted).asked(question)


@construction(6, "?")
def which(draw: Draw) -> Phrase:
    """Which dress did she choose?"""
    verb = draw.pick([verb for verb in TRANSITIVE if "it" in verb.flags and verb.en not in ("know", "drink")])
    noun = draw.pick([noun for noun in nouns(verb.objects) if not noun.mass])
    chosen = noun_phrase(noun, "", plural="pair" in noun.tags or draw.chance(0.2))
    quel = (
        french.agreeing("quel", False, chosen.plural)
        if not chosen.feminine
        else "quelles"
        if chosen.plural
        else "quelle"
    )
    question = Phrase(f"which {chosen.en}", f"{quel} {chosen.fr}", pairs=frozenset({(verb.en, noun.en)}))
    tense = choose_tense(draw, verb, "progressive", "past", "future", "going to")
    return Clause(asked_subject(draw), verb, tense, antecedent=chosen).asked(question)


@construction(5, "?")
def where_is(draw: Draw) -> Phrase:
    """Where is the key? où est la clé."""
    noun = draw.pick(nouns(["portable", "wear", "pet", "near", "tableware", "family", "machine", "tool"]))
    if "near" in noun.tags:
        thing = noun_phrase(noun, "the")
    elif "family" in noun.tags:
        thing = noun_phrase(noun, "your")
    else:
        thing = draw.thing(noun, "the", "my", "your", "his", "our", adjective=0.4)
    tense = draw.one("present", "present", "imperfect")
    en = {"present": ("is", "are"), "imperfect": ("was", "were")}[tense][thing.plural]
    fr = (french.present if tense == "present" else french.imperfect)("être")[thing.slot]
    return joined(Phrase(f"where {en}", f"où {fr}", (frozenset({"main", "question", tense}),)), thing)


@construction(8, "?")
def is_it_possible(draw: Draw) -> Phrase:
    """Can you open the window? Do you want to come?"""
    modal = draw.pick([CAN, WANT, LIKE])
    clause = event(draw, "going to", subject=asked_subject(draw), negation=0, time=0 if modal is LIKE else 0.3)
    if modal is LIKE and "habit" not in clause.verb.flags:
        return is_it_possible(draw)
    return replace(clause, tense="present", modal=modal).asked(YES_OR_NO)


@construction(5, "?")
def what_is_wanted(draw: Draw) -> Phrase:
    """What do you want to drink?"""
    modal = draw.pick([WANT, CAN, LIKE, PREFER, WOULD_LIKE])
    wanted = [verb for verb in TRANSITIVE if "it" in verb.flags and not verb.flags & {"state", "plain", "accident"}]
    verb = draw.pick([verb for verb in wanted if modal not in (LIKE, PREFER) or "habit" in verb.flags])
    rest = (draw.time("future", verb),) if modal in (WANT, CAN) and draw.chance(0.5) else ()
    tense = "would" if modal is WOULD_LIKE else "present"
    return Clause(asked_subject(draw), verb, tense, modal, rest=rest).asked(WHAT)


@construction(8, "?")
def pronoun_question(draw: Draw) -> Phrase:
    """Do you know her?"""
    clause = pronoun_clause(draw, "present", "progressive", "future", "going to", "past", negation=0)
    if clause.subject.person == 1:
        return pronoun_question(draw)
    return clause.asked(YES_OR_NO)


@construction(4, "?")
def receiver_question(draw: Draw) -> Phrase:
    """Can you give me the book? Will you write to her?"""
    clause = giving(draw, pronoun=True)
    if clause.subject.person == 1:
        return receiver_question(draw)
    if clause.tense == "past" or draw.chance(0.5):
        clause = replace(clause, tense="present", modal=CAN, rest=())
    return replace(clause, negation="").asked(YES_OR_NO)
