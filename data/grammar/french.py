"""French word forms: conjugation, agreement, elision and contraction."""

import re

from .tables import rows

_IRREGULAR = {row[0]: row[1:] for row in rows("french_verbs.txt")}
_ASPIRATED = ("hamster", "haricot", "harpe", "hache", "haut", "héros", "hibou", "huit", "hors")
_NO_ELISION = (*_ASPIRATED, "yaourt", "onze")
_BEFORE_VOWEL = re.compile(rf"(?!{'|'.join(_NO_ELISION)})(?:[aeiouâàéèêëîïôùûœhAEIOUÉÎ]|y\b)")
_ELIDED = re.compile(rf"(?<![-\w'])(je|me|te|se|ne|le|la|de|que|ce) (?={_BEFORE_VOWEL.pattern})")
_CONTRACTED = {"de le": "du", "de les": "des", "à le": "au", "à les": "aux"}


def before_vowel(word: str) -> bool:
    """Whether a word is elided before `word`."""
    return _BEFORE_VOWEL.match(word) is not None


def sew(text: str) -> str:
    """Elide and contract: "de le ami" is "de l'ami", "à le chat" is "au chat"."""
    text = _ELIDED.sub(lambda match: match[1][:-1] + "'", text)
    text = re.sub(r"\bsi (?=ils?\b)", "s'", text)
    return re.sub(r"\b(de|à) (le|les)\b(?!')", lambda match: _CONTRACTED[match[0]], text)


def plural(word: str) -> str:
    """The regular plural of a noun or adjective."""
    if word[-1] in "sxz":
        return word
    if word.endswith(("eau", "eu")):
        return word + "x"
    return word[:-2] + "aux" if word.endswith("al") else word + "s"


def feminine(word: str) -> str:
    """The regular feminine of an adjective or participle."""
    if word.endswith("e"):
        return word
    if word.endswith("eux"):
        return word[:-1] + "se"
    return word[:-2] + "ère" if word.endswith("er") else word + "e"


def agreeing(participle: str, is_feminine: bool, is_plural: bool) -> str:
    """The participle in the given gender and number."""
    if is_feminine:
        participle = feminine(participle)
    return plural(participle) if is_plural else participle


def _entry(verb: str) -> list[str] | None:
    entry = _IRREGULAR.get(verb)
    if entry and entry[0].startswith("like "):
        model = entry[0].removeprefix("like ")
        # The part the two do not share stands before a common ending: apprendre, prendre; construire, conduire.
        shared = next(length for length in range(len(verb) - 1, 0, -1) if model.endswith(verb[-length:]))
        old, new = model[:-shared], verb[:-shared]
        return [" ".join(new + form[len(old) :] for form in cell.split()) for cell in _IRREGULAR[model]]
    return entry


def _stem_before_e(verb: str) -> str:
    """The stem of an -er verb before a silent e: achète, préfère, appelle, nettoie, paie."""
    stem = verb[:-2]
    if stem.endswith(("appel", "jet")):
        return stem + stem[-1]
    if stem.endswith(("ay", "oy", "uy")):
        return stem[:-1] + "i"
    return re.sub(r"[eé]([cglmnprtv])$", r"è\1", stem)


def _stem_before_a_o(verb: str) -> str:
    """The stem of an -er verb before a or o: mangeons, commençons."""
    stem = verb[:-2]
    return stem + "e" if stem.endswith("g") else re.sub("c$", "ç", stem)


def present(verb: str) -> list[str]:
    """The six persons of the présent."""
    if entry := _entry(verb):
        return entry[0].split()
    stem = verb[:-2]
    if verb.endswith("er"):
        weak = _stem_before_e(verb)
        return [weak + "e", weak + "es", weak + "e", _stem_before_a_o(verb) + "ons", stem + "ez", weak + "ent"]
    if verb.endswith("ir"):
        return [stem + ending for ending in ("is", "is", "it", "issons", "issez", "issent")]
    return [stem + ending for ending in ("s", "s", "", "ons", "ez", "ent")]


def participle(verb: str) -> str:
    """The past participle, masculine singular."""
    if entry := _entry(verb):
        return entry[2]
    return verb[:-2] + {"er": "é", "ir": "i", "re": "u"}[verb[-2:]]


def _future_stem(verb: str) -> str:
    if entry := _entry(verb):
        return entry[1]
    if verb.endswith("er"):
        # préférer keeps its é in the future: préférera.
        return (verb[:-2] if re.search(r"é\w$", verb[:-2]) else _stem_before_e(verb)) + "er"
    return verb.removesuffix("e")


_IMPERFECT_ENDINGS = ("ais", "ais", "ait", "ions", "iez", "aient")


def imperfect(verb: str) -> list[str]:
    """The six persons of the imparfait."""
    stem = "ét" if verb == "être" else present(verb)[3].removesuffix("ons")
    forms = [stem + ending for ending in _IMPERFECT_ENDINGS]
    # mangions and commencions need no help before the i.
    return [re.sub(r"ge(?=i)", "g", re.sub(r"ç(?=i)", "c", form)) for form in forms]


def future(verb: str) -> list[str]:
    """The six persons of the futur simple."""
    return [_future_stem(verb) + ending for ending in ("ai", "as", "a", "ons", "ez", "ont")]


def conditional(verb: str) -> list[str]:
    """The six persons of the conditionnel présent."""
    return [_future_stem(verb) + ending for ending in _IMPERFECT_ENDINGS]


def imperative(verb: str) -> tuple[str, str]:
    """The imperative for tu and for nous."""
    forms = present(verb)
    irregular = {"être": ("sois", "soyons"), "avoir": ("aie", "ayons"), "aller": ("va", "allons")}
    singular = forms[1].removesuffix("s") if forms[1].endswith("es") else forms[1]
    return irregular.get(verb, (singular, forms[3]))
