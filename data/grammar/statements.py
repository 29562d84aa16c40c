"""Constructions of one clause that state something."""

from dataclasses import replace

from . import english, french, numbers
from .clauses import BE, DATIVE, DIRECT, HAVE, OF_THEM, THERE, Clause, Clitic, Modal
from .draw import Draw, phrase
from .events import INTRANSITIVE, TRANSITIVE, choose_tense, event
from .lexicon import ADJECTIVES, NOUNS, VERBS, Adjective, Fixed, Noun, Verb, nouns, verbs
from .phrases import NAMES, POSSESSIVES, PRONOUNS, NounPhrase, Phrase, noun_phrase, prefixed
from .registry import construction

STATES = [adjective for adjective in ADJECTIVES if "state" in adjective.tags]
JOBS = nouns(["job"])
WANT = Modal("want to", "vouloir")
CAN = Modal("can", "pouvoir", past="could", future="will be able to")
MUST = Modal("must", "devoir", past="had to", future="will have to")
WOULD_LIKE = Modal("would like to", "vouloir")
MODALS = [
    WANT,
    CAN,
    MUST,
    Modal("like to", "aimer"),
    Modal("love to", "adorer"),
    Modal("hate to", "détester"),
    Modal("prefer to", "préférer"),
    Modal("hope to", "espérer"),
]
HOURS = numbers.hours()
DATES = numbers.dates()
# what one has in French and is in English
FEELINGS = [Fixed("hungry", "faim"), Fixed("thirsty", "soif"), Fixed("cold", "froid"), Fixed("hot", "chaud")]
FEELINGS += [
    Fixed("sleepy", "sommeil"),
    Fixed("right", "raison"),
    Fixed("wrong", "tort"),
    Fixed("lucky", "de la chance"),
]
DAY = {
    "present": Phrase("today", "aujourd'hui"),
    "imperfect": Phrase("yesterday", "hier"),
    "future": Phrase("tomorrow", "demain"),
}
SPOTS = [("on", "sur"), ("under", "sous"), ("behind", "derrière"), ("in front of", "devant"), ("next to", "à côté de")]


def quality(subject: NounPhrase, adjective: Adjective, head: Noun | None = None) -> Phrase:
    """The adjective after "be", agreeing with the subject; `head` is the subject's noun, for the word pair."""
    pairs = frozenset({(adjective.en, head.en)}) if head else frozenset()
    return Phrase(adjective.en, adjective.agree(subject.feminine, subject.plural), pairs=pairs)


def being(
    draw: Draw,
    subject: NounPhrase,
    complement: Phrase,
    *,
    negation: float = 0.2,
    role: str = "main",
    future: bool = False,
) -> Clause:
    """The subject is or was so, or with `future` will be."""
    tense = draw.weighted({"present": 6, "imperfect": 3, "future": int(future)})
    negative = "not" if draw.chance(negation) else ""
    return Clause(subject, BE, tense, negation=negative, rest=(complement,), role=role)


def spot(draw: Draw, *, inside: bool = True) -> Phrase:
    """On the table, in the drawer, behind the armchair."""
    if inside and draw.chance(0.35):
        return prefixed("in", "dans", noun_phrase(draw.pick(nouns(["inside"])), draw.one("the", "the", "my", "your")))
    en, fr = SPOTS[draw.random.randrange(len(SPOTS))]
    tags = {"on": ["on"], "under": ["under"]}.get(en, ["furniture", "on", "opening"])
    return prefixed(en, fr, noun_phrase(draw.pick(nouns(tags)), "the"))


@construction(30)
def action(draw: Draw) -> Phrase:
    return event(draw, transitive=True).say()


@construction(12)
def movement(draw: Draw) -> Phrase:
    return event(draw, transitive=False).say()


@construction(5)
def action_at_an_hour(draw: Draw) -> Phrase:
    daily = ("get up", "wake up", "go to bed", "leave", "arrive", "come home", "go out", "come back", "eat", "work")
    verb = draw.pick([verb for verb in INTRANSITIVE if verb.en in daily])
    tense = choose_tense(draw, verb, "present", "past", "future", "going to")
    clock = phrase(draw.pick(HOURS))
    at = prefixed("at", "à", clock)
    negative = "not" if draw.chance(0.1) else ""
    rest = (at,) if draw.chance(0.6) else (at, draw.time(tense, verb, at_hour=True))
    return Clause(draw.somebody(), verb, tense, negation=negative, rest=rest).say()


