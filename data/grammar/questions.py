"""Constructions that ask or order."""

from dataclasses import replace

from . import french
from .clauses import DATIVE, DIRECT, HAVE, Clause
from .draw import Draw, phrase
from .events import INTRANSITIVE, TRANSITIVE, choose_tense, event
from .lexicon import ADJECTIVES, Fixed, Verb, nouns, verbs
from .phrases import PRONOUNS, YOU, NounPhrase, Phrase, joined, noun_phrase
from .registry import construction
from .statements import (
    CAN,
    MODALS,
    STATES,
    WOULD_LIKE,
    being,
    giving,
    modal_event,
    pronoun_clause,
    quality,
    spot,
    there_are,
)

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
    return event(
        draw,
        "present",
        "progressive",
        "past",
        "future",
        "going to",
        "imperfect",
        subject=asked_subject(draw),
        negation=0.08,
    ).asked(YES_OR_NO)


@construction(5, "?")
def is_it_so(draw: Draw) -> Phrase:
    subject = asked_subject(draw)
    if draw.chance(0.5):
        return being(draw, subject, quality(subject, draw.pick(STATES)), negation=0).asked(YES_OR_NO)
    adjective = draw.pick([adjective for adjective in ADJECTIVES if "state" not in adjective.tags])
    noun = draw.pick(nouns(adjective.tags))
    thing = draw.thing(noun, "the", "this", adjective=0)
    return being(draw, thing, quality(thing, adjective, noun), negation=0).asked(YES_OR_NO)


@construction(6, "?")
def do_you_have(draw: Draw) -> Phrase:
    noun = draw.pick(nouns(["portable", "machine", "owned", "pet", "tool", "wear", "grocery", "dish", "money", "idea"]))
    thing = draw.thing(noun, "a", many=True, adjective=0.4)
    return Clause(asked_subject(draw), HAVE, draw.one("present", "present", "imperfect"), object=thing).asked(YES_OR_NO)


@construction(5, "?")
def is_there(draw: Draw) -> Phrase:
    if draw.chance(0.5):
        noun = draw.pick(nouns(["portable", "tableware", "dish", "fruit"]))
        thing = draw.thing(noun, "a", adjective=0.3)
        where = draw.place("kitchens") if noun.mass else spot(draw)
    else:
        thing = noun_phrase(draw.pick(nouns(["public"])), "a")
        where = draw.pick(
            [
                _place("in this street", "dans cette rue"),
                _place("near the station", "près de la gare"),
                _place("in this village", "dans ce village"),
                _place("near here", "près de ici"),
            ]
        )
    return there_are(thing, where).asked(YES_OR_NO)


def _place(en: str, fr: str) -> Phrase:
    return Phrase(en, fr)


@construction(10, "?")
def what_is_done(draw: Draw) -> Phrase:
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
    clause = event(draw, "progressive", "past", "future", "going to", subject=asked_subject(draw), negation=0, time=0.4)
    placed = clause.verb.places or clause.verb.en in ("find", "lose", "meet", "see", "hide")
    if not placed or "self" in clause.verb.flags:
        return where_is_it_done(draw)
    time = tuple(part for part in clause.rest[-1:] if _is_time(part, clause.tense))
    return replace(clause, rest=time).asked(WHERE)


def _is_time(part: Phrase, tense: str) -> bool:
    from .lexicon import TIMES

    key = {"going to": "future"}.get(tense, tense)
    return any(part.en == time.en for time in TIMES[key])


@construction(5, "?")
def when_is_it_done(draw: Draw) -> Phrase:
    clause = event(draw, "past", "future", "going to", subject=asked_subject(draw), negation=0, time=0)
    return clause.asked(draw.pick([WHEN, AT_WHAT_TIME, WHEN]))


@construction(8, "?")
def why_is_it_done(draw: Draw) -> Phrase:
    return event(
        draw, "progressive", "past", "going to", "imperfect", subject=asked_subject(draw), negation=0.3, time=0.3
    ).asked(WHY)


@construction(3, "?")
def why_so(draw: Draw) -> Phrase:
    subject = asked_subject(draw)
    return being(draw, subject, quality(subject, draw.pick(STATES)), negation=0.2).asked(WHY)


