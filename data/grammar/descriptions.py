"""Constructions of one clause that tell how somebody or something is."""

from dataclasses import replace

from . import english, numbers
from .clauses import BE, BE_AVOIR, HAVE, NEED, Clause
from .draw import Draw, phrase
from .lexicon import ADJECTIVES, FIXED, LISTS, NOUNS, Adjective, Fixed, Noun, Verb, listed_adjectives, nouns, verbs
from .phrases import NAMES, POSSESSIVES, PRONOUNS, NounPhrase, Phrase, noun_phrase, prefixed
from .predicates import STATES, THE_DAY, being, feel, noun_named, quality
from .registry import construction

_IT_IS = NounPhrase("it", "ce")
# what is compared with its like
_KINDS = frozenset({"wear", "vehicle", "furniture", "building", "place", "read", "food", "portable", "nature", "study"})
_QUALITIES = [adjective for adjective in ADJECTIVES if "state" not in adjective.tags]


def _relative(draw: Draw) -> NounPhrase:
    return noun_phrase(
        draw.pick([noun for noun in nouns(["family"]) if "spouse" not in noun.tags]), draw.one(*POSSESSIVES)
    )


@construction(10)
def state(draw: Draw) -> Phrase:
    """He was tired yesterday."""
    subject = draw.somebody()
    clause = being(draw, subject, quality(subject, draw.pick(STATES)), future=True)
    return clause.say().then(THE_DAY[clause.tense]) if draw.chance(0.4) else clause.say()


@construction(8)
def feeling(draw: Draw) -> Phrase:
    """She is thirsty, elle a soif."""
    tense = draw.weighted({"present": 6, "imperfect": 3, "future": 1})
    negative = draw.one("", "", "not", "never" if tense == "present" else "not")
    return feel(draw.somebody(), draw.pick(FIXED["feeling"]), tense, negative).say()


@construction(12)
def thing_is(draw: Draw) -> Phrase:
    """This car is too expensive."""
    adjective = draw.pick(_QUALITIES)
    noun = draw.pick(nouns(adjective.tags))
    nobodys = noun.mass or noun.tags & {"near", "nature", "building", "place", "person", "wild"}
    subject = draw.thing(noun, "the", "this", *(() if nobodys else POSSESSIVES), adjective=0)
    says = quality(subject, adjective, noun)
    if adjective.en in LISTS["not very"]:
        return being(draw, subject, says).say()
    degree = draw.pick(FIXED["degree"])
    # "not quite" is not "pas assez".
    return being(draw, subject, prefixed(degree.en, degree.fr, says), negation=0 if degree.en == "quite" else 0.2).say()


def _compared(
    adjective: Adjective, subject: NounPhrase, head: Noun | None, other: NounPhrase, *, equal: bool
) -> Phrase:
    said = quality(subject, adjective, head)
    if equal:
        degree = Phrase(f"as {said.en} as", f"aussi {said.fr} que", pairs=said.pairs)
    else:
        degree = Phrase(f"{english.comparative(adjective.en)} than", f"plus {said.fr} que", pairs=said.pairs)
    return Clause(subject, BE, "present", rest=(degree, other)).say()


@construction(3)
def people_compared(draw: Draw) -> Phrase:
    """He is as tall as Paul."""
    subject, other = draw.third_person(), draw.third_person()
    if subject.en == other.en:
        return people_compared(draw)
    adjective = draw.pick(listed_adjectives("people compared"))
    return _compared(adjective, subject, None, other, equal=draw.chance(0.35))


@construction(5)
def things_compared(draw: Draw) -> Phrase:
    """The sofa is heavier than the table."""
    adjective = draw.pick(listed_adjectives("compared"))
    fitting = [noun for noun in nouns(adjective.tags) if not noun.tags & {"person", "animal"} and not noun.mass]
    head = draw.pick(fitting)
    alike = [noun for noun in fitting if noun != head and noun.tags & head.tags & _KINDS]
    if not alike:
        return things_compared(draw)
    other = noun_phrase(draw.pick(alike), draw.one("the", "this"))
    subject = noun_phrase(head, draw.one("this", "the"))
    return _compared(adjective, subject, head, other, equal=draw.chance(0.35))


