"""What each type of file is called that is not read line by line, and what to do instead."""

_NAMES = {
    "pdf": "a PDF; save its text as UTF-8 first",
    **dict.fromkeys(("office", "ole"), "an Office document; save its text as UTF-8 first"),
    "html": "an HTML page, not lines of text; if it was downloaded, it may be an error page instead of the file",
    "xml": "an XML file, but not TMX, XLIFF, SGM or a WMT test set; save its sentences one per line",
    "srt": "a file of subtitles (SRT); remove the numbers and times first",
    "vtt": "a file of subtitles (WebVTT); remove the times first",
    "toolbox": "a Toolbox file of records; write the sentences and their translations, such as its lines "
    "\\tx and \\ft, to two files without the markers",
    "messages": "a file of messages under keys, such as .properties, .strings or YAML; write their texts without the "
    "keys, one per line, in the same order in both languages",
    "tbx": "a glossary (TBX); translate takes it with --glossary",
    "sgm": "an SGML file of segments; line by line, only aligned files and those of evaluate may be SGML",
}
_TABLES = {
    "parquet": "a Parquet file",
    "arrow": "an Arrow file",
    "arrow-stream": "an Arrow file",
    "xlsx": "a spreadsheet",
    "ods": "a spreadsheet",
    "tmx": "a translation memory (TMX)",
    "xliff": "an XLIFF file",
    "wmt": "a WMT test set (XML)",
    "po": "a PO file",
}


def description_of(kind: str) -> str:
    """What a type of file is, and what to do if lines of text were expected: `a PDF; save its text …`."""
    if table := _TABLES.get(kind):
        column = "; a column of it is translated with --table" if kind in ("xlsx", "ods") else ""
        return f"{table}, not lines of text; its sentence pairs are read with --train, --valid or --input{column}"
    return _NAMES[kind]
