"""Constructions of several clauses."""

from dataclasses import replace

from . import english
from .clauses import BE, HAVE, Clause, Clitic
from .draw import Draw, phrase
from .events import INTRANSITIVE, TRANSITIVE, choose_tense, event
from .lexicon import NOUNS, PLACES, Fixed, Noun, Verb, nouns, verbs
from .phrases import HE, PRONOUNS, SHE, NounPhrase, Phrase, joined, noun_phrase, prefixed
from .registry import construction
from .relatives import person_who, relative_object, thing_that
from .statements import CAN, FEELINGS, MUST, STATES, being, feel, quality
from .tables import rows

_VERBS = {verb.en: verb for verb in reversed([*TRANSITIVE, *INTRANSITIVE])}
_REASONS = [
    (reason, _VERBS[verb.strip()], negative)
    for reason, *lists in rows("reasons.txt")
    for negative, names in enumerate(lists)
    for verb in names.split(",")
    if verb.strip() in _VERBS
]


_STATES = [entry for entry in _REASONS if entry[0] in {adjective.en for adjective in STATES}]
_NOUNS = {noun.en: noun for noun in NOUNS}
_MEANS = [(name, _VERBS[verb]) for name, does in rows("means.txt") for verb in does.split(", ")]


def noun_of(thing: NounPhrase) -> Noun:
    """The noun of the phrase."""
    return next(noun for noun in NOUNS if noun.en == thing.heads[0])


def coreferent(subject: NounPhrase) -> NounPhrase:
    """The pronoun for the subject; "they" is elles where the noun is feminine."""
    if subject in PRONOUNS:
        return subject
    if subject.plural:
        return NounPhrase("they", "elles" if subject.feminine else "ils", plural=True, feminine=subject.feminine)
    return SHE if subject.feminine else HE


def linked(draw: Draw, main: Phrase, en: str, fr: str, other: Phrase, *, first: float = 0.4) -> Phrase:
    """Two clauses with a conjunction; sometimes the subordinate one comes first, with a comma."""
    subordinate = prefixed(en, fr, other)
    if draw.chance(first):
        return joined(Phrase(f"{subordinate.en},", f"{subordinate.fr},", subordinate.clauses, subordinate.pairs), main)
    return main.then(subordinate)


# because


def _reason(draw: Draw, reason: str, subject: NounPhrase, tense: str) -> Clause:
    if reason == "rain":
        rains = Verb("rain", "pleuvoir")
        return Clause(NounPhrase("it", "il"), rains, "progressive" if tense == "present" else tense, role="because")
    if reason == "must":
        work = event(draw, "going to", subject=subject, negation=0, time=0)
        return replace(work, tense=tense, modal=MUST, role="because")
    for what in FEELINGS:
        if what.en == reason:
            return feel(subject, what, tense, role="because")
    adjective = next(adjective for adjective in STATES if adjective.en == reason)
    return Clause(subject, BE, tense, rest=(quality(subject, adjective),), role="because")


def because(draw: Draw) -> tuple[Phrase, Phrase]:
    """What somebody does or doesn't, and the reason."""
    reason, verb, negative = draw.random.choice(_REASONS)
    subject = draw.somebody()
    past = draw.chance(0.35)
    tenses = ("past",) if past else ("progressive", "going to")
    if (past and "state" in verb.flags) or (not past and "quick" in verb.flags):
        tenses = ("past", "going to")
        past = False
    main = event(
        draw,
        *(tenses if past else ("progressive", "going to")),
        subject=subject,
        verb=verb,
        negation=float(negative),
        time=0.2,
    )
    return main.say(), _reason(draw, reason, coreferent(subject), "imperfect" if past else "present").say()


@construction(14)
def for_a_reason(draw: Draw) -> Phrase:
    """She isn't working because she is ill."""
    main, reason = because(draw)
    return main.then(prefixed("because", "parce que", reason))