def _best(adjective: Adjective, noun: Noun) -> str:
    article = "la" if noun.feminine else "le"
    if adjective.en == "good":
        return f"{article} {'meilleure' if noun.feminine else 'meilleur'} {noun.fr}"
    if adjective.before:
        return f"{article} plus {adjective.agree(noun.feminine, False, noun.fr)} {noun.fr}"
    return f"{article} {noun.fr} {article} plus {adjective.agree(noun.feminine, False)}"


@construction(6)
def superlative(draw: Draw) -> Phrase:
    """It is the oldest church in the village."""
    adjective = draw.pick(listed_adjectives("best of all"))
    places = frozenset({"building", "place", "near", "nature"})
    noun = draw.pick([noun for noun in nouns(adjective.tags) if noun.tags & places])
    within = draw.pick([region for region in FIXED["region"] if "town" not in noun.tags or "vill" not in region.fr])
    best = Phrase(
        f"the {english.superlative(adjective.en)} {noun.en}",
        _best(adjective, noun),
        pairs=frozenset({(adjective.en, noun.en)}),
    )
    return Clause(_IT_IS, BE, draw.one("present", "imperfect"), rest=(best, phrase(within))).say()


@construction(5)
def this_is(draw: Draw) -> Phrase:
    """It isn't a big dog."""
    several = frozenset({"family", "plural", "body", "pair"})
    noun = draw.pick([noun for noun in NOUNS if not noun.mass and not noun.tags & several])
    thing = noun_phrase(noun, "a", adjectives=draw.adjectives(noun, 0.8))
    # No object: after être the article stays, ce n'est pas un chat.
    what = Phrase(thing.en, thing.fr, pairs=thing.pairs)
    return Clause(_IT_IS, BE, "present", negation="not" if draw.chance(0.15) else "", rest=(what,)).say()


@construction(4)
def profession(draw: Draw) -> Phrase:
    """She is a nurse, elle est infirmière."""
    noun = draw.pick(nouns(["job"]))
    subject = draw.pick([who for who in (*PRONOUNS, *NAMES) if who.feminine == noun.feminine and not who.plural])
    return being(draw, subject, Phrase(f"a {noun.en}", noun.fr), future=True).say()


@construction(4)
def owner(draw: Draw) -> Phrase:
    """It is Paul's bike; Marie's car is red."""
    person = draw.pick(NAMES) if draw.chance(0.6) else _relative(draw)
    noun = draw.pick(nouns(["owned", "wear", "portable", "pet", "home", "machine"]))
    adjective = draw.adjective(noun)
    if person.plural or noun.tags & {"pair", "plural"} or adjective is None:
        return owner(draw)
    owned = NounPhrase(
        f"{person.en}'s {noun.en}", f"{noun_phrase(noun, 'the').fr} de {person.fr}", feminine=noun.feminine
    )
    if draw.chance(0.4):
        return being(draw, _IT_IS, owned, negation=0.3).say()
    return being(draw, owned, quality(owned, adjective, noun)).say()


@construction(3)
def age(draw: Draw) -> Phrase:
    """My aunt is seventy-one years old."""
    subject = draw.pick([*PRONOUNS, *NAMES]) if draw.chance(0.6) else _relative(draw)
    grown = 60 if subject.en.split()[-1].startswith("grand") else 20
    years = draw.random.randint(grown if subject.heads else 2, 99)
    if subject.plural:
        return age(draw)
    old = Phrase(f"{numbers.english(years)} years old", f"{numbers.french(years)} ans")
    return Clause(subject, BE_AVOIR, draw.weighted({"present": 4, "imperfect": 1, "future": 1}), rest=(old,)).say()


@construction(3)
def price(draw: Draw) -> Phrase:
    """This hat costs eighty euros."""
    noun = draw.pick(nouns(["wear", "owned", "machine", "furniture", "instrument"]))
    subject = draw.thing(noun, "the", "this", adjective=0.4)
    euros = draw.random.choice([*range(11, 99), *range(100, 990, 10)])
    cost = Verb("cost", "coûter", flags=frozenset({"state"}))
    amount = Phrase(f"{numbers.english(euros)} euros", f"{numbers.french(euros)} euros")
    return Clause(subject, cost, draw.one("present", "present", "future"), rest=(amount,)).say()


