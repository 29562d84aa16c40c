"""Phrases in both languages, and noun phrases with determiner and adjectives."""

from dataclasses import dataclass, replace

from . import french
from .lexicon import Adjective, Noun


@dataclass(frozen=True)
class Phrase:
    """English and French side by side, with what the corpus is split by.

    `clauses` holds, for each finite clause, the set of its properties ("main", "negation", ...); `pairs` the pairs of
    words that stand together: (adjective, noun) and (verb, object).
    """

    en: str
    fr: str
    clauses: tuple[frozenset[str], ...] = ()
    pairs: frozenset[tuple[str, str]] = frozenset()

    def then(self, other: "Phrase") -> "Phrase":
        """This phrase and the other one, one after the other."""
        return Phrase(
            f"{self.en} {other.en}".strip(),
            f"{self.fr} {other.fr}".strip(),
            self.clauses + other.clauses,
            self.pairs | other.pairs,
        )


def joined(*phrases: Phrase) -> Phrase:
    """All the phrases in order."""
    result = Phrase("", "")
    for phrase in phrases:
        result = result.then(phrase)
    return result


@dataclass(frozen=True)
class NounPhrase(Phrase):
    """A phrase with person, number and gender.

    `negated` is its French under "pas" (un chat, pas de chat), if that differs; `heads` are its nouns in English.
    """

    person: int = 3
    plural: bool = False
    feminine: bool = False
    negated: str = ""
    heads: tuple[str, ...] = ()

    @property
    def slot(self) -> int:
        """Its place among je, tu, il, nous, vous, ils: 0 to 5."""
        return self.person - 1 + (3 if self.plural else 0)

    def followed_by(self, tail: Phrase) -> "NounPhrase":
        """The same noun phrase with something after it, such as a relative clause."""
        whole = self.then(tail)
        negated = f"{self.negated} {tail.fr}" if self.negated else ""
        return replace(self, en=whole.en, fr=whole.fr, clauses=whole.clauses, pairs=whole.pairs, negated=negated)


def prefixed(en: str, fr: str, phrase: Phrase) -> Phrase:
    """A phrase with a preposition or conjunction before it."""
    return Phrase(en, fr).then(phrase)


I = NounPhrase("I", "je", person=1)  # noqa: E741
YOU = NounPhrase("you", "tu", person=2)
HE = NounPhrase("he", "il")
SHE = NounPhrase("she", "elle", feminine=True)
IT = NounPhrase("it", "il")
WE = NounPhrase("we", "nous", person=1, plural=True)
THEY = NounPhrase("they", "ils", plural=True)
PRONOUNS = [I, YOU, HE, SHE, WE, THEY]
NAMES = [
    *(NounPhrase(name, name) for name in ("Paul", "Lucas", "Thomas", "Louis")),
    *(NounPhrase(name, name, feminine=True) for name in ("Marie", "Anna", "Julie", "Emma")),
]

# masculine, feminine, plural; "this" and the possessives have a form of their own before a vowel
_DETERMINERS = {
    "the": ("le", "la", "les"),
    "a": ("un", "une", "des"),
    "this": ("ce", "cette", "ces"),
    "my": ("mon", "ma", "mes"),
    "your": ("ton", "ta", "tes"),
    "his": ("son", "sa", "ses"),
    "her": ("son", "sa", "ses"),
    "our": ("notre", "notre", "nos"),
    "their": ("leur", "leur", "leurs"),
}
_BEFORE_VOWEL = {"ce": "cet", "ma": "mon", "ta": "ton", "sa": "son"}
_QUANTITIES = {
    "many": "beaucoup de",
    "too many": "trop de",
    "several": "plusieurs",
    "a few": "quelques",
    "a lot of": "beaucoup de",
    "too much": "trop de",
    "enough": "assez de",
    "how many": "combien de",
    "": "",
}
POSSESSIVES = ("my", "your", "his", "her", "our", "their")
NUMBERS = {
    **dict(zip(("two", "three", "four", "five", "six"), ("deux", "trois", "quatre", "cinq", "six"), strict=True)),
    **dict(zip(("seven", "eight", "nine", "ten", "twelve"), ("sept", "huit", "neuf", "dix", "douze"), strict=True)),
}


def _french_determiner(determiner: str, noun: Noun, plural: bool, next_word: str, adjective_first: bool) -> str:
    if determiner in NUMBERS or determiner in _QUANTITIES:
        return NUMBERS.get(determiner) or _QUANTITIES[determiner]
    if determiner == "a" and plural and adjective_first:
        return "de"
    if determiner == "a" and noun.mass:
        return "de la" if noun.feminine else "de le"
    if determiner == "every":
        return "toutes les" if noun.feminine else "tous les"
    forms = _DETERMINERS["the" if determiner == "all" else determiner]
    form = forms[2] if plural else forms[noun.feminine]
    return _BEFORE_VOWEL.get(form, form) if french.before_vowel(next_word) else form


def _english_determiner(determiner: str, noun: Noun, plural: bool) -> str:
    if determiner == "all" or (determiner == "a" and (plural or noun.mass)):
        return ""
    return "these" if determiner == "this" and plural else determiner


def noun_phrase(
    noun: Noun, determiner: str, *, plural: bool = False, adjectives: tuple[Adjective, ...] = ()
) -> NounPhrase:
    """A noun with its determiner and adjectives.

    "a" is the indefinite (zero in the English plural, the partitive for mass nouns), "all" the whole kind (zero in
    English, the definite article in French), "" no determiner at all; the others are called by their English name.
    """
    plural = plural or determiner in NUMBERS or "plural" in noun.tags
    fr_noun = noun.fr_plural if plural else noun.fr
    before = [adjective for adjective in adjectives if adjective.before]
    words: list[str] = [fr_noun]
    for adjective in reversed(before):
        words.insert(0, adjective.agree(noun.feminine, plural, followed_by=words[0]))
    words += [adjective.agree(noun.feminine, plural) for adjective in adjectives if not adjective.before]
    rest = " ".join(words)
    fr_determiner = _french_determiner(determiner, noun, plural, words[0], bool(before))
    en_noun = noun.en_plural if plural else noun.en
    en = [_english_determiner(determiner, noun, plural), *(adjective.en for adjective in adjectives), en_noun]
    return NounPhrase(
        " ".join(word for word in en if word),
        f"{fr_determiner} {rest}".strip(),
        pairs=frozenset((adjective.en, noun.en) for adjective in adjectives),
        plural=plural,
        feminine=noun.feminine,
        negated=f"de {rest}" if determiner == "a" else "",
        heads=(noun.en,),
    )
