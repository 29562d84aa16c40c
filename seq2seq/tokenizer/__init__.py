"""SentencePiece: training, loading and validation of its files."""