@construction(4, "?")
def how_to_get_there(draw: Draw) -> Phrase:
    verb = draw.pick(verbs("move"))
    tense = choose_tense(draw, verb, "past", "future", "going to")
    return Clause(asked_subject(draw), verb, tense, rest=(draw.place_for(verb),)).asked(HOW)


@construction(6, "?")
def who_does_it(draw: Draw) -> Phrase:
    return event(
        draw, "present", "progressive", "past", "future", "imperfect", subject=WHO, negation=0.1, time=0.5
    ).say()


@construction(5, "?")
def whom(draw: Draw) -> Phrase:
    verb = draw.pick([verb for verb in verbs("him") if "state" not in verb.flags])
    tense = choose_tense(draw, verb, "progressive", "past", "future", "going to")
    rest = (draw.time(tense, verb),) if draw.chance(0.5) else ()
    return Clause(asked_subject(draw), verb, tense, rest=rest).asked(Phrase("who", "qui"))


@construction(6, "?")
def how_many(draw: Draw) -> Phrase:
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
    verb = draw.pick([verb for verb in TRANSITIVE if "it" in verb.flags and verb.en not in ("know", "drink")])
    noun = draw.pick([noun for noun in nouns(verb.objects) if not noun.mass])
    chosen = noun_phrase(noun, "", plural="pair" in noun.tags or draw.chance(0.2))
    quel = ("quelles" if chosen.plural else "quelle") if chosen.feminine else ("quels" if chosen.plural else "quel")
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
    clause = modal_event(draw, negation=0)
    subject = asked_subject(draw)
    if (clause.modal and clause.modal.en == "must") or clause.tense != "present":
        return is_it_possible(draw)
    thing = draw.object(clause.verb, subject, "future") if clause.object else None
    if clause.modal and clause.modal.en.startswith(("hope", "prefer")):
        return is_it_possible(draw)
    return replace(clause, subject=subject, object=thing).asked(YES_OR_NO)


@construction(5, "?")
def what_is_wanted(draw: Draw) -> Phrase:
    modal = draw.pick([MODALS[0], MODALS[1], MODALS[3], MODALS[6], WOULD_LIKE])
    verb = draw.pick(
        [verb for verb in TRANSITIVE if "it" in verb.flags and not verb.flags & {"state", "plain", "accident"}]
    )
    rest = (draw.time("future"),) if modal.en in ("want to", "can") and draw.chance(0.5) else ()
    tense = "would" if modal is WOULD_LIKE else "present"
    if modal.en == "like to" and "habit" not in verb.flags:
        return what_is_wanted(draw)
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
    return replace(clause, negation="", object=_positive(clause)).asked(YES_OR_NO)


def _positive(clause: Clause) -> NounPhrase | None:
    return clause.object


# orders


def _order(verb: Verb, clitics: str = "") -> str:
    return french.imperative(verb.infinitive)[0] + clitics


_STRONG = {"me": "moi", "you": "toi"}


_ORDERED = frozenset(
    ["eat", "drink", "buy", "bring", "take", "wash", "clean", "repair", "open", "close", "read", "write", "learn", "prepare", "watch", "help", "call", "invite", "follow", "choose", "finish", "carry", "draw", "cut", "hide", "touch", "use", "sing"]
) | {"listen to", "look for"}


@construction(7)
def order(draw: Draw) -> Phrase:
    """Open the window; don't close the door."""
    verb = draw.pick([verb for verb in TRANSITIVE if verb.en in _ORDERED])
    thing = draw.object(verb, YOU)
    polite = Phrase(", please", ", s'il te plaît") if draw.chance(0.3) else Phrase("", "")
    features = (frozenset({"main", "imperative"}),)
    pairs = thing.pairs | {(verb.en, head) for head in thing.heads}
    if draw.chance(0.35):
        fr = f"ne {_order(verb)} pas {thing.negated or thing.fr}"
        said = Phrase(f"don't {verb.en} {thing.en}", fr, (frozenset({"main", "imperative", "negation"}),), pairs)
        return said
    said = Phrase(f"{verb.en} {thing.en}", f"{_order(verb)} {thing.fr}", features, pairs)
    return Phrase(said.en + polite.en, said.fr + polite.fr, said.clauses, said.pairs)