_GLAD = ("find", "win", "receive", "finish", "visit", "buy", "meet", "go", "come home")
_SORRY = ("lose", "forget", "break", "miss", "fall")


@construction(12)
def feeling_about_an_event(draw: Draw) -> Phrase:
    """He is sad because he lost his dog; she is happy because Paul is going to come."""
    subject = draw.somebody()
    again = coreferent(subject)
    glad = draw.chance(0.5)
    feelings = ("happy", "proud") if glad else ("sad", "angry", "disappointed", "nervous")
    state = draw.pick([adjective for adjective in STATES if adjective.en in feelings])
    main = Clause(subject, BE, "present", rest=(quality(subject, state),)).say()
    kind = draw.random.random()
    if kind < 0.4:
        verb = _VERBS[draw.one(*(_GLAD if glad else _SORRY))]
        clause = event(draw, "past", subject=again, verb=verb, negation=0, time=0.3, role="because")
    elif glad:
        verb = _VERBS[draw.one("visit", "meet", "travel", "dance", "swim", "rest", "buy", "see", "come home")]
        clause = event(draw, "going to", "future", subject=again, verb=verb, negation=0, time=0.6, role="because")
    else:
        verb = _VERBS[draw.one("find", "open", "repair", "sleep", "come", "understand", "rest", "play", "drive", "buy")]
        known = replace(verb, flags=verb.flags | {"definite"})
        clause = event(draw, "future", subject=again, verb=known, negation=0, time=0, role="because")
        clause = replace(clause, tense="present", modal=CAN, negation="not")
    return main.then(prefixed("because", "parce que", clause.say()))


# when, while, if


def interruption(draw: Draw) -> tuple[Phrase, Phrase]:
    """Somebody was doing something, and then something happened."""
    first, second = draw.somebody(), draw.somebody()
    if first.en == second.en or coreferent(first).en == coreferent(second).en:
        return interruption(draw)
    verb = _VERBS[
        draw.one(
            "arrive", "call", "come home", "fall", "leave", "open", "find", "break", "close", "see", "meet", "go out"
        )
    ]
    happened = event(draw, "past", subject=second, verb=verb, negation=0, time=0, role="when")
    return event(draw, "imperfect", subject=first, negation=0.1, time=0).say(), happened.say()


@construction(10)
def when_it_happened(draw: Draw) -> Phrase:
    """She was sleeping when I arrived."""
    main, when = interruption(draw)
    return linked(draw, main, "when", "quand", when)


@construction(8)
def when_it_happens(draw: Draw) -> Phrase:
    """When he arrives, we will eat: quand il arrivera, with the futur in both clauses."""
    subject, other = draw.somebody(), draw.somebody()
    if subject.en == other.en:
        return when_it_happens(draw)
    verb = _VERBS[
        draw.one("arrive", "come home", "come back", "finish", "call", "wake up", "get up", "leave", "find", "come")
    ]
    when = event(draw, "future", subject=other, verb=verb, negation=0, time=0, role="when")
    main = event(draw, "future", subject=subject, negation=0.15, time=0)
    if main.verb == verb:
        return when_it_happens(draw)
    return linked(draw, main.say(), "when", "quand", replace(when, tense="when future").say(), first=0.6)


_CHILDISH = ("play", "sing", "draw", "read", "go", "swim", "run", "dance", "walk", "eat", "paint", "have fun", "watch")


@construction(4)
def when_young(draw: Draw) -> Phrase:
    """When I was a child, I used to play in the garden."""
    subject = draw.somebody()
    if subject.plural:
        return when_young(draw)
    again = coreferent(subject)
    if subject.heads and "family" not in noun_of(subject).tags:
        return when_young(draw)
    young = draw.pick([Fixed("a child", "enfant"), Fixed("young", "jeune")])
    when = Clause(subject, BE, "imperfect", rest=(phrase(young),), role="when").say()
    main = event(draw, "used to", subject=again, verb=_VERBS[draw.one(*_CHILDISH)], negation=0, time=1.0)
    return linked(draw, main.say(), "when", "quand", when, first=1.0)


