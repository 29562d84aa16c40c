"""Constructions that order, forbid or suggest."""

from . import french
from .clauses import DATIVE, DIRECT, Clitic
from .draw import Draw, phrase
from .events import listed
from .lexicon import FIXED, LISTS, Verb, verbs
from .phrases import WE, YOU, NounPhrase, Phrase, joined
from .registry import construction

_STRONG = {"me": "moi"}
_NOTHING = Phrase("", "")
_PLEASE = Phrase(", please", ", s'il te plaît")
_TO_OTHERS = [clitic for clitic in DATIVE if clitic.en != "you"]
_OTHERS = [clitic for clitic in DIRECT if clitic.en != "you"]


def _order(verb: Verb, *, clitic: Clitic | None = None, thing: NounPhrase | None = None, negative: bool) -> Phrase:
    """Give her the key, donne-lui la clé; don't give her the key, ne lui donne pas la clé."""
    do = french.imperative(verb.infinitive)[0]
    en = " ".join(part.en for part in (clitic, thing) if part)
    features = {"main", "imperative"} | ({"clitic"} if clitic else set())
    pairs = thing.pairs | {(verb.en, head) for head in thing.heads} if thing else frozenset[tuple[str, str]]()
    if negative:
        words = ["ne", clitic.fr if clitic else "", do, "pas", (thing.negated or thing.fr) if thing else ""]
        fr = " ".join(word for word in words if word)
        return Phrase(f"don't {verb.en} {en}", fr, (frozenset(features | {"negation"}),), pairs)
    strong = f"-{_STRONG.get(clitic.fr, clitic.fr)}" if clitic else ""
    return Phrase(f"{verb.en} {en}", f"{do}{strong} {thing.fr if thing else ''}".strip(), (frozenset(features),), pairs)


@construction(7)
def order(draw: Draw) -> Phrase:
    """Open the window, please; don't close the door."""
    verb = draw.pick(listed("ordered"))
    said = _order(verb, thing=draw.object(verb, YOU), negative=draw.chance(0.35))
    polite = _PLEASE if not said.en.startswith("don't") and draw.chance(0.4) else _NOTHING
    return Phrase(said.en + polite.en, said.fr + polite.fr, said.clauses, said.pairs)


@construction(5)
def order_with_pronoun(draw: Draw) -> Phrase:
    """Help me; don't wait for her."""
    verb = draw.pick(listed("ordered for somebody"))
    said = _order(verb, clitic=draw.pick(_OTHERS), negative=draw.chance(0.45))
    return said.then(draw.time("future", verb, "not")) if draw.chance(0.6) else said


@construction(6)
def order_to_give(draw: Draw) -> Phrase:
    """Give me the key; don't show her the letter."""
    verb = draw.pick([verb for verb in verbs("to") if verb.en != "sell"])
    return _order(verb, clitic=draw.pick(_TO_OTHERS), thing=draw.object(verb, YOU), negative=draw.chance(0.3))


@construction(5)
def suggestion(draw: Draw) -> Phrase:
    """Let's watch a film, regardons un film."""
    verb = draw.pick(listed("suggested"))
    thing = draw.object(verb, WE) if verb.objects else None
    pairs = frozenset((verb.en, head) for head in thing.heads) if thing else frozenset[tuple[str, str]]()
    tail: list[Phrase] = [thing] if thing else []
    if verb.places and ("move" in verb.flags or draw.chance(0.5)):
        tail.append(draw.place_for(verb))
    if draw.chance(0.4):
        tail.append(draw.time("future"))
    go = french.imperative(verb.infinitive)[1]
    return joined(Phrase(f"let's {verb.en}", go, (frozenset({"main", "imperative"}),), pairs), *tail)


@construction(3)
def reflexive_order(draw: Draw) -> Phrase:
    """Wake up, please, réveille-toi; don't go to bed now, ne te couche pas maintenant."""
    verb = draw.pick([verb for verb in verbs("self") if verb.en not in LISTS["childish"]])
    do = french.imperative(verb.infinitive)[0]
    if draw.chance(0.4):
        said = Phrase(f"don't {verb.en}", f"ne te {do} pas", (frozenset({"main", "imperative", "negation"}),))
    else:
        said = Phrase(verb.en, f"{do}-toi", (frozenset({"main", "imperative"}),))
    if draw.chance(0.3):
        return Phrase(said.en + _PLEASE.en, said.fr + _PLEASE.fr, said.clauses)
    return said.then(phrase(draw.pick(FIXED["moment"])))
