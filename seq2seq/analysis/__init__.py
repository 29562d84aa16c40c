"""What a model knows, drawn: alignments, maps of embeddings, training curves."""