@construction(7)
def while_it_lasted(draw: Draw) -> Phrase:
    """He was working while I was sleeping."""
    first, second = draw.somebody(), draw.somebody()
    if first.en == second.en:
        return while_it_lasted(draw)
    one = event(draw, "imperfect", subject=first, negation=0, time=0)
    two = event(draw, "imperfect", subject=second, negation=0, time=0, role="while")
    if one.verb == two.verb or "state" in one.verb.flags | two.verb.flags:
        return while_it_lasted(draw)
    return linked(draw, one.say(), "while", "pendant que", two.say(), first=0.3)


@construction(8)
def if_it_happens(draw: Draw) -> Phrase:
    """If it rains tomorrow, we will stay at home."""
    subject, other = draw.somebody(), draw.somebody()
    if draw.chance(0.2):
        condition = Clause(
            NounPhrase("it", "il"),
            Verb("rain", "pleuvoir"),
            "present",
            rest=(
                draw.pick(
                    [Phrase("tomorrow", "demain"), Phrase("this evening", "ce soir"), Phrase("on Friday", "vendredi")]
                ),
            ),
            role="if",
        )
        verb = _VERBS[draw.one("stay", "read", "watch", "go", "take", "play", "come home", "rest", "sleep")]
        main = event(draw, "future", subject=subject, verb=verb, negation=0, time=0)
    else:
        verb = _VERBS[
            draw.one(
                "come",
                "find",
                "finish",
                "lose",
                "forget",
                "win",
                "help",
                "wait",
                "arrive",
                "break",
                "sell",
                "open",
                "stay",
                "miss",
                "leave",
            )
        ]
        condition = event(draw, "future", subject=other, verb=verb, negation=0.25, time=0, role="if")
        condition = replace(condition, tense="present")
        main = event(draw, "future", subject=subject, negation=0.25, time=0)
        if draw.chance(0.4):
            state = draw.pick(
                [a for a in STATES if a.en in ("happy", "sad", "angry", "disappointed", "surprised", "proud", "late")]
            )
            main = Clause(subject, BE, "future", rest=(quality(subject, state),))
    if main.verb == condition.verb or subject.en == other.en:
        return if_it_happens(draw)
    return linked(draw, main.say(), "if", "si", condition.say(), first=0.7)


@construction(7)
def if_it_were_so(draw: Draw) -> Phrase:
    """If I had a car, I would travel in Italy."""
    subject = draw.somebody()
    again = coreferent(subject)
    if draw.chance(0.6):
        name, verb = draw.random.choice(_MEANS)
        adjectives = draw.adjectives(_NOUNS[name], 0.4)
        condition = Clause(
            subject, HAVE, "unreal", object=noun_phrase(_NOUNS[name], "a", adjectives=adjectives), role="if"
        )
    else:
        reason, verb, not_done = draw.random.choice(_STATES)
        adjective = next(adjective for adjective in STATES if adjective.en == reason)
        # what the tired do, and what those who are not tired would do
        negative = "not" if not_done else ""
        condition = Clause(subject, BE, "unreal", rest=(quality(subject, adjective),), negation=negative, role="if")
    main = event(draw, "future", subject=again, verb=verb, negation=0, time=0)
    return linked(draw, replace(main, tense="would").say(), "if", "si", condition.say(), first=0.7)


# that


_SAYING = [Verb("think", "penser"), Verb("say", "dire"), Verb("know", "savoir"), Verb("hope", "espérer")]


def opinion(draw: Draw) -> Phrase:
    """I think that."""
    verb = draw.pick(_SAYING)
    subject = draw.third_person() if verb.en == "say" else draw.somebody()
    return Clause(subject, verb, "present").say().then(Phrase("that", "que"))


