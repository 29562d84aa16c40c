"""Normalisation of text; SentencePiece: training, loading and validation of its files; protected spans."""
