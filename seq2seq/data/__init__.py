"""Sentence pairs, from files and datasets to batches."""