@construction(10)
def saying_that(draw: Draw) -> Phrase:
    """He says that the train is late."""
    said = opinion(draw)
    subject = draw.somebody()
    if "hope" in said.en:
        return said.then(event(draw, "future", subject=subject, role="that", negation=0.15).say())
    if draw.chance(0.25):
        return said.then(replace(being(draw, subject, quality(subject, draw.pick(STATES)), role="that")).say())
    return said.then(
        event(draw, "past", "progressive", "future", "going to", subject=subject, role="that", negation=0.15).say()
    )


@construction(8)
def asking_oneself(draw: Draw) -> Phrase:
    """I don't know why she is crying."""
    subject = draw.somebody()
    know = Clause(subject, Verb("know", "savoir"), "present", negation="not").say()
    other = draw.somebody()
    if other.en == subject.en:
        return asking_oneself(draw)
    kind = draw.one("why", "if", "when", "what")
    if kind == "what":
        verb = draw.pick([verb for verb in TRANSITIVE if "it" in verb.flags and not verb.flags & {"state"}])
        tense = choose_tense(draw, verb, "past", "progressive", "future", "going to")
        clause = Clause(other, verb, tense, role="indirect").say()
        return joined(know, Phrase("what", "ce que"), clause)
    if kind == "why":
        clause = event(draw, "progressive", "past", subject=other, role="indirect", negation=0.2, time=0.2).say()
        return joined(know, Phrase("why", "pourquoi"), clause)
    if kind == "when":
        clause = event(draw, "future", "going to", subject=other, role="indirect", negation=0, time=0).say()
        return joined(know, Phrase("when", "quand"), clause)
    clause = event(draw, "past", "going to", "progressive", subject=other, role="indirect", negation=0, time=0.4).say()
    return joined(know, Phrase("if", "si"), clause)


# and, but


@construction(8)
def two_actions(draw: Draw) -> Phrase:
    """My sister is reading and my brother is sleeping."""
    first, second = draw.somebody(), draw.somebody()
    if first.en == second.en:
        return two_actions(draw)
    tense = draw.one("past", "progressive", "future", "going to", "imperfect")
    conjunction = draw.pick([Phrase("and", "et"), Phrase("but", "mais")])
    one = event(draw, tense, subject=first, negation=0, time=0.2)
    two = event(draw, tense, subject=second, negation=0.8 if conjunction.en == "but" else 0, time=0)
    if one.verb == two.verb:
        return two_actions(draw)
    return joined(one.say(), conjunction, two.say())


@construction(7)
def but_contrast(draw: Draw) -> Phrase:
    """He is tired but he must work."""
    subject = draw.somebody()
    again = coreferent(subject)
    state = draw.pick([a for a in STATES if a.en in ("tired", "ill", "late", "busy", "nervous", "sad", "alone")])
    main = Clause(subject, BE, "present", rest=(quality(subject, state),)).say()
    if draw.chance(0.4):
        clause = event(draw, "future", subject=again, negation=0, time=0.3)
        return joined(main, Phrase("but", "mais"), replace(clause, tense="present", modal=MUST).say())
    return joined(
        main, Phrase("but", "mais"), event(draw, "progressive", "going to", subject=again, negation=0, time=0.3).say()
    )


IT = {False: Clitic("it", "le"), True: Clitic("it", "la", feminine=True)}


def it_or_them(thing: NounPhrase) -> Clitic:
    """The pronoun for a thing just named."""
    if thing.plural:
        return Clitic("them", "les", plural=True, feminine=thing.feminine)
    return IT[thing.feminine]


_AFTERWARDS = {first: later.split(", ") for first, later in rows("sequels.txt")}


