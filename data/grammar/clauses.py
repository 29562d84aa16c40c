"""A clause, and how each language says it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from . import english, french
from .lexicon import Fixed, Verb
from .phrases import NounPhrase, Phrase, joined

# The names of the tenses follow the English side:
#   present      eats             présent          future      will eat           futur simple
#   progressive  is eating        présent          going to    is going to eat    aller + infinitif
#   past         ate              passé composé    would       would eat          conditionnel
#   imperfect    was eating, had  imparfait        perfect     has (never) eaten  passé composé
#   used to      used to eat      imparfait        since       has been eating    présent
#   when future  (when he) eats   futur simple     unreal      (if he) had, were   imparfait
_FRENCH_TENSE = {
    "present": "present",
    "progressive": "present",
    "since": "present",
    "past": "compound",
    "perfect": "compound",
    "imperfect": "imperfect",
    "used to": "imperfect",
    "future": "future",
    "would": "conditional",
    "when future": "future",
    "unreal": "imperfect",
}
_NEGATIONS = {"not": "pas", "never": "jamais", "no longer": "plus", "not yet": "pas encore"}
_CLITIC_ORDER = ("me", "te", "se", "nous", "vous", "le", "la", "les", "lui", "leur", "y", "en")

BE = Verb("be", "être", flags=frozenset({"state"}))
HAVE = Verb("have", "avoir", flags=frozenset({"state"}))
# what one is in English and has in French: hungry, twenty years old
BE_AVOIR = Verb("be", "avoir", flags=frozenset({"state"}))
NEED = Verb("need", "avoir", flags=frozenset({"state"}))
RAIN = Verb("rain", "pleuvoir")
# être in the passé composé, beside the reflexive verbs
_WITH_ETRE = {"aller", "venir", "revenir", "arriver", "partir", "rester", "sortir", "rentrer", "tomber"}


@dataclass(frozen=True)
class Clitic:
    """A pronoun that stands before the French verb; `en` stands after the English one."""

    en: str
    fr: str
    kind: str = "direct"
    plural: bool = False
    feminine: bool = False


DIRECT = [
    Clitic("me", "me"),
    Clitic("you", "te"),
    Clitic("him", "le"),
    Clitic("her", "la", feminine=True),
    Clitic("us", "nous", plural=True),
    Clitic("them", "les", plural=True),
]
DATIVE = [
    Clitic(en, fr, "dative")
    for en, fr in (("me", "me"), ("you", "te"), ("him", "lui"), ("her", "lui"), ("us", "nous"), ("them", "leur"))
]
THERE = Clitic("there", "y", "place")
OF_THEM = Clitic("", "en", "quantity")  # English says it in the object: three of them


@dataclass(frozen=True)
class Modal:
    """A verb that governs an infinitive: English "can", "want to", French pouvoir, vouloir."""

    en: str
    fr: str
    past: str = ""
    future: str = ""


@dataclass(frozen=True)
class Clause:
    """What is said; `english` and `french` say how.

    `negation` is one of "not", "never", "no longer", "not yet"; `adverb` stands by the finite verb in both languages.
    `role` is where the clause stands: "main", "relative", "because"... `antecedent` is an object that stands before
    the clause (the book that I read), with which a participle agrees.
    """

    subject: NounPhrase
    verb: Verb
    tense: str = "present"
    modal: Modal | None = None
    negation: str = ""
    adverb: Fixed | None = None
    object: NounPhrase | None = None
    clitics: tuple[Clitic, ...] = ()
    rest: tuple[Phrase, ...] = ()
    role: str = "main"
    antecedent: NounPhrase | None = None
    question: bool = False

    def _features(self) -> frozenset[str]:
        pronouns = [clitic for clitic in self.clitics if clitic.kind != "there"]
        present = {"negation": self.negation, "clitic": pronouns, "question": self.question, "modal": self.modal}
        features = {self.role, self.tense, *(name for name, value in present.items() if value)}
        return frozenset(features | ({self.negation} if self.negation else set()))

    def say(self) -> Phrase:
        """The clause as a phrase; a question begins with its auxiliary, and in French with its subject."""
        parts = joined(*(part for part in (self.subject, self.object, *self.rest) if part))
        heads = self.object.heads if self.object else ()
        pairs = parts.pairs | {(self.verb.en, head) for head in heads}
        return Phrase(self.english(), self.french(), (self._features(), *parts.clauses), pairs)

    def asked(self, question: Phrase) -> Phrase:
        """The clause as a question after "where" and its like; for a yes-or-no question these words are empty."""
        en = self.english(question=True)
        body = replace(self, question=True).say()
        return Phrase(
            f"{question.en} {en}".strip(),
            f"{question.fr} est-ce que {self.french()}".strip(),
            body.clauses + question.clauses,
            body.pairs | question.pairs,
        )

    def nonfinite(self, inflect: Callable[[str], str], *, negated: bool = False) -> Phrase:
        """The verb without its subject: to eat, eating, eaten; the infinitive in French."""
        said = self.say()
        noun = self.object.negated if self.object and negated and self.object.negated else self._french_object()
        clitics = sorted(self._french_clitics(), key=_CLITIC_ORDER.index)
        return Phrase(
            _spaced(inflect(self.verb.en), *self._english_objects(), *(phrase.en for phrase in self.rest)),
            _spaced(*clitics, self.verb.infinitive, noun, *(phrase.fr for phrase in self.rest)),
            said.clauses[1:],
            said.pairs,
        )

    def english(self, *, question: bool = False) -> str:
        """The English clause; a question has its subject after the auxiliary."""
        auxiliary, main = _english_verb(self, question)
        negation = "" if self.negation == "not" else self.negation.removeprefix("not ")
        if self.negation.startswith("not"):
            auxiliary = _contracted(auxiliary)
        late = "yet" if negation == "yet" else ""
        adverb = self.adverb.en if self.adverb else "" if late else negation
        start = [auxiliary, self.subject.en, adverb] if question else [self.subject.en, auxiliary, adverb]
        return _spaced(*start, main, *self._english_objects(), *(phrase.en for phrase in self.rest), late)

    def _english_objects(self) -> list[str]:
        direct, dative, place = (
            [clitic.en for clitic in self.clitics if clitic.kind in kind]
            for kind in (("direct", "person"), ("dative",), ("place",))
        )
        noun = [self.object.en] if self.object else []
        if "to" in self.verb.flags and noun:
            return [*dative, *noun, *place]  # give me a book
        return [*direct, *noun, *(f"to {pronoun}" for pronoun in dative), *place]  # give it to me

    def french(self) -> str:
        """The French clause, before elision."""
        finite, second, infinitive = _french_verb(self)
        clitics = " ".join(sorted(self._french_clitics(), key=_CLITIC_ORDER.index))
        before, inside = ("", clitics) if infinitive else (clitics, "")
        negation, noun = _NEGATIONS.get(self.negation, ""), self._french_object()
        if noun in ("rien", "personne"):
            negation = ""
        if noun == "rien":  # it stands where pas stands: je n'ai rien vu
            negation, noun = noun, ""
        ne = "ne" if self.negation or self.subject.fr == "personne" else ""
        adverb = self.adverb.fr if self.adverb else ""
        words = [self.subject.fr, ne, before, finite, negation, adverb, second, inside, infinitive, noun]
        return _spaced(*words, *(phrase.fr for phrase in self.rest))

    def _french_clitics(self) -> list[str]:
        clitics = [clitic.fr for clitic in self.clitics]
        if "self" in self.verb.flags:
            clitics.append(("me", "te", "se", "nous", "vous", "se")[self.subject.slot])
        return clitics

    def _french_object(self) -> str:
        if self.object is None:
            return ""
        return self.object.negated if self.negation and self.object.negated else self.object.fr


def _spaced(*words: str) -> str:
    return " ".join(word for word in words if word)


def _contracted(auxiliary: str) -> str:
    irregular = {"am": "am not", "will": "won't", "can": "can't"}
    return irregular.get(auxiliary, auxiliary + "n't")


def _be(subject: NounPhrase, tense: str) -> str:
    if tense == "past":
        return "was" if subject.slot in (0, 2) else "were"
    return ("am", "are", "is", "are", "are", "are")[subject.slot]


def _english_verb(clause: Clause, question: bool) -> tuple[str, str]:
    """The auxiliary, or nothing, and the rest of the verb."""
    subject, tense, modal = clause.subject, clause.tense, clause.modal
    lemma = clause.verb.en
    if modal and modal.en in ("can", "must", "would like to"):
        return _modal_verb(modal, tense, lemma)
    if modal:
        lemma = f"{modal.en} {lemma}"
    stative = modal is not None or "state" in clause.verb.flags
    third = subject.slot == 2
    if tense == "progressive" and not stative:
        return _be(subject, "present"), english.ing(lemma)
    if tense == "imperfect" and not stative:
        return _be(subject, "past"), english.ing(lemma)
    if lemma == "be" and tense == "unreal":
        return "were", ""
    if lemma == "be" and tense in ("present", "imperfect"):
        return _be(subject, "past" if tense == "imperfect" else "present"), ""
    if tense in ("future", "would"):
        return ("will" if tense == "future" else "would"), lemma
    if tense == "going to":
        return _be(subject, "present"), f"going to {lemma}"
    if tense in ("perfect", "since"):
        stem = english.participle(lemma) if tense == "perfect" or stative else f"been {english.ing(lemma)}"
        return ("has" if third else "have"), stem
    if tense == "used to":
        return "", f"used to {lemma}"
    simple_past = tense in ("past", "imperfect", "unreal")
    if question or clause.negation.startswith("not"):
        return ("did" if simple_past else "does" if third else "do"), lemma
    if simple_past:
        return "", english.past(lemma)
    return "", english.third_person(lemma) if third else lemma


def _modal_verb(modal: Modal, tense: str, lemma: str) -> tuple[str, str]:
    if tense == "imperfect":
        first, _, rest = modal.past.partition(" ")
    elif tense == "future":
        first, _, rest = modal.future.partition(" ")
    else:
        first, _, rest = modal.en.partition(" ")
    return first, f"{rest} {lemma}".strip()


def _french_verb(clause: Clause) -> tuple[str, str, str]:
    """The finite verb, the participle and the infinitive, each possibly empty."""
    slot, verb = clause.subject.slot, clause.verb.infinitive
    if clause.subject.fr == "il":  # there are: il y a
        slot = 2
    governed = ""
    if clause.tense == "going to":
        return french.present("aller")[slot], "", verb
    if clause.modal:
        verb, governed = clause.modal.fr, verb
    tense = _FRENCH_TENSE[clause.tense]
    if tense == "compound":
        reflexive = "self" in clause.verb.flags
        auxiliary = "être" if reflexive or verb in _WITH_ETRE else "avoir"
        return french.present(auxiliary)[slot], _participle(clause, auxiliary), ""
    forms = {
        "present": french.present,
        "imperfect": french.imperfect,
        "future": french.future,
        "conditional": french.conditional,
    }
    return forms[tense](verb)[slot], "", governed


def _participle(clause: Clause, auxiliary: str) -> str:
    """With être it agrees with the subject, with avoir with a direct object that stands before it."""
    form = french.participle(clause.verb.infinitive)
    direct = next((clitic for clitic in clause.clitics if clitic.kind == "direct"), None)
    controller = clause.subject if auxiliary == "être" else direct or clause.antecedent
    return french.agreeing(form, controller.feminine, controller.plural) if controller else form