@construction(2)
def action_on_a_date(draw: Draw) -> Phrase:
    verb = draw.pick([verb for verb in INTRANSITIVE if verb.en in ("leave", "arrive", "come back", "go", "come home")])
    tense = choose_tense(draw, verb, "past", "future", "going to")
    day = phrase(draw.pick(DATES))
    where = (draw.place_for(verb),) if verb.places else ()
    return Clause(draw.somebody(), verb, tense, rest=(*where, prefixed("on", "", day))).say()


@construction(8)
def often_or_always(draw: Draw) -> Phrase:
    verb = draw.pick([verb for verb in (*TRANSITIVE, *INTRANSITIVE) if "habit" in verb.flags])
    clause = event(draw, "present", verb=verb, negation=0, time=0)
    adverb = draw.pick([Fixed("often", "souvent"), Fixed("always", "toujours"), Fixed("sometimes", "parfois")])
    return Clause(clause.subject, clause.verb, "present", adverb=adverb, object=clause.object, rest=clause.rest).say()


@construction(8)
def already_or_not_yet(draw: Draw) -> Phrase:
    clause = event(draw, "past", negation=0, time=0)
    kind = draw.one("already", "not yet", "never")
    if clause.verb.en in ("go", "come", "go for a walk", "leave") and kind == "never":
        kind = "not yet"
    return Clause(
        clause.subject,
        clause.verb,
        "perfect",
        adverb=Fixed("already", "déjà") if kind == "already" else None,
        negation="" if kind == "already" else kind,
        # "hasn't yet repaired four cars": one thing is enough
        object=draw.object(replace(clause.verb, flags=frozenset({"definite"})), clause.subject)
        if clause.object
        else None,
        rest=() if kind == "not yet" else clause.rest,
    ).say()


@construction(6)
def has_just_done(draw: Draw) -> Phrase:
    clause = event(draw, "past", negation=0, time=0)
    if clause.verb.en in ("travel", "study", "stay", "go", "live"):
        return has_just_done(draw)
    has = "has" if clause.subject.slot == 2 else "have"
    just = Phrase(
        f"{clause.subject.en} {has} just",
        f"{clause.subject.fr} {french.present('venir')[clause.subject.slot]} de",
        (frozenset({"main", "just"}),),
    )
    return just.then(clause.nonfinite(english.participle))


@construction(6)
def for_some_time(draw: Draw) -> Phrase:
    steady = [verb for verb in INTRANSITIVE if verb.en in ("live", "work", "wait", "sleep", "travel", "study", "play")]
    verb = draw.pick(steady)
    where = draw.place_for(verb)
    long = draw.one("hours", "hours", "days") if verb.en in ("wait", "sleep", "play") else draw.one("months", "years")
    units = {"hours": "heures", "days": "jours", "months": "mois", "years": "ans"}
    count = draw.random.randint(2, 5 if long == "hours" else 12)
    if long == "days":
        duration = Phrase("since this morning", "depuis ce matin")
    else:
        duration = Phrase(f"for {numbers.english(count)} {long}", f"depuis {numbers.french(count)} {units[long]}")
    return Clause(draw.somebody(), verb, "since", rest=(where, duration)).say()


@construction(10)
def state(draw: Draw) -> Phrase:
    subject = draw.somebody()
    clause = being(draw, subject, quality(subject, draw.pick(STATES)), future=True)
    return clause.say().then(DAY[clause.tense]) if draw.chance(0.4) else clause.say()


@construction(8)
def feeling(draw: Draw) -> Phrase:
    what = draw.pick(FEELINGS)
    tense = draw.weighted({"present": 6, "imperfect": 3, "future": 1})
    negative = draw.one("", "", "not", "never" if tense == "present" else "not")
    return feel(draw.somebody(), what, tense, negative).say()


