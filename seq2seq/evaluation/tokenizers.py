"""sacreBLEU's tokenizers for BLEU: which of them fits a language, and whether it can be used."""

import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.utils import SACREBLEU_DIR

from seq2seq.data.languages import language_code
from seq2seq.errors import InputError
from seq2seq.evaluation.metrics import DEFAULT_TOKENIZER
from seq2seq.tokenizer.scripts import is_unspaced, is_written_in, main_scripts

# As sacreBLEU recommends.
_OF_LANGUAGE = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}
_NAMES = {"zh": "Chinese", "ja": "Japanese", "ko": "Korean"}
_EXTRAS = {"ja-mecab": "ja", "ko-mecab": "ko"}
_MULTILINGUAL = {"spm", "flores101", "flores200", "spBLEU-1K"}
_SECONDS_TO_CONNECT = 20.0


@dataclass(frozen=True)
class Tokenization:
    """A tokenizer for BLEU."""

    name: str
    note: str = ""
    """Why it was chosen; empty if it was given, or is sacreBLEU's default."""
    warning: str = ""
    """Set if sacreBLEU recommends another one than was given."""


def choose_tokenizer(given: str | None, language: str, references: Iterable[str]) -> Tokenization:
    """The tokenizer that was given, or the one that fits a language, or else the script of some references.

    language: a code or a name; empty if not known. Raises InputError if the one that was given cannot be used.
    """
    characters = Counter(chain.from_iterable(references))
    code, reason = _language(language, characters)
    if given is not None:
        expect_tokenizer(given)
        recommended = _OF_LANGUAGE.get(code, given)
        fits = given in (recommended, *_MULTILINGUAL)
        return Tokenization(
            given, warning="" if fits else f"BLEU with tokenizer {given}: {reason}, sacreBLEU recommends {recommended}"
        )
    if not code:
        if is_unspaced(characters):
            return _chosen("char", "the references have no spaces between words")
        return Tokenization(DEFAULT_TOKENIZER)
    name = _OF_LANGUAGE[code]
    if _is_usable(name):
        return _chosen(name, reason)
    fallback = "char" if code == "ja" else DEFAULT_TOKENIZER
    return _chosen(fallback, f"{reason}, and {name} is not installed ({_install(name)})")


def _chosen(name: str, reason: str) -> Tokenization:
    return Tokenization(name, f"BLEU with tokenizer {name}: {reason}")


def _language(language: str, characters: Counter[str]) -> tuple[str, str]:
    """zh, ja, ko or nothing: the language, or what a text looks like if it is none of these; and how that is known."""
    code = language_code(language) if language else ""
    if code in _OF_LANGUAGE:
        return code, f"the target language is {_NAMES[code]}"
    code = ""
    if is_unspaced(characters):
        scripts = main_scripts(characters)
        code = "ja" if "KANA" in scripts else "zh" if "HAN" in scripts else ""
    elif is_written_in(characters, {"HANGUL"}):
        code = "ko"
    return code, f"the references look {_NAMES[code]}" if code else ""


def expect_tokenizer(name: str) -> None:
    """Raises InputError if sacreBLEU has no such tokenizer, or it cannot be used here."""
    if name not in BLEU.TOKENIZERS:
        raise InputError(f"--tokenize: sacreBLEU has no tokenizer {name!r}; give one of {', '.join(BLEU.TOKENIZERS)}")
    try:
        _load(name)
    except Exception as error:  # whatever a missing library or a failing download raises
        if name in _EXTRAS:
            raise InputError(f"--tokenize {name} needs a library that is not installed: {_install(name)}") from None
        raise InputError(
            f"--tokenize {name}: its model could not be downloaded to {SACREBLEU_DIR}/models or loaded ({error}); "
            "delete it there if an earlier download was cut short"
        ) from None


def _is_usable(name: str) -> bool:
    try:
        _load(name)
    except Exception:
        return False
    return True


def _load(name: str) -> None:
    with _limited_waiting():
        BLEU(tokenize=name)


@contextmanager
def _limited_waiting() -> Iterator[None]:
    """A limit on the wait for a server: sacreBLEU's downloads have none."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_TO_CONNECT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _install(name: str) -> str:
    return f"pip install 'sacrebleu[{_EXTRAS[name]}]'"
