"""Files are recognised by their content; a document is never read as lines of text."""

import gzip
import time
from pathlib import Path

import pytest

from seq2seq.errors import InputError
from seq2seq.io.compression import HEAD
from seq2seq.io.file_type import type_of_content, type_of_file
from seq2seq.io.lines import read_lines

XML = '<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->\n'
DOCUMENTS = {
    "tmx": f'{XML}<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4"><header/>',
    "xliff": f'{XML}<x:xliff version="1.2" xmlns:x="urn:oasis:names:tc:xliff:document:1.2">',
    "sgm": '<refset setid="t" srclang="any" trglang="fr">\n<doc docid="x">\n',
    "wmt": f'{XML}<dataset id="t">\n<collection id="a"><doc id="d">\n<src lang="en"><p>',
    "tbx": f'{XML}<!DOCTYPE martif SYSTEM "TBXcoreStructV02.dtd">\n<martif type="TBX" xml:lang="en">\n<text>',
    "html": "\n<!DOCTYPE html>\n<html lang=en>",
    "xml": f"{XML}<catalogue>",
    "po": '# French.\n#, fuzzy\nmsgid ""\nmsgstr ""\n"Language: fr\\n"\n',
    "srt": "1\r\n00:00:11,201 --> 00:01:00,005\r\nWhere is it?\r\n",
    "toolbox": "\\ref Story.001\r\n\\tx Habari\r\n\r\n\\ft Hello\r\n",
    "vtt": "WEBVTT\n\n00:11.000 --> 00:13.000\n",
}
MESSAGES = [
    '/* Menu; "a" = "b" */\n\n"menu.open" = "Open";\n',
    "# Menu\nmenu.open = Open\nmenu.close=Close\n\nmenu_quit = Quit\n",
    "---\n# French\nfr:\n  menu:\n    open: Ouvrir\n",
]
LINES = [
    'He wrote "a" = "b";',
    "a.b = c.d is an equation.\nA second line.",
    "cat = chat\ndog = chien\nred house = maison rouge",
    "Bring:\n  bread, milk: no eggs",
    "Note:\nbread: two",
    "<b>Where</b> is the cat?",
    "<doc id=5> is a tag.",
    "# a comment\nmsgid is a word of gettext",
    "1\n00:00:11 is a time",
    "[Music] {0} files",
    "\\tx is a marker\nof Toolbox",
    "WEBVTTX",
    "WEBVTT is a subtitle format.",
    "WEBVTT is a subtitle format\nwith times.",
    "PAR1 is a thrombin receptor.",
    "ARROW1 was tested.",
    "<html> is the root element of a page.",
    "<html is no tag.\nA line.",
    "<!DOCTYPE html> declares HTML.",
    "<tmx> is a memory.",
    "",
]


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_documents_are_recognised_and_not_read_as_lines(kind: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(DOCUMENTS[kind].encode(encoding))
    assert type_of_file(path) == kind
    with pytest.raises(InputError, match=r"file\.txt: is an? "):
        list(read_lines(path))


def test_the_message_of_other_xml_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text('<?xml version="1.0"?>\n<dataset id="t"><row><src>One.</src></row>')
    with pytest.raises(InputError, match=r"a\.xml: is an XML file, but not .* save its sentences one per line"):
        list(read_lines(tmp_path / "a.xml"))


@pytest.mark.parametrize("text", MESSAGES)
def test_messages_under_keys_are_recognised(text: str) -> None:
    for end in ("\n", "\r\n"):
        assert type_of_content(text.replace("\n", end).encode()) == "messages"


@pytest.mark.parametrize("text", LINES)
def test_lines_of_text_are_lines(text: str) -> None:
    assert type_of_content(text.encode()) == ""


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        ("WEBVTT - Cats\n\n00:11.000 --> 00:13.000\n", "vtt"),
        ("WEBVTT\nKind: captions\n\n", "vtt"),
        ("<html><head>", "html"),
        ('<tbx style="dca" type="TBX-Basic" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2">\n', "tbx"),
        ("{\\rtf1\\ansi Where is it?}", "office"),
        ("PAR1\x15\x04", "parquet"),
        ("ARROW1\0\0", "arrow"),
        ("#\u00a0translator\n" * 1000 + DOCUMENTS["po"], "po"),
        (f"{XML}<!-- {'license ' * 6000} -->\n<tmx>\n", "tmx"),
    ],
)
def test_beginnings_of_documents(start: str, kind: str) -> None:
    assert type_of_content(start.encode()) == kind


def test_a_head_in_several_streams_is_read_whole(tmp_path: Path) -> None:
    parts = (b'<?xml version="1.0"?>\n', b'<tmx version="1.4">\n')
    (tmp_path / "a").write_bytes(b"".join(map(gzip.compress, parts)))
    assert type_of_file(tmp_path / "a") == "tmx"


@pytest.mark.parametrize(
    "unit", ["<!---->", "<!DOCTYPE [", "#\n", '"\n', "<?", "<!-- ", "<a", "] ", "\n", "WEBVTT \n1 "]
)
@pytest.mark.parametrize("first", ["", "<", "<!DOCTYPE [", "WEBVTT \n1 "])
def test_recognition_takes_bounded_time(first: str, unit: str) -> None:
    start = time.process_time()
    type_of_content((first + unit * HEAD)[:HEAD].encode())
    assert time.process_time() - start < 1
