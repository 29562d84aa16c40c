"""Checks of French and English sentences: regular expressions and tables independent of the corpus generator."""

import re
from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).parent


def table(name: str) -> list[list[str]]:
    """The rows of a text file next to this one, as words."""
    lines = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


# Omitted: words with two genders or meanings, such as livre, carte, élève. Of compounds, the first word counts.
MASCULINE = {word for gender, *words in table("genders.txt") for word in words if gender == "m"}
FEMININE = {word for gender, *words in table("genders.txt") for word in words if gender == "f"}
_FORMS: dict[str, list[list[str]]] = {}
for _forms in table("adjectives.txt"):
    for _form in {*_forms, *({"beau": ["bel"], "nouveau": ["nouvel"], "vieux": ["vieil"]}.get(_forms[0], []))}:
        _FORMS.setdefault(_form, []).append(_forms)
_SPECIAL = {"bel": "beau", "nouvel": "nouveau", "vieil": "vieux"}
_IRREGULAR_PLURALS = {"yeux": "œil", "chevaux": "cheval", "journaux": "journal", "hiboux": "hibou", "genoux": "genou"}

_ASPIRATED = r"(?:haricots?|héros|hibou|hache|harpe|hamster|haut|huit|honte|onze|yaourt)"
_VOWEL = rf"(?!{_ASPIRATED})(?:[aeiouâàéèêëîïôùûœh]|y(?= ))"

_PATTERNS = {
    "elision": rf"(?<![-\w'])(?:je|me|te|se|ne|le|la|de|que) (?!oui){_VOWEL}|\bsi ils?\b|\bce (?:est|était)\b",
    "false elision": rf"\b(?:[ldjmtnsc]|qu)'(?:[bcdfgjklmnpqrstvwxz]|{_ASPIRATED})",
    "contraction": r"(?<![-\w])(?:de|à) les?\b",
    "cet": rf"(?<!-)\bce {_VOWEL}|\bcet (?!{_VOWEL})",
    "mon, ma": rf"\b(?:ma|ta|sa) {_VOWEL}",
    "bel": rf"\b(?:bel|nouvel|vieil) (?!{_VOWEL})|\b(?:un|ce|le|mon|ton|son) (?:beau|nouveau|vieux) {_VOWEL}",
    # except être, which keeps the article, and jouer and parler, which keep de
    "de after a negation": r"\bn(?:e |')(?!ét|est|es |suis|som|son|ser|jou|parl|\w+ pas (?:jou|parl))"
    r"(?:les? |la |l'|me |te |lui |leur |nous |y )?\w+ (?:pas|jamais|plus) "
    r"(?:\w+(?:[éiut]|pris) )?(?:une?\b|du\b|des\b|de la\b|de l')",
    "de after a quantity": r"\b(?:beaucoup|trop|assez|combien) (?:des|du|de la|de l')\b(?! place)",
    "de before an adjective": r"(?<!peur )(?<!besoin )\bdes "
    r"(?:petite?s|grande?s|beaux|belles|nouvelles|nouveaux|vieux|vieilles|bons|bonnes|jolie?s)\b",
    "punctuation": r"[’\u00a0\u202f]|  |(?<! )[?!]|\s[.,]|[^.?!]$|^\s|\s$",
    "participle: elle": r"\b[Ee]lle (?:ne |n')?(?:s'|y |s'y )?(?:est|sera|était) (?:(?:pas|jamais|encore|déjà) )*"
    r"(?:all|arriv|rest|rentr|tomb|lev|réveill|couch|repos|promen|amus|dépêch|lav)é\b|"
    r"\b[Ee]lle (?:n')?est (?:pas |déjà )*(?:parti|sorti|venu|revenu)\b",
    "participle: ils": r"\b(?:[Ii]ls|[Nn]ous) (?:ne |n')?(?:se |nous |y )*(?:sont|sommes) "
    r"(?:(?:pas|jamais|encore|déjà) )*(?:\w+é|parti|sorti|venu|revenu)\b",
    "participle before avoir": r"\bles (?:a|ai|as|avons|ont) \w+(?:[éu]|[^r]i)(?=[ .])",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}

