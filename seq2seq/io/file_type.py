"""What a file is, by its content: plain text, or a document, table or web page that is not read line by line."""

import codecs
import re
import zipfile
from pathlib import Path

from seq2seq.errors import InputError
from seq2seq.io.compression import HEAD, DamagedFileError, document_in, open_decompressed
from seq2seq.io.type_names import description_of

# Letters alone may begin a text: the first field of Thrift follows in Parquet, padding in Arrow.
_MAGIC = {
    b"%PDF-": "pdf",
    b"{\\rtf": "office",
    b"\xd0\xcf\x11\xe0": "ole",
    b"PAR1\x15": "parquet",
    b"ARROW1\0\0": "arrow",
    b"\xff\xff\xff\xff": "arrow-stream",
}
# A tag that ends its line or precedes another: text may begin with the name of one.
_TAG_END = r"[^<>]*>[ \t]*(?:[\n<]|\Z)"
# The name of the first element, after declarations and comments.
_ROOT = re.compile(
    rf"(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*+<(?:\w++:)?+(\w++){_TAG_END}", re.DOTALL
)
_ROOTS = {
    "tmx": "tmx",
    "xliff": "xliff",
    "html": "html",
    **dict.fromkeys(("martif", "tbx"), "tbx"),
    **dict.fromkeys(("mteval", "srcset", "refset", "tstset"), "sgm"),
}
# A test set of WMT, with the sources and the translations of each document.
_WMT = re.compile(r"<dataset\b[^<>]*>.*?<doc\b[^<>]*>\s*<src\b", re.DOTALL)
_XML = re.compile(rf"<(?:\?xml\b|!DOCTYPE\b){_TAG_END}|<!DOCTYPE\b[^<>\[]*\[", re.IGNORECASE)
_TEXT_TYPES = {
    "po": re.compile(
        r'(?:(?:#[^\n]*)?\n)*+(?:msgctxt\s+"[^\n]*\n)?(?:"[^\n]*\n)*+'
        r'msgid\s+"[^\n]*\n(?:"[^\n]*\n)*+msg(?:str|id_plural)\b'
    ),
    "srt": re.compile(r"\d+\s*\n\d\d:\d\d:\d\d,\d\d\d --> \d\d:\d\d:\d\d,\d\d\d"),
    # Its markers, in the first lines; `\\_sh` is that of the program's own header.
    "toolbox": re.compile(r"\\_sh\s|(?:\\(?:id|lx|ps|ge|gn|ref|tx|mb|ft|nt|dt)\b[^\n]*\n\s*){3}"),
    # Texts under keys: of .strings, .properties with several words in a key, and YAML that begins with a nested key.
    "messages": re.compile(
        r'(?:/\*.*?\*/\s*|//[^\n]*\n\s*)*+"[^"\n]+"[ \t]*=[ \t]*"[^\n]*";'
        r"|(?:[#!][^\n]*\n\s*)*+(?:(?=[^\W_]{1,60}[._-])[\w.-]++[ \t]*=[^\n]*(?:\n\s*|\Z)){3}"
        r"|(?:(?:---|#)[^\n]*\n\s*)*+[\w-]++:[ \t]*\n[ \t]++[\w.-]++:(?:\s|\Z)",
        re.DOTALL,
    ),
    "vtt": re.compile(r"WEBVTT(?:[ \t]*(?:\n|\Z)|[ \t][^\n]*\n.*?\d[ \t]+-->)", re.DOTALL),
}


def type_of_file(path: str | Path) -> str:
    """The type of a regular file, compressed or not: one that `description_of` knows, or empty for text lines.

    Empty also if the file cannot be opened, which is reported when it is read.
    Raises InputError if it is an archive, or a pointer to a file elsewhere.
    """
    try:
        if zipfile.is_zipfile(path) and (document := document_in(path)):
            return document
        with open_decompressed(path) as stream:
            return type_of_content(stream.peek(HEAD))
    except (OSError, DamagedFileError, ValueError):
        return ""


def type_of_content(head: bytes) -> str:
    """The type of a file that begins with these bytes; empty for text lines."""
    if magic := next((name for magic, name in _MAGIC.items() if head.startswith(magic)), ""):
        return magic
    text = _decoded(head[:HEAD]).removeprefix("\ufeff").lstrip().replace("\r\n", "\n")
    root = _ROOT.match(text)
    if root and (known := _ROOTS.get(root[1].lower())):
        return known
    if root and root[1] == "dataset" and _WMT.search(text):
        return "wmt"
    return "xml" if _XML.match(text) else next((name for name, form in _TEXT_TYPES.items() if form.match(text)), "")


def expect_text(head: bytes, path: str | Path, document: str = "") -> None:
    """Raises InputError if a file that is to be read line by line begins like something else.

    document: a type of file that may be read so all the same.
    """
    if (kind := type_of_content(head)) and kind != document:
        raise InputError(f"{path}: is {description_of(kind)}")


def _decoded(head: bytes) -> str:
    for bom, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(bom):
            return head.decode(encoding, "replace")
    return head.decode("utf-8", "replace")