@construction(14)
def and_then_it(draw: Draw) -> Phrase:
    """I bought a car and I sold it, je l'ai vendue."""
    first = _VERBS[draw.one(*_AFTERWARDS)]
    second = _VERBS[draw.one(*_AFTERWARDS[first.en])]
    shared = [noun for noun in nouns(first.objects) if noun.tags & second.objects and not noun.tags & {"person"}]
    if not shared:
        return and_then_it(draw)
    noun = draw.pick(shared)
    subject = draw.somebody()
    thing = draw.object(replace(first, objects=frozenset({noun.en}), flags=first.flags - {"many"}), subject)
    again = coreferent(subject)
    tense = draw.one("past", "past", "going to", "future")
    one = Clause(subject, first, tense, object=thing).say()
    other = draw.chance(0.35)
    actor = draw.pick([who for who in PRONOUNS if who.en != again.en]) if other else again
    negative = "not" if draw.chance(0.2) else ""
    link = Phrase("but", "mais") if negative or other else Phrase("and", "et")
    if "accident" in second.flags and tense == "going to":
        return and_then_it(draw)
    two = Clause(actor, second, tense, negation=negative, clitics=(it_or_them(thing),)).say()
    return joined(one, link, Phrase(two.en, two.fr, two.clauses, two.pairs | {(second.en, noun.en)}))


@construction(8, ".")
def where_is_it(draw: Draw) -> Phrase:
    """Where are the keys? I gave them to Anna."""
    subject = draw.pick(PRONOUNS)
    give = draw.pick([verb for verb in verbs("to") if verb.en != "tell"])
    noun = draw.pick(
        [noun for noun in nouns(give.objects) if not noun.mass and noun.tags & {"portable", "wear", "owned", "written"}]
    )
    thing = draw.thing(noun, "the", "my", "your", "his", adjective=0.2)
    asks = Phrase(
        f"where {'are' if thing.plural else 'is'}",
        f"où {'sont' if thing.plural else 'est'}",
        (frozenset({"main", "question", "present"}),),
    )
    pronoun = it_or_them(thing)
    if draw.chance(0.6):
        receiver = draw.third_person()
        to = prefixed("to", "à", receiver)
        clause = Clause(subject, give, "past", clitics=(pronoun,), rest=(to,))
    else:
        verb = _VERBS[draw.one("lose", "find", "forget", "look for", "hide", "see", "take", "sell")]
        if not verb.objects & noun.tags:
            return where_is_it(draw)
        tense = choose_tense(draw, verb, "past", "progressive") if verb.en == "look for" else "past"
        clause = Clause(subject, verb, tense, clitics=(pronoun,), rest=(draw.time(tense),))
    answer = clause.say()
    question = asks.then(thing)
    return joined(
        Phrase(question.en + "?", question.fr + " ?", question.clauses, question.pairs),
        Phrase(answer.en, answer.fr, answer.clauses, answer.pairs | {(clause.verb.en, noun.en)}),
    )


# infinitives and gerunds


_REACHED = frozenset(tag for place in PLACES if place.to[0] for tag in place.tags) - {"home", "kitchens"}


@construction(8)
def in_order_to(draw: Draw) -> Phrase:
    """He went to the market to buy bread."""
    go = _VERBS["go"]
    pool = TRANSITIVE if draw.chance(0.7) else INTRANSITIVE
    verb = draw.pick(
        [
            verb
            for verb in pool
            if verb.places & _REACHED
            and not verb.flags & {"move", "state", "plain"}
            and verb.en not in ("cry", "stay", "come back", "sleep")
        ]
    )
    where = draw.pick(
        [
            place
            for place in PLACES
            if place.tags & verb.places
            and place.to[0]
            and place.to[0] != "into the garden"
            and not (verb.en == "work" and "far" in place.tags)
        ]
    )
    subject = draw.somebody()
    tense = choose_tense(draw, go, "past", "future", "going to", "progressive")
    purpose = event(draw, "future", subject=subject, verb=verb, negation=0, time=0)
    infinitive = replace(purpose, rest=()).nonfinite(lambda lemma: f"to {lemma}")
    main = Clause(subject, go, tense, rest=(Phrase(*where.to),)).say()
    return joined(main, Phrase("", "pour"), infinitive)