_MASCULINE_WORDS = {"un", "le", "ce", "cet", "du", "au", "tous"}
_FEMININE_WORDS = {"une", "la", "cette", "ma", "ta", "sa", "toutes"}
_PLURAL_WORDS = {"les", "des", "ces", "mes", "tes", "ses", "nos", "leurs", "aux", "plusieurs", "quelques"}


def _noun(word: str) -> tuple[str, bool, bool] | None:
    """A noun of the tables: its singular, whether it is feminine, whether it is plural."""
    for singular, plural in ((word, False), (_IRREGULAR_PLURALS.get(word, word[:-1]), True)):
        regular = not plural or word in _IRREGULAR_PLURALS or word[-1] in "sx"
        if regular and singular in FEMININE | MASCULINE:
            return singular, singular in FEMININE, plural
    return None


def _agreement(sentence: str) -> Iterator[str]:
    words = re.findall(r"[\w-]+'?", sentence.lower())
    for position, word in enumerate(words):
        noun = _noun(word)
        if noun is None or word in (
            "souris",
            "héros",
            "ours",
            "ananas",
            "fils",
            "jus",
            "bras",
            "dos",
            "riz",
            "lunettes",
            "avions",
        ):
            continue
        singular, feminine, plural = noun
        before = position - 1
        while before > 0 and words[before] in _FORMS:
            yield from _adjective(words[before], feminine, plural, singular)
            before -= 1
        determiner = words[before] if before >= 0 else ""
        starts_with_vowel = re.match(_VOWEL, words[before + 1]) is not None
        wrong = _MASCULINE_WORDS - {"tous"} if feminine else _FEMININE_WORDS - {"toutes"}
        if feminine and not plural and determiner in ("mon", "ton", "son") and not starts_with_vowel:
            yield f"mon, ma: {determiner} {singular}"
        if determiner in wrong and not (determiner == "la" and words[before - 1] == "de" and plural):
            yield f"gender: {determiner} {word}"
        if plural and determiner in _MASCULINE_WORDS | _FEMININE_WORDS - {"tous", "toutes"}:
            yield f"number: {determiner} {word}"
        if not plural and determiner in _PLURAL_WORDS:
            yield f"number: {determiner} {word}"
        if determiner and position + 1 < len(words) and words[position + 1] in _FORMS:
            yield from _adjective(words[position + 1], feminine, plural, singular)


def _adjective(form: str, feminine: bool, plural: bool, noun: str) -> Iterator[str]:
    column = feminine + 2 * plural
    allowed = [forms[column] for forms in _FORMS[form]]
    if form in _SPECIAL:
        allowed = [] if feminine or plural else [form]
    if form not in allowed:
        yield f"agreement: {noun} {form}"


def french_faults(sentence: str) -> list[str]:
    """Mistakes in a French sentence."""
    lowered = sentence[:1].lower() + sentence[1:]
    faults = [f"{name}: {match[0]}" for name, pattern in _COMPILED.items() if (match := pattern.search(lowered))]
    return faults + list(_agreement(sentence)) + list(_predicates(lowered)) + list(_persons(sentence))


_SUBJECT = re.compile(
    r"(?:^|, |[a-z] )(le|la|l'|cette|cet|ce|les|ces|mes|tes|ses|nos|leurs|ma|ta|sa|mon|ton|son) ?([\w-]+) "
    r"(?:ne |n')?(est|sont|était|étaient|sera|seront) (?:pas |très |trop |assez |plus |aussi )*([\w-]+)(?=[ .,?])"
)


def _predicates(sentence: str) -> Iterator[str]:
    """The garden is big: the verb and the adjective agree with the subject."""
    match = _SUBJECT.match(sentence)
    noun = _noun(match[2]) if match else None
    if match is None or noun is None:
        return
    singular, feminine, plural = noun
    if match[1] in ("les", "ces", "mes", "tes", "ses", "nos", "leurs"):
        plural = True
    if (match[3] in ("sont", "étaient", "seront")) != plural:
        yield f"number: {singular} {match[3]}"
    if match[4] in _FORMS:
        yield from _adjective(match[4], feminine, plural, singular)


