"""A small grammar of everyday English and French that writes both sides of a sentence at once.

From the bottom up: `english` and `french` know word forms, `lexicon` reads the tables, `phrases` builds noun phrases,
`clauses` builds clauses, `draw` chooses words that go together, `constructions` makes sentences of it all, and `corpus`
splits them.
"""
