"""Visualisation of models: alignments, maps of embeddings, training curves."""