_CLITICS = {"ne", "n'", "me", "m'", "te", "t'", "se", "s'", "le", "la", "l'", "les", "lui", "leur", "nous", "y", "en"}
# how a verb ends after each pronoun
_ENDINGS = {
    "je": r"(?:e|ai|x|(?<!on)s)$",
    "tu": r"[sx]$",
    "il": r"(?:[tdea]|c)$(?<!nt)|(?:vient|tient|revient|sent|peint)$",
    "nous": r"(?:ons|sommes)$",
    "ils": r"nt$",
}
_PRONOUNS = {"je": "je", "j'": "je", "tu": "tu", "il": "il", "elle": "il", "nous": "nous", "ils": "ils", "elles": "ils"}


def _persons(sentence: str) -> Iterator[str]:
    """The verb after a subject pronoun ends as that person's does."""
    words = re.findall(r"[\w-]+'?", sentence.lower())
    for position, word in enumerate(words):
        # "nous" is a subject only where a clause can begin
        begins = position == 0 or words[position - 1] in _BEFORE_A_SUBJECT
        if word not in _PRONOUNS or (word in ("nous", "elle", "elles") and not begins):
            continue
        verb = next((following for following in words[position + 1 :] if following not in _CLITICS), "")
        if verb and not re.search(_ENDINGS[_PRONOUNS[word]], verb):
            yield f"person: {word} {verb}"


_BEFORE_A_SUBJECT = {"que", "qu'", "et", "mais", "si", "s'", "quand", "où", "dont", "pourquoi", "comment"}

_PAST = {word for line in table("past_forms.txt") for word in line}
_AUXILIARIES = {"can", "could", "must", "will", "would", "never", "always", "often", "sometimes", "no"}


def _third_person(sentence: str) -> Iterator[str]:
    """He eats; I, you, we and they eat."""
    match = re.match(
        r"(He|She|It|I|You|We|They) (?:(?:always|often|sometimes|never|no longer|just) )?([\w']+)", sentence
    )
    if match is None or match[2] in _PAST | _AUXILIARIES | {"had"} or match[2].endswith(("ed", "n't")):
        return
    singular = match[1] in ("He", "She", "It")
    if match[2].endswith("s") != singular and match[2] not in ("was", "miss", "discuss", "were", "sing"):
        yield f"third person: {match[1]} {match[2]}"
    if match[2] in ("feed", "need") and singular:
        yield f"third person: {match[1]} {match[2]}"


_ENGLISH = {
    "a": re.compile(r"\ba (?=[aeiou])(?!university|useful|uniform|one\b)|\ba (?=hour|honest)", re.I),
    "an": re.compile(r"\ban (?![aeiou]|hour|honest)|\ban (?=university|useful)", re.I),
    "be": re.compile(r"\b(?:he|she|it) (?:am|are)\b|\b(?:we|they|you) (?:is|was)\b|\bI (?:is|are)\b", re.I),
    "do": re.compile(
        r"\b(?i:do|does|did|will|don't|doesn't|didn't|won't) (?:(?:I|you|he|she|it|we|they) )?"
        r"(?:went|saw|ate|bought|has|had|is|was|goes|eats|came|took)\b"
        r"|\b(?:don't|doesn't|didn't|won't|can't) (?!need|feed|[A-Z]|this|his)\w+(?:ed|[^s]s)\b"
    ),
    "punctuation": re.compile(r"[’\u00a0]|  | [.,?!]|[^.?!]$|^\s"),
    "twice": re.compile(r"\b(\w+) \1\b"),
}


def english_faults(sentence: str) -> list[str]:
    """Mistakes in an English sentence."""
    faults = [f"{name}: {match[0]}" for name, pattern in _ENGLISH.items() if (match := pattern.search(sentence))]
    return faults + list(_third_person(sentence))