def feel(subject: NounPhrase, what: Fixed, tense: str = "present", negation: str = "", role: str = "main") -> Clause:
    """Somebody is hungry, thirsty, right: avoir in French."""
    french_noun = what.fr
    if negation and french_noun.startswith("de la "):
        french_noun = french_noun.replace("de la ", "de ")
    be_or_have = Verb("be", "avoir", flags=frozenset({"state"}))
    return Clause(subject, be_or_have, tense, negation=negation, rest=(Phrase(what.en, french_noun),), role=role)


@construction(12)
def thing_is(draw: Draw) -> Phrase:
    adjective = draw.pick([adjective for adjective in ADJECTIVES if "state" not in adjective.tags])
    noun = draw.pick(nouns(adjective.tags))
    determiner = (
        draw.one("the", "this")
        if noun.mass or noun.tags & {"near", "nature", "building", "place"}
        else draw.one("the", "the", "this", "my", "your", "his", "her", "our")
    )
    if noun.tags & {"person", "wild"}:
        determiner = draw.one("the", "this")
    subject = draw.thing(noun, determiner, adjective=0)
    degree = draw.pick([Fixed("very", "très"), Fixed("too", "trop"), Fixed("quite", "assez"), Fixed("", "")])
    graded = adjective.en not in ("broken", "delicious") and not (
        adjective.fr_feminine == adjective.fr == adjective.fr_plural
    )
    says = quality(subject, adjective, noun)
    return being(draw, subject, prefixed(degree.en, degree.fr, says) if graded else says).say()


@construction(7)
def comparison(draw: Draw) -> Phrase:
    tall = next(adjective for adjective in ADJECTIVES if adjective.en == "tall")
    graded = ["big", "small", "beautiful", "old", "long", "expensive", "heavy", "interesting", "boring", "difficult", "easy", "quiet", "noisy", "comfortable", "modern", "important", "useful", "dangerous"]
    if draw.chance(0.35):
        subject, other = draw.third_person(), draw.third_person()
        traits = [
            adjective
            for adjective in ADJECTIVES
            if adjective.en in ("rich", "strong", "kind", "polite", "patient", "serious", "young")
        ]
        adjective, head = draw.pick([*traits, tall]), None
    else:
        adjective = draw.pick([adjective for adjective in ADJECTIVES if adjective.en in graded])
        fitting = [noun for noun in nouns(adjective.tags) if not noun.tags & {"person", "animal"}]
        head = draw.pick(fitting)
        alike = [noun for noun in fitting if noun != head and noun.mass == head.mass and _kind(noun) & _kind(head)]
        if not alike:
            return comparison(draw)
        second = draw.pick(alike)
        subject, other = (
            noun_phrase(head, draw.one("this", "the", "your")),
            noun_phrase(second, draw.one("the", "my", "this")),
        )
    if subject.heads == other.heads and subject.en == other.en:
        return comparison(draw)
    agreed = adjective.agree(subject.feminine, subject.plural)
    more = "meilleur" if adjective.en == "good" else f"plus {agreed}"
    pairs = frozenset({(adjective.en, head.en)}) if head else frozenset()
    if draw.chance(0.35):
        degree = Phrase(f"as {adjective.en} as", f"aussi {agreed} que", pairs=pairs)
    else:
        degree = Phrase(f"{english.comparative(adjective.en)} than", f"{more} que", pairs=pairs)
    return Clause(subject, BE, "present", rest=(degree, other)).say()


def _kind(noun: Noun) -> frozenset[str]:
    return noun.tags & {
        "wear",
        "vehicle",
        "furniture",
        "building",
        "place",
        "read",
        "food",
        "portable",
        "nature",
        "machine",
        "school",
    }


