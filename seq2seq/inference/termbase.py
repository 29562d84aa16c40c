"""Terms in TBX, the XML format for glossaries (ISO 30042): version 2 (`martif`) and version 3 (`tbx`)."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.data.languages import language_code
from seq2seq.errors import InputError
from seq2seq.io.compression import DamagedFileError, open_decompressed
from seq2seq.io.xml_stream import inline_text, xml_elements
from seq2seq.tokenizer.normalization import source_form, target_form

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_CHUNK = 2**16
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ENTRIES = ("termEntry", "conceptEntry")
_STATUS = "administrativeStatus"
_REJECTED = ("deprecated", "superseded")


def read_termbase(path: Path, src_lang: str, tgt_lang: str) -> dict[str, str]:
    """The terms of one language, with their translations: of several, the first that is not deprecated or superseded.

    Raises InputError if the file is damaged or has no terms in both languages.
    """
    src, tgt = language_code(src_lang), language_code(tgt_lang)
    if not src or not tgt:
        raise InputError(f"{path}: the model does not know its languages; give the terms as TSV instead of TBX")
    terms: dict[str, str] = {}
    found: set[str] = set()
    for entry in _entries(path):
        found |= entry.keys()
        translation = next((target_form(term) for term, is_rejected in entry.get(tgt, ()) if not is_rejected), "")
        for term, _ in entry.get(src, ()):
            if translation and (form := source_form(term)):
                terms.setdefault(form, translation)
    if not terms:
        raise InputError(
            f"{path}: has no terms in both {src} and {tgt}; its languages: {', '.join(sorted(found - {''})) or 'none'}"
        )
    return terms


def _entries(path: Path) -> Iterator[dict[str, list[tuple[str, bool]]]]:
    """The terms of each concept by language, each with whether it is deprecated or superseded."""
    number = 0
    try:
        with open_decompressed(path) as stream:
            for element in xml_elements(iter(lambda: stream.read(_CHUNK), b""), _ENTRIES):
                number += 1
                entry: dict[str, list[tuple[str, bool]]] = {}
                for language in element.iter("{*}langSet", "{*}langSec"):
                    entry.setdefault(_language(language), []).extend(_terms(language))
                yield entry
    except DamagedFileError as error:
        what, reason = error.args
        raise InputError(f"{path}: {what} after entry {number:,} ({reason})") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read after entry {number:,} ({error})") from None


def _language(section: "Element") -> str:
    """The language of a section: `en` for `en`, `EN-us` and `eng`."""
    return language_code((section.get(_XML_LANG) or section.get("lang") or "").lower())


def _terms(section: "Element") -> Iterator[tuple[str, bool]]:
    for group in section:
        term = next(group.iter("{*}term"), None)
        if term is not None and (text := " ".join(inline_text(term).split())):
            yield text, any(_is_rejection(note) for note in group.iter())


def _is_rejection(note: "Element") -> bool:
    """Whether an element of a term says that it is not to be used."""
    is_status = note.get("type") == _STATUS or str(note.tag).endswith(_STATUS)
    return is_status and (note.text or "").strip().startswith(_REJECTED)
