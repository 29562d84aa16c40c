"""XML and SGML read element by element, in memory that does not grow with the file."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from seq2seq.io.lines import LONGEST_LINE

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# Of unclosed elements in SGML; a document of a large test set has a few thousand.
_DEEPEST = 10_000


def xml_elements(chunks: Iterable[bytes], tags: Iterable[str], encoding: str = "") -> "Iterator[Element]":
    """The elements of an XML file with one of these names, whatever their namespace.

    Each is complete when it is yielded, still has its ancestors, and is discarded afterwards. Neither entities nor
    other files are read. encoding: instead of the one that the file declares.
    Raises ValueError if the file is damaged or an element too large.
    """
    from lxml import etree

    try:
        parser = etree.XMLPullParser(
            events=("end",),
            tag=[f"{{*}}{tag}" for tag in tags],
            encoding=encoding or None,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
    except LookupError:
        raise ValueError(f"no encoding {encoding!r}") from None
    yield from _elements(parser, chunks)


def sgml_elements(chunks: Iterable[bytes], tag: str) -> "Iterator[Element]":
    """The elements with this name of a UTF-8 SGML file, which need not be valid: end tags and escapes may be missing.

    Otherwise as `xml_elements`.
    """
    from lxml import etree

    parser = etree.HTMLPullParser(
        events=("end",),
        tag=tag,
        encoding="utf-8",
        no_network=True,
        huge_tree=True,  # otherwise what is nested in 256 unclosed elements is lost
        remove_comments=True,
        remove_pis=True,
    )
    for element in _elements(parser, chunks):
        if sum(1 for _ in element.iterancestors()) > _DEEPEST:
            raise ValueError("nested too deeply")
        if next(element.iterancestors(tag), None) is not None:
            raise ValueError(f"a <{tag}> inside another: an end tag is missing")
        yield element


def inline_text(element: "Element") -> str:
    """The text of an element and of all elements in it. Raises ValueError if it uses an entity of the file's own."""
    if not len(element):
        return element.text or ""
    from lxml import etree

    entity = next(element.iter(etree.Entity), None)
    if entity is not None:
        raise ValueError(f"the entity {entity.text} is not read; write its text instead")
    return "".join(element.itertext())  # type: ignore[arg-type]  # without comments all are strings


def _elements(parser: Any, chunks: Iterable[bytes]) -> "Iterator[Element]":
    from lxml.etree import XMLSyntaxError

    size = 0
    try:
        for chunk in chunks:
            parser.feed(chunk)
            size += len(chunk)
            for _, element in parser.read_events():
                yield element
                _discard(element)
                size = 0
            if size > LONGEST_LINE:
                raise ValueError(f"an element, or the distance between two, is over {LONGEST_LINE:,} bytes")
        parser.close()
    except XMLSyntaxError as error:
        first = next(iter(parser.feed_error_log), None)
        reason = f"line {first.line}: {first.message}" if first else str(error.msg)
        raise ValueError(" ".join(reason.split())[:200]) from None
    yield from (element for _, element in parser.read_events())


def _discard(element: "Element") -> None:
    """Free the content of an element and all that precedes it."""
    element.clear(keep_tail=True)  # type: ignore[call-arg]  # not in the stubs
    node: Element | None = element
    while node is not None and (parent := node.getparent()) is not None:
        while (previous := node.getprevious()) is not None:
            parent.remove(previous)
        node = parent