@construction(6)
def superlative(draw: Draw) -> Phrase:
    graded = ["big", "small", "beautiful", "old", "long", "pretty", "good", "expensive", "quiet", "modern", "famous"]
    adjective = draw.pick([adjective for adjective in ADJECTIVES if adjective.en in graded])
    noun = draw.pick(
        [noun for noun in nouns(adjective.tags) if noun.tags & {"building", "place", "near", "nature", "room"}]
    )
    within = draw.pick(
        [
            Fixed("in the village", "de le village"),
            Fixed("in the city", "de la ville"),
            Fixed("in the country", "de le pays"),
            Fixed("in the world", "de le monde"),
            Fixed("in France", "de France"),
        ]
    )
    if noun.tags & {"room"} or (noun.en in ("city", "village") and "vill" in within.fr):
        within = Fixed("in the hotel", "de le hôtel") if noun.tags & {"room"} else Fixed("in France", "de France")
    article = "la" if noun.feminine else "le"
    if adjective.en == "good":
        fr = f"{article} {'meilleure' if noun.feminine else 'meilleur'} {noun.fr}"
    elif adjective.before:
        fr = f"{article} plus {adjective.agree(noun.feminine, False, noun.fr)} {noun.fr}"
    else:
        fr = f"{article} {noun.fr} {article} plus {adjective.agree(noun.feminine, False)}"
    best = Phrase(f"the {english.superlative(adjective.en)} {noun.en}", fr, pairs=frozenset({(adjective.en, noun.en)}))
    it = NounPhrase("it", "ce")
    return Clause(it, BE, draw.one("present", "imperfect"), rest=(best, phrase(within))).say()


@construction(5)
def this_is(draw: Draw) -> Phrase:
    noun = draw.pick(
        [noun for noun in NOUNS if not noun.mass and not noun.tags & {"family", "plural", "body", "unused", "pair"}]
    )
    thing = draw.thing(noun, "a", adjective=0.8)
    if thing.plural:
        return this_is(draw)
    it = NounPhrase("it", "ce")
    negative = "not" if draw.chance(0.15) else ""
    # after être the article stays: ce n'est pas un chat
    return Clause(it, BE, "present", negation=negative, rest=(Phrase(thing.en, thing.fr, pairs=thing.pairs),)).say()


@construction(4)
def profession(draw: Draw) -> Phrase:
    """She is a nurse, elle est infirmière."""
    noun = draw.pick(JOBS)
    candidates = [who for who in (*PRONOUNS, *NAMES) if who.feminine == noun.feminine and not who.plural]
    subject = draw.pick(candidates)
    tense = draw.weighted({"present": 6, "imperfect": 2, "future": 1})
    negative = "not" if draw.chance(0.2) else ""
    return Clause(subject, BE, tense, negation=negative, rest=(Phrase(f"a {noun.en}", noun.fr),)).say()


@construction(4)
def owner(draw: Draw) -> Phrase:
    """It is Paul's bike; Marie's car is red."""
    person = draw.pick(NAMES) if draw.chance(0.6) else noun_phrase(draw.pick(nouns(["family"])), draw.one(*POSSESSIVES))
    noun = draw.pick(
        [noun for noun in nouns(["owned", "wear", "portable", "pet", "home", "machine"]) if "pair" not in noun.tags]
    )
    thing = noun_phrase(noun, "the")
    if person.plural:
        return owner(draw)
    owned = Phrase(f"{person.en}'s {noun.en}", f"{thing.fr} de {person.fr}")
    if draw.chance(0.4) or thing.plural:
        return (
            Clause(
                NounPhrase("it", "ce"),
                BE,
                draw.one("present", "imperfect"),
                negation=draw.one("", "", "not"),
                rest=(owned,),
            ).say()
            if not thing.plural
            else owner(draw)
        )
    adjective = draw.adjective(noun)
    if adjective is None:
        return owner(draw)
    subject = NounPhrase(owned.en, owned.fr, feminine=noun.feminine)
    return being(draw, subject, quality(subject, adjective, noun)).say()


@construction(8)
def having(draw: Draw) -> Phrase:
    subject = draw.somebody()
    noun = draw.pick(
        nouns(
            [
                "portable",
                "machine",
                "owned",
                "pet",
                "furniture",
                "wear",
                "instrument",
                "home",
                "idea",
                "grocery",
                "money",
            ]
        )
    )
    negative = draw.one("", "", "not", "no longer") if draw.chance(0.6) else ""
    thing = draw.thing(noun, "a", many=not negative, adjective=0.4)
    tense = draw.weighted({"present": 6, "imperfect": 2, "future": 1})
    if negative == "no longer":
        tense = "present"
    return Clause(subject, HAVE, tense, negation=negative, object=thing).say()


