"""What follows "be", modal verbs, and other small parts that many constructions share."""

from .clauses import BE, BE_AVOIR, Clause, Clitic, Modal
from .draw import Draw
from .events import event
from .lexicon import ADJECTIVES, FIXED, LISTS, NOUNS, Adjective, Fixed, Noun, nouns
from .phrases import HE, PRONOUNS, SHE, NounPhrase, Phrase, noun_phrase, prefixed

STATES = [adjective for adjective in ADJECTIVES if "state" in adjective.tags]
WANT = Modal("want to", "vouloir")
CAN = Modal("can", "pouvoir", past="could", future="will be able to")
MUST = Modal("must", "devoir", past="had to", future="will have to")
LIKE = Modal("like to", "aimer")
PREFER = Modal("prefer to", "préférer")
WOULD_LIKE = Modal("would like to", "vouloir")
_TASTES = [LIKE, PREFER, Modal("love to", "adorer"), Modal("hate to", "détester")]
_MODALS = [WANT, CAN, MUST, Modal("hope to", "espérer"), *_TASTES]
THE_DAY = {
    "present": Phrase("today", "aujourd'hui"),
    "imperfect": Phrase("yesterday", "hier"),
    "future": Phrase("tomorrow", "demain"),
}
_NOUNS = {noun.en: noun for noun in NOUNS}


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


def feel(subject: NounPhrase, what: Fixed, tense: str = "present", negation: str = "", role: str = "main") -> Clause:
    """Somebody is hungry, thirsty, right: avoir in French."""
    noun = what.fr.replace("de la ", "de ") if negation else what.fr
    return Clause(subject, BE_AVOIR, tense, negation=negation, rest=(Phrase(what.en, noun),), role=role)


def spot(draw: Draw, *, inside: bool = True) -> Phrase:
    """On the table, in the drawer, behind the armchair."""
    if inside and draw.chance(0.35):
        return prefixed("in", "dans", noun_phrase(draw.pick(nouns(["inside"])), draw.one("the", "the", "my", "your")))
    preposition = draw.random.choice(FIXED["spot"])
    tags = [preposition.en] if preposition.en in ("on", "under") else ["furniture", "on", "opening"]
    return prefixed(preposition.en, preposition.fr, noun_phrase(draw.pick(nouns(tags)), "the"))


def noun_named(name: str) -> Noun:
    """The noun with this English name."""
    return _NOUNS[name]


def coreferent(subject: NounPhrase) -> NounPhrase:
    """The pronoun for the subject; "they" is elles where the noun is feminine."""
    if subject in PRONOUNS:
        return subject
    if subject.plural:
        return NounPhrase("they", "elles" if subject.feminine else "ils", plural=True, feminine=subject.feminine)
    return SHE if subject.feminine else HE


def it_or_them(thing: NounPhrase) -> Clitic:
    """The object pronoun for a thing just named."""
    if thing.plural:
        return Clitic("them", "les", plural=True, feminine=thing.feminine)
    return Clitic("it", "la" if thing.feminine else "le", feminine=thing.feminine)


def modal_event(draw: Draw) -> Clause:
    """An action that somebody wants, can, must or likes to do."""
    modal = draw.pick(_MODALS)
    planned = modal in (WANT, CAN, MUST)
    clause = event(draw, "going to", negation=0, time=0.3 if planned else 0)
    known = clause.object is not None and clause.object.en.split()[0] in ("the", "this", "these")
    pointless = modal not in (WANT, MUST) and clause.verb.en in LISTS["goes without saying"]
    if pointless or (modal in _TASTES and ("habit" not in clause.verb.flags or known)):
        return modal_event(draw)
    negative = ""
    tense = "present"
    if modal in (WANT, CAN, LIKE) and not clause.rest and draw.chance(0.3):
        negative = "not"
    elif planned and not clause.rest and draw.chance(0.3):
        tense = "imperfect" if modal is WANT else draw.one("imperfect", "future")
    return Clause(clause.subject, clause.verb, tense, modal, negative, object=clause.object, rest=clause.rest)
