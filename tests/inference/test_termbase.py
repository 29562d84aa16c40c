"""Terms of TBX files, in the two languages of a model."""

from pathlib import Path

import pytest

from seq2seq.errors import InputError
from seq2seq.inference.glossary import Glossary
from seq2seq.inference.termbase import read_termbase

MARTIF = """<?xml version="1.0"?>
<!DOCTYPE martif SYSTEM "TBXcoreStructV02.dtd">
<martif type="TBX" xml:lang="en"><text><body>
<termEntry id="1">
 <langSet xml:lang="EN-us"><tig><term>hot dog</term></tig><ntig><termGrp><term>frankfurter</term></termGrp></ntig>
 </langSet>
 <langSet xml:lang="de"><tig><term>Wiener</term></tig></langSet>
 <langSet xml:lang="fra">
  <tig><term>chien chaud</term><termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></tig>
  <tig><term>saucisse <hi>chaude</hi></term><termNote type="partOfSpeech">noun</termNote></tig>
  <tig><term>knacki</term></tig>
 </langSet>
</termEntry>
<termEntry id="2"><langSet xml:lang="en"><tig><term>cat</term></tig></langSet></termEntry>
<termEntry id="3">
 <langSet xml:lang="fr"><tig><term>francfort</term></tig></langSet>
 <langSet xml:lang="en"><tig><term>frankfurter</term></tig></langSet>
</termEntry>
</body></text></martif>
"""
TBX = """<tbx style="dct" type="TBX-Basic" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2"
 xmlns:basic="http://www.tbxinfo.net/ns/basic"><text><body>
<conceptEntry id="1">
 <langSec xml:lang="en"><termSec><term>dog &amp; cat</term></termSec></langSec>
 <langSec xml:lang="fr">
  <termSec><basic:administrativeStatus>supersededTerm-admn-sts</basic:administrativeStatus><term>non</term></termSec>
  <termSec><term>chien et chat</term></termSec>
 </langSec>
</conceptEntry>
</body></text></tbx>
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "terms"


@pytest.mark.parametrize(
    ("content", "languages", "terms"),
    [
        (MARTIF, ("en", "fr"), {"hot dog": "saucisse chaude", "frankfurter": "saucisse chaude"}),
        (MARTIF, ("German", "en_GB"), {"Wiener": "hot dog"}),
        (TBX, ("en", "fr"), {"dog & cat": "chien et chat"}),
        # Editors break long lines.
        (
            MARTIF.replace("hot dog", "hot\n  dog"),
            ("en", "fr"),
            {"hot dog": "saucisse chaude", "frankfurter": "saucisse chaude"},
        ),
        (MARTIF.replace("hot dog", "hot\n  dog"), ("de", "en"), {"Wiener": "hot dog"}),
        (TBX, ("fr", "en"), {"non": "dog & cat", "chien et chat": "dog & cat"}),
    ],
)
def test_terms_are_read_in_the_languages_of_the_model(
    content: str, languages: tuple[str, str], terms: dict[str, str], path: Path
) -> None:
    path.write_text(content)
    assert read_termbase(path, *languages) == terms
    text = " and ".join(terms)
    assert [span.translation for span in Glossary.load(path, *languages).find(text)] == list(terms.values())


@pytest.mark.parametrize(
    ("content", "languages", "message"),
    [
        (MARTIF, ("sw", "fr"), "terms: has no terms in both sw and fr; its languages: de, en, fr"),
        (TBX, ("", "fr"), "terms: the model does not know its languages; give the terms as TSV instead of TBX"),
        (MARTIF[:700], ("en", "de"), r"terms: cannot be read after entry \d \(.+\)"),
        (TBX.replace("&amp;", "&own;"), ("en", "fr"), r"terms: cannot be read after entry \d \(.*own.*\)"),
    ],
)
def test_error_line(content: str, languages: tuple[str, str], message: str, path: Path) -> None:
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        Glossary.load(path, *languages)
