"""Lines to lines: the translator, the compiled engine, int8, shortlists, export."""