@construction(3)
def age(draw: Draw) -> Phrase:
    years = draw.random.randint(2, 99)
    be_or_have = Verb("be", "avoir", flags=frozenset({"state"}))
    old = Phrase(f"{numbers.english(years)} years old", f"{numbers.french(years)} ans")
    subject = (
        draw.pick([*PRONOUNS, *NAMES])
        if draw.chance(0.6)
        else noun_phrase(draw.pick(nouns(["family"])), draw.one(*POSSESSIVES))
    )
    grand, grown = (
        subject.heads and subject.heads[0].startswith("grand"),
        subject.heads and "parents" not in subject.heads,
    )
    if subject.plural or (grown and years < 20) or (grand and years < 60):
        return age(draw)
    return Clause(subject, be_or_have, draw.weighted({"present": 4, "imperfect": 1, "future": 1}), rest=(old,)).say()


@construction(3)
def price(draw: Draw) -> Phrase:
    noun = draw.pick(
        [noun for noun in nouns(["wear", "owned", "machine", "furniture", "instrument"]) if "plural" not in noun.tags]
    )
    subject = draw.thing(noun, "the", "this", adjective=0.4)
    euros = draw.random.choice([*range(11, 99), *range(100, 990, 10)])
    cost = Verb("cost", "coûter", flags=frozenset({"state"}))
    amount = Phrase(f"{numbers.english(euros)} euros", f"{numbers.french(euros)} euros")
    return Clause(subject, cost, draw.one("present", "present", "future"), rest=(amount,)).say()


@construction(2)
def hour(draw: Draw) -> Phrase:
    clock = phrase(draw.pick(HOURS))
    return Clause(NounPhrase("it", "il"), BE, draw.one("present", "imperfect"), rest=(clock,)).say()


@construction(7)
def there_is(draw: Draw) -> Phrase:
    if draw.chance(0.5):
        noun = draw.pick(nouns(["portable", "tableware", "pet", "fruit"]))
        where = spot(draw, inside="pet" not in noun.tags)
    else:
        noun = draw.pick(nouns(["person", "pet", "livestock"]))
        where = draw.place("town", "streets", "nature")
    negative = draw.one("", "", "not")
    thing = draw.thing(noun, "a", many=not negative)
    tense = draw.weighted({"present": 3, "imperfect": 1})
    clause = there_are(thing, where, tense)
    if not negative:
        return clause.say()
    none = replace(clause, object=replace(thing, en="no " + thing.en.removeprefix("a "))).english()
    said = replace(clause, negation="not").say()
    return replace(said, en=none)


def there_are(thing: NounPhrase, where: Phrase, tense: str = "present") -> Clause:
    """There is or are, il y a."""
    there = NounPhrase("there", "il", plural=thing.plural)
    it_has = Verb("be", "avoir", flags=frozenset({"state"}))
    return Clause(there, it_has, tense, object=thing, clitics=(Clitic("", "y", "there"),), rest=(where,))


@construction(6)
def position(draw: Draw) -> Phrase:
    """The key is on the table."""
    noun = draw.pick(nouns(["portable", "tableware", "pet", "tool"]))
    if "inside" in noun.tags:
        return position(draw)
    subject = draw.thing(noun, "the", "my", "your", "his", "her", adjective=0.3)
    return being(draw, subject, spot(draw, inside="pet" not in noun.tags), negation=0.15).say()


@construction(5)
def whereabouts(draw: Draw) -> Phrase:
    """My father is at the station."""
    where = draw.place("town", "work", "home", "far", "nature", "school")
    clause = being(draw, draw.somebody(), where, future=True)
    return clause.say().then(DAY[clause.tense]) if draw.chance(0.4) else clause.say()


