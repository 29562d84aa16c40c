"""Sentence pairs to log-probabilities; Moses phrase tables and n-best lists, and their weights."""
