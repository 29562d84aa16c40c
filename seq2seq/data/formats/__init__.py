"""Files with one sentence pair per row: one module per format; `opening.open_table` chooses it by the content."""