@construction(6)
def near_something(draw: Draw) -> Phrase:
    """The bank is near the station."""
    place, other = draw.pick(nouns(["near", "building"])), draw.pick(nouns(["near"]))
    if place == other:
        return near_something(draw)
    preposition = draw.pick(
        [
            Fixed("near", "près de"),
            Fixed("far from", "loin de"),
            Fixed("in front of", "devant"),
            Fixed("behind", "derrière"),
            Fixed("next to", "à côté de"),
            Fixed("opposite", "en face de"),
        ]
    )
    where = prefixed(preposition.en, preposition.fr, noun_phrase(other, "the"))
    subject = draw.thing(place, "the", "the", "our" if "home" in place.tags else "the", adjective=0.3)
    if subject.plural:
        return near_something(draw)
    return Clause(subject, BE, "present", negation=draw.one("", "", "", "not"), rest=(where,)).say()


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
    first, second = ("me", "us"), ("you",)
    if subject.person == 1:
        return clitic.en not in first
    return not (subject.person == 2 and clitic.en in second)


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
    verb = draw.pick([Verb("talk", "parler"), Verb("write", "écrire"), Verb("answer", "répondre")])
    if verb.en == "answer":
        return answering(draw, verb)
    tense = draw.weighted({"present": 2, "progressive": 2, "past": 3, "future": 2, "going to": 2})
    clitic = draw.pick([clitic for clitic in DATIVE if _apart(subject, clitic)])
    negative = "not" if draw.chance(0.25) else ""
    return Clause(
        subject, verb, tense, negation=negative, clitics=(clitic,), rest=(draw.time(tense, verb, negative),)
    ).say()


def answering(draw: Draw, verb: Verb) -> Phrase:
    """She answers them, elle leur répond: English has no "to"."""
    subject = draw.somebody()
    clitic = draw.pick([clitic for clitic in DATIVE if _apart(subject, clitic)])
    tense = draw.weighted({"progressive": 2, "past": 3, "future": 2, "going to": 2})
    answers = replace(verb, flags=frozenset({"to"}))
    return Clause(
        subject, answers, tense, negation=draw.one("", "", "not"), clitics=(replace(clitic, kind="person"),)
    ).say()


@construction(4)
def going_there(draw: Draw) -> Phrase:
    """We go there every summer, nous y allons."""
    verb = draw.pick([verb for verb in VERBS if verb.en in ("go", "work", "live", "sleep", "stay", "arrive")])
    tense = choose_tense(draw, verb, "present", "past", "future") if "state" not in verb.flags else "present"
    rest = () if "state" in verb.flags else (draw.time(tense),)
    if verb.en == "go" and tense == "future":  # no "j'y irai"
        tense = "past"
        rest = (draw.time(tense),)
    negative = "not" if draw.chance(0.2) else ""
    return Clause(draw.somebody(), verb, tense, negation=negative, clitics=(THERE,), rest=rest).say()


@construction(4)
def some_of_them(draw: Draw) -> Phrase:
    """I bought three of them, j'en ai acheté trois."""
    count = draw.random.randint(2, 12)
    few = ("buy", "eat", "read", "find", "sell", "lose", "bring", "choose", "break", "write", "receive", "see")
    verb = draw.pick([verb for verb in TRANSITIVE if verb.en in few])
    tense = choose_tense(draw, verb, "past", "future", "going to")
    object_ = NounPhrase(f"{numbers.english(count)} of them", numbers.french(count), plural=True)
    return Clause(
        draw.somebody(), verb, tense, object=object_, clitics=(OF_THEM,), rest=(draw.time(tense, verb),)
    ).say()


@construction(14)
def wish_or_duty(draw: Draw) -> Phrase:
    """He wants to eat an apple; we must leave."""
    return modal_event(draw).say()


def modal_event(draw: Draw, *, negation: float = 0.25, role: str = "main") -> Clause:
    """An action that somebody wants, can, must or likes to do."""
    modal = draw.pick(MODALS)
    clause = event(draw, "going to", negation=0, time=0.3 if modal.en in ("can", "must", "want to") else 0)
    liked = modal.en in ("like to", "love to", "hate to", "prefer to")
    if liked and (
        "habit" not in clause.verb.flags or (clause.object and clause.object.en.split()[0] in ("the", "this", "these"))
    ):
        return modal_event(draw, negation=negation, role=role)
    negative = "not" if modal.en in ("want to", "can", "like to") and draw.chance(negation) else ""
    if negative and clause.rest:
        return modal_event(draw, negation=negation, role=role)
    tense = "present"
    if not clause.rest and modal.en in ("want to", "can", "must") and draw.chance(0.3):
        tense = "imperfect" if modal.en == "want to" else draw.one("imperfect", "future")
    if tense != "present" and modal.en != "want to":
        negative = ""
    return Clause(
        clause.subject, clause.verb, tense, modal, negative, object=clause.object, rest=clause.rest, role=role
    )


