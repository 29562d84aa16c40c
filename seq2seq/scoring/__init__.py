"""Scoring of sentence pairs, of Moses phrase tables and n-best lists; feature weights."""
