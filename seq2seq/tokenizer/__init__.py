"""SentencePiece: training, loading, the check of its files."""