@construction(6)
def would_like(draw: Draw) -> Phrase:
    subject = draw.somebody()
    if draw.chance(0.5):
        noun = draw.pick(nouns(["food", "drink", "wear", "owned", "machine", "portable"]))
        thing = draw.thing(noun, "a", many=True, adjective=0.4)
        return Clause(subject, Verb("like", "vouloir"), "would", object=thing).say()
    clause = event(draw, "going to", subject=subject, negation=0, time=0.3)
    return Clause(subject, clause.verb, "would", WOULD_LIKE, object=clause.object, rest=clause.rest).say()


@construction(6)
def pronoun_after_modal(draw: Draw) -> Phrase:
    """I want to see her."""
    subject = draw.somebody()
    verb = draw.pick(verbs("him"))
    if verb.en == "know":
        return pronoun_after_modal(draw)
    clitic = draw.pick([clitic for clitic in DIRECT if _apart(subject, clitic)])
    modal = draw.pick([WANT, CAN, MUST])
    negative = "not" if modal != MUST and draw.chance(0.3) else ""
    return Clause(
        subject,
        verb,
        "present",
        modal,
        negative,
        clitics=(clitic,),
        rest=(draw.time("future", verb, negative),) if draw.chance(0.4) else (),
    ).say()


@construction(6)
def need_or_fear(draw: Draw) -> Phrase:
    """I need a pen, j'ai besoin d'un stylo; he is afraid of the dog, il a peur du chien."""
    subject = draw.somebody()
    negative = "not" if draw.chance(0.25) else ""
    if draw.chance(0.6):
        noun = draw.pick(nouns(["portable", "tool", "machine", "grocery", "owned", "wear"]))
        if noun.mass:
            thing = noun_phrase(noun, "a")
        else:
            thing = draw.thing(noun, "a", "this", draw.own(subject), adjective=0.3)
        # de + des, de + du: de
        fr = thing.negated if thing.negated and (noun.mass or thing.plural) else f"de {thing.fr}"
        tense = draw.weighted({"present": 5, "future": 1, "imperfect": 1})
        what = Phrase(thing.en, f"besoin {fr}", pairs=thing.pairs)
        verb = Verb("need", "avoir", flags=frozenset({"state"}))
        return Clause(subject, verb, tense, negation=negative, rest=(what,)).say()
    noun = draw.pick(nouns(["animal", "exam", "dentist", "sea", "forest"]))
    thing = draw.thing(noun, "the", "this", adjective=0.3) if "animal" in noun.tags else noun_phrase(noun, "the")
    what = Phrase(f"afraid of {thing.en}", f"peur de {thing.fr}", pairs=thing.pairs)
    return Clause(
        subject,
        Verb("be", "avoir", flags=frozenset({"state"})),
        draw.one("present", "present", "imperfect"),
        negation=negative,
        rest=(what,),
    ).say()


@construction(5)
def pain(draw: Draw) -> Phrase:
    """Her back hurts, elle a mal au dos."""
    noun = draw.pick([noun for noun in nouns(["body"]) if "pains" not in noun.tags or noun.tags & {"limb", "pains"}])
    subject = draw.somebody()
    plural = bool(noun.tags & {"pains"}) or ("limb" in noun.tags and draw.chance(0.4))
    hurting = noun_phrase(noun, "the", plural=plural)
    who = draw.own(subject) if subject in PRONOUNS else f"{subject.en}'s"
    if subject.plural and subject not in PRONOUNS:
        return pain(draw)
    if subject.plural and not plural:
        return pain(draw)
    tense = draw.one("present", "present", "imperfect")
    en_noun = noun.en_plural if plural else noun.en
    hurts = Clause(
        NounPhrase(f"{who} {en_noun}", "", plural=plural), Verb("hurt", "avoir", flags=frozenset({"state"})), tense
    )
    aches = Clause(subject, HAVE, tense, rest=(Phrase("", f"mal à {hurting.fr}"),))
    en = hurts.english() if tense == "present" else hurts.english()
    return Phrase(en, aches.french(), (frozenset({"main", tense}),))