@construction(3)
def weather(draw: Draw) -> Phrase:
    """It was cold in Canada yesterday."""
    faire = Verb("be", "faire", flags=frozenset({"state"}))
    tense = draw.weighted({"present": 4, "imperfect": 3, "future": 3})
    rest: list[Phrase] = []
    if draw.chance(0.6):
        degree = draw.pick(FIXED["degree"][:2])
        rest.append(prefixed(degree.en, degree.fr, phrase(draw.pick(FIXED["heat"]))))
    else:
        rest.append(phrase(draw.pick([*FIXED["heat"], *FIXED["sky"]])))
    if draw.chance(0.6):
        rest.append(draw.place("far", "nature"))
    if draw.chance(0.5):
        rest.append(THE_DAY[tense])
    return Clause(NounPhrase("it", "il"), faire, tense, negation=draw.one("", "", "not"), rest=tuple(rest)).say()


@construction(6)
def taste(draw: Draw) -> Phrase:
    """She likes red apples, elle aime les pommes rouges."""
    subject = draw.somebody()
    verb = draw.pick([verb for verb in verbs("taste") if verb.en != "prefer"])
    clause = Clause(subject, verb, draw.one("present", "present", "imperfect"), object=draw.object(verb, subject))
    return replace(clause, negation=draw.one("", "", "not") if verb.en == "like" else "").say()


@construction(3)
def preference(draw: Draw) -> Phrase:
    """I prefer tea to coffee, je préfère le thé au café."""
    subject = draw.somebody()
    verb = next(verb for verb in verbs("taste") if verb.en == "prefer")
    better, worse = draw.object(verb, subject), draw.object(verb, subject)
    alike = noun_named(better.heads[0]).tags & noun_named(worse.heads[0]).tags & {"fruit", "dish", "drink", "wear"}
    if not alike or better.en == worse.en:
        return preference(draw)
    said = Clause(subject, verb, object=better).say().then(prefixed("to", "à", worse))
    return replace(said, pairs=said.pairs | {(verb.en, worse.heads[0])})


@construction(4)
def need(draw: Draw) -> Phrase:
    """I need a pen, j'ai besoin d'un stylo; I need milk, j'ai besoin de lait."""
    subject = draw.somebody()
    noun = draw.pick(nouns(["portable", "tool", "machine", "grocery", "owned", "wear"]))
    determiners = ("a",) if noun.mass else ("a", "this", draw.own(subject))
    thing = draw.thing(noun, *determiners, adjective=0.3)
    # "de" swallows du, de la and des.
    swallowed = thing.negated and (noun.mass or thing.plural)
    what = Phrase(thing.en, f"besoin {thing.negated}" if swallowed else f"besoin de {thing.fr}", pairs=thing.pairs)
    tense = draw.weighted({"present": 5, "future": 1, "imperfect": 1})
    return Clause(subject, NEED, tense, negation="not" if draw.chance(0.25) else "", rest=(what,)).say()


@construction(3)
def fear(draw: Draw) -> Phrase:
    """He is afraid of the dog, il a peur du chien."""
    noun = draw.pick(nouns(["animal", "exam", "dentist", "sea", "forest"]))
    thing = draw.thing(noun, "the", "this", adjective=0.3) if "animal" in noun.tags else noun_phrase(noun, "the")
    what = Fixed(f"afraid of {thing.en}", f"peur de {thing.fr}")
    clause = feel(draw.somebody(), what, draw.one("present", "present", "imperfect"), draw.one("", "", "not"))
    said = clause.say()
    return Phrase(said.en, said.fr, said.clauses, thing.pairs)


@construction(5)
def pain(draw: Draw) -> Phrase:
    """Her back hurts, elle a mal au dos."""
    subject = draw.somebody()
    noun = draw.pick(nouns(["body"]))
    plural = "pains" in noun.tags or ("limb" in noun.tags and draw.chance(0.4))
    if subject.plural and (not plural or subject not in PRONOUNS):
        return pain(draw)
    # "Her legs hurt" would be present and past.
    tense = "present" if plural else draw.one("present", "imperfect")
    whose = draw.own(subject) if subject in PRONOUNS else f"{subject.en}'s"
    part = NounPhrase(f"{whose} {noun.en_plural if plural else noun.en}", "", plural=plural)
    hurts = Clause(part, Verb("hurt", "avoir", flags=frozenset({"state"})), tense)
    aches = Clause(subject, HAVE, tense, rest=(Phrase("", f"mal à {noun_phrase(noun, 'the', plural=plural).fr}"),))
    return Phrase(hurts.english(), aches.french(), (frozenset({"main", tense}),))
