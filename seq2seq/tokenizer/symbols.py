"""Symbols that stand for protected spans of a text, such as URLs, placeholders and tags.

They have the same ids in every vocabulary that has symbols, and text is never encoded into them: they are put between
the pieces of the text around the spans. A translation contains each symbol of its source exactly once.
"""

SPANS = range(4, 12)
"""Spans that may be anywhere in the translation."""
OPENING = range(12, 16)
"""Opening tags; the closing tag of `OPENING[i]` is `CLOSING[i]`. Pairs are nested, in the translation too."""
CLOSING = range(16, 20)
UNPAIRED = range(20, 24)
"""Tags without a counterpart. In a translation they keep their order and stand outside of all pairs."""
SYMBOLS = range(SPANS.start, UNPAIRED.stop)

NAMES = tuple(
    f"<{name}{number}>"
    for name, ids in (("span", SPANS), ("open", OPENING), ("close", CLOSING), ("tag", UNPAIRED))
    for number in range(1, len(ids) + 1)
)
"""The pieces with the ids `SYMBOLS`."""