@construction(5)
def nobody_or_nothing(draw: Draw) -> Phrase:
    if draw.chance(0.4):
        nobody = NounPhrase("nobody", "personne")
        clause = event(draw, "past", "future", "present", subject=nobody, negation=0)
        if clause.object and clause.object.negated:
            return nobody_or_nothing(draw)
        return clause.say()
    subject = draw.somebody()
    people = draw.chance(0.5)
    pool = [
        verb
        for verb in TRANSITIVE
        if ("him" in verb.flags if people else "it" in verb.flags and "him" not in verb.flags)
        and verb.en not in ("know", "call")
    ]
    verb = draw.pick(pool)
    tense = choose_tense(draw, verb, "past", "future", "progressive")
    nothing = NounPhrase("anyone", "personne") if people else NounPhrase("anything", "rien")
    rest = (draw.time(tense, verb, "not"),) if draw.chance(0.5) else ()
    return Clause(subject, verb, tense, negation="not", object=nothing, rest=rest).say()


@construction(3)
def weather(draw: Draw) -> Phrase:
    where = draw.place("far", "nature")
    kind = draw.pick([Fixed("cold", "froid"), Fixed("hot", "chaud"), Fixed("nice", "beau"), Fixed("dark", "nuit")])
    it = NounPhrase("it", "il")
    faire = Verb("be", "faire", flags=frozenset({"state"}))
    tense = draw.weighted({"present": 4, "imperfect": 3, "future": 3})
    degree = (
        draw.pick([Fixed("", ""), Fixed("very", "très"), Fixed("too", "trop")])
        if kind.fr in ("froid", "chaud")
        else Fixed("", "")
    )
    rest: tuple[Phrase, ...] = (prefixed(degree.en, degree.fr, phrase(kind)),)
    rest += (where,) if kind.fr != "nuit" and draw.chance(0.6) else ()
    rest += (DAY[tense],) if draw.chance(0.5) else ()
    return Clause(it, faire, tense, negation=draw.one("", "", "not"), rest=rest).say()


@construction(5)
def playing(draw: Draw) -> Phrase:
    """Sports with à, instruments with de."""
    sports = [
        Fixed("football", "le football"),
        Fixed("tennis", "le tennis"),
        Fixed("rugby", "le rugby"),
        Fixed("basketball", "le basket"),
        Fixed("cards", "les cartes"),
        Fixed("chess", "les échecs"),
    ]
    if draw.chance(0.55):
        game = draw.pick(sports)
        what = Phrase(game.en, f"à {game.fr}")
    else:
        noun = draw.pick(nouns(["instrument"]))
        played = noun_phrase(noun, "the")
        what = Phrase(played.en, f"de {played.fr}")
    verb = Verb("play", "jouer", flags=frozenset({"habit"}))
    tense = choose_tense(draw, verb)
    negative = "not" if tense != "used to" and draw.chance(0.2) else ""
    rest = (what, draw.time(tense)) if tense in ("present", "used to") or draw.chance(0.5) else (what,)
    return Clause(draw.somebody(), verb, tense, negation=negative, rest=rest).say()


@construction(5)
def animals(draw: Draw) -> Phrase:
    """Animals sleep, run, eat and drink."""
    noun = draw.pick(nouns(["pet", "livestock"]))
    subject = draw.thing(noun, "the", "the", "my", "our", adjective=0.4)
    verb = draw.pick(
        [verb for verb in VERBS if verb.en in ("sleep", "run", "walk", "play", "fall", "wait", "come back", "follow")]
    )
    tense = choose_tense(draw, verb, "progressive", "past", "imperfect", "future")
    where = (
        spot(draw, inside=False)
        if verb.en in ("sleep", "wait") and "pet" in noun.tags
        else draw.place("streets", "nature")
    )
    clitics = (draw.pick(DIRECT),) if verb.en == "follow" else ()
    rest = () if verb.en in ("follow", "come back") else (where,)
    return Clause(subject, verb, tense, negation=draw.one("", "", "", "not"), clitics=clitics, rest=rest).say()