@construction(7)
def before_or_without(draw: Draw) -> Phrase:
    """She left without closing the door; we will eat before leaving."""
    subject = draw.somebody()
    if draw.chance(0.5):
        main = event(draw, "past", "future", "going to", subject=subject, negation=0, time=0)
        verb = _VERBS[
            draw.one(
                "leave",
                "eat",
                "sleep",
                "work",
                "wash",
                "drink",
                "go to bed",
                "close",
                "call",
                "come home",
                "go out",
                "study",
            )
        ]
        link = Phrase("before", "avant de")
        negated = False
    else:
        start = _VERBS[draw.one("leave", "go out", "come home", "sleep", "go to bed", "come back", "work", "travel")]
        main = event(draw, "past", "future", "going to", subject=subject, verb=start, negation=0, time=0)
        verb = _VERBS[
            draw.one(
                "eat",
                "close",
                "take",
                "drink",
                "finish",
                "wash",
                "pay for",
                "smile",
                "call",
                "forget",
                "thank",
                "find",
                "talk",
                "buy",
            )
        ]
        link = Phrase("without", "sans")
        negated = True
    if main.verb == verb or "state" in main.verb.flags:
        return before_or_without(draw)
    other = event(draw, "future", subject=subject, verb=verb, negation=0, time=0)
    if (
        other.object
        and not other.object.negated
        and negated
        and other.object.en.split()[0] not in ("the", "this", "these", draw.own(subject))
    ):
        return before_or_without(draw)
    return joined(main.say(), link, replace(other, rest=()).nonfinite(english.ing, negated=negated))


# three clauses


@construction(9)
def opinion_about_a_thing(draw: Draw) -> Phrase:
    """I think that the car that he bought is too expensive."""
    inner, said = draw.random.choice([person_who, thing_that])(draw), opinion(draw)
    return opinion_about_a_thing(draw) if "hope" in said.en else said.then(inner)


@construction(7)
def opinion_with_reason(draw: Draw) -> Phrase:
    """She says that he isn't working because he is ill."""
    main, reason = because(draw)
    said = opinion(draw)
    if "hope" in said.en:
        return opinion_with_reason(draw)
    return joined(said, main, Phrase("because", "parce que"), reason)


@construction(7)
def if_somebody_finds_what(draw: Draw) -> Phrase:
    """If you find the key that I lost, I will call you."""
    noun = draw.pick([noun for noun in nouns(["portable", "wear", "pet"]) if not noun.mass])
    head = draw.thing(noun, "the", adjective=0.2)
    subject, loser = draw.somebody(), draw.pick(PRONOUNS)
    if subject.en == loser.en:
        return if_somebody_finds_what(draw)
    thing = head.followed_by(relative_object(draw, noun, head, loser))
    finding = draw.pick(
        [
            verb
            for verb in TRANSITIVE
            if verb.en in ("find", "lose", "bring", "forget", "sell", "wash") and verb.objects & noun.tags
        ]
    )
    condition = Clause(subject, finding, "present", object=thing, role="if").say()
    main = event(draw, "future", subject=loser, negation=0.1, time=0).say()
    return linked(draw, main, "if", "si", condition, first=0.7)


@construction(7)
def interrupted_for_a_reason(draw: Draw) -> Phrase:
    """When I arrived, she was sleeping because she was tired."""
    reason, verb, negative = draw.random.choice(_REASONS)
    if "quick" in verb.flags or "state" in verb.flags or verb.en in ("leave", "arrive"):
        return interrupted_for_a_reason(draw)
    _, when = interruption(draw)
    subject = draw.somebody()
    main = event(draw, "imperfect", subject=subject, verb=verb, negation=float(negative), time=0).say()
    why = _reason(draw, reason, coreferent(subject), "imperfect").say()
    before = Phrase(f"when {when.en},", f"quand {when.fr},", when.clauses, when.pairs)
    return joined(before, main, Phrase("because", "parce que"), why)
