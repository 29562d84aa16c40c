"""A small grammar of everyday English and French that writes both sides of a sentence at once.

From the bottom up: `tables` reads the words, `english` and `french` know their forms, `lexicon` makes records of them,
`phrases` and `clauses` build noun phrases and clauses, `draw` and `events` choose words that go together,
`actions`, `descriptions`, `things`, `pronouns`, `orders`, `questions`, `relatives`, `subordinates`, `compounds` and
`nested` make sentences of it all, and `corpus` splits them.
"""
