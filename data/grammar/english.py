"""English word forms: plural, third person, -ing, past, comparison, a or an."""

import re

from .tables import rows

_IRREGULAR = {base: (past, participle) for base, past, participle in rows("english_verbs.txt")}
# One syllable, one vowel, one consonant: the consonant doubles. And so do these.
_DOUBLED = re.compile(r"[^aeiou]*[aeiou][bdglmnprt]$|.*(?:begin|forget|prefer|travel)$")


def sew(text: str) -> str:
    """Choose between a and an."""
    return re.sub(r"\ba (?=[aeiou])(?!uni|use|one)|\ba (?=hour|honest)", "an ", text)


def plural(noun: str) -> str:
    """The regular plural of a noun."""
    if re.search("[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def _inflect_first(verb: str, inflect: dict[str, str], regular: str) -> str:
    """The first word of "look for" carries the ending."""
    first, _, particle = verb.partition(" ")
    return f"{inflect.get(first, regular)} {particle}".rstrip()


def third_person(verb: str) -> str:
    """He eats, goes, carries, has."""
    first = verb.split()[0]
    regular = plural(first) if not first.endswith("o") else first + "es"
    return _inflect_first(verb, {"have": "has"}, regular)


def ing(verb: str) -> str:
    """Eating, writing, running."""
    first = verb.split()[0]
    if first.endswith("e") and first not in ("be", "see"):
        regular = first[:-1] + "ing"
    else:
        regular = first + (first[-1] if _DOUBLED.match(first) else "") + "ing"
    return _inflect_first(verb, {}, regular)


def _ed(verb: str) -> str:
    if re.search("[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    if verb.endswith("e"):
        return verb + "d"
    return verb + (verb[-1] if _DOUBLED.match(verb) else "") + "ed"


def past(verb: str) -> str:
    """Ate, washed."""
    return _inflect_first(verb, {base: forms[0] for base, forms in _IRREGULAR.items()}, _ed(verb.split()[0]))


def participle(verb: str) -> str:
    """Eaten, washed."""
    return _inflect_first(verb, {base: forms[1] for base, forms in _IRREGULAR.items()}, _ed(verb.split()[0]))


def comparative(adjective: str) -> str:
    """Bigger, prettier, more expensive."""
    return _compared(adjective, {"good": "better", "bad": "worse", "dry": "drier"}, "er", "more")


def superlative(adjective: str) -> str:
    """Biggest, prettiest, most expensive."""
    return _compared(adjective, {"good": "best", "bad": "worst", "dry": "driest"}, "est", "most")


def _compared(adjective: str, irregular: dict[str, str], ending: str, word: str) -> str:
    if adjective in irregular:
        return irregular[adjective]
    syllables = len(re.findall("[aeiouy]+", adjective.removesuffix("e")))
    if adjective.endswith("y") and syllables == 2:
        return adjective[:-1] + "i" + ending
    if syllables > 1 or adjective in ("useful", "bored", "tired"):
        return f"{word} {adjective}"
    stem = adjective.removesuffix("e")
    if _DOUBLED.match(adjective) and len(adjective) <= 4:
        stem += adjective[-1]
    return stem + ending