@construction(5)
def order_with_pronoun(draw: Draw) -> Phrase:
    """Help me; don't wait for her."""
    verb = draw.pick(
        [
            verb
            for verb in verbs("him")
            if verb.en in ("listen to", "help", "wait for", "call", "invite", "thank", "follow")
        ]
    )
    clitic = draw.pick([clitic for clitic in DIRECT if clitic.en != "you"])
    time = draw.time("future", verb, "not") if draw.chance(0.6) else Phrase("", "")
    if draw.chance(0.45):
        said = Phrase(
            f"don't {verb.en} {clitic.en}",
            f"ne {clitic.fr} {_order(verb)} pas",
            (frozenset({"main", "imperative", "negation", "clitic"}),),
        )
    else:
        strong = _STRONG.get(clitic.en, clitic.fr)
        said = Phrase(
            f"{verb.en} {clitic.en}", f"{_order(verb)}-{strong}", (frozenset({"main", "imperative", "clitic"}),)
        )
    return said.then(time)


@construction(6)
def order_to_give(draw: Draw) -> Phrase:
    """Give me the key; don't show her the letter."""
    verb = draw.pick([verb for verb in verbs("to") if verb.en not in ("sell",)])
    thing = draw.object(verb, YOU)
    clitic = draw.pick([clitic for clitic in DATIVE if clitic.en != "you"])
    pairs = thing.pairs | {(verb.en, head) for head in thing.heads}
    en = f"{verb.en} {clitic.en} {thing.en}"
    if draw.chance(0.3):
        fr = f"ne {clitic.fr} {_order(verb)} pas {thing.negated or thing.fr}"
        return Phrase(f"don't {en}", fr, (frozenset({"main", "imperative", "negation", "clitic"}),), pairs)
    strong = _STRONG.get(clitic.en, clitic.fr)
    return Phrase(en, f"{_order(verb)}-{strong} {thing.fr}", (frozenset({"main", "imperative", "clitic"}),), pairs)


@construction(5)
def suggestion(draw: Draw) -> Phrase:
    """Let's watch a film, regardons un film."""
    pool = [
        verb
        for verb in (*TRANSITIVE, *INTRANSITIVE)
        if not verb.flags & {"self", "state", "plain"} and verb.en in _TOGETHER
    ]
    verb = draw.pick(pool)
    rest = [draw.object(verb, PRONOUNS[4])] if verb.objects else []
    pairs = frozenset((verb.en, head) for thing in rest for head in thing.heads)
    tail: list[Phrase] = [*rest]
    if verb.places and ("move" in verb.flags or draw.chance(0.5)):
        tail.append(draw.place_for(verb))
    if draw.chance(0.4):
        tail.append(draw.time("future"))
    start = Phrase(
        f"let's {verb.en}", french.imperative(verb.infinitive)[1], (frozenset({"main", "imperative"}),), pairs
    )
    return joined(start, *tail)


_TOGETHER = frozenset(
    ["eat", "drink", "cook", "buy", "sell", "look", "wash", "clean", "repair", "open", "read", "write", "learn", "prepare", "watch", "visit", "choose", "finish", "start", "draw", "paint", "cut", "build", "hide", "feed", "use", "sing", "share", "rent", "follow", "walk", "run", "swim", "dance", "play", "wait", "travel", "go", "leave", "stay", "work", "help", "invite", "call", "thank", "photograph"]
)


@construction(3)
def reflexive_order(draw: Draw) -> Phrase:
    """Hurry up and its like: dépêche-toi."""
    verb = draw.pick([verb for verb in verbs("self") if verb.en not in ("have fun", "go for a walk")])
    when = draw.pick(
        [
            Fixed("now", "maintenant"),
            Fixed("early tomorrow", "tôt demain"),
            Fixed("please", "s'il te plaît"),
            Fixed("this evening", "ce soir"),
            Fixed("before dinner", "avant le dîner"),
            Fixed("", ""),
        ]
    )
    comma = "," if when.en == "please" else ""
    if draw.chance(0.4):
        said = Phrase(f"don't {verb.en}", f"ne te {_order(verb)} pas", (frozenset({"main", "imperative", "negation"}),))
    else:
        said = Phrase(verb.en, f"{_order(verb)}-toi", (frozenset({"main", "imperative"}),))
    return Phrase(said.en + comma, said.fr + comma, said.clauses).then(phrase(when))
