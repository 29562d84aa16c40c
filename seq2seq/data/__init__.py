"""Sentence pairs, from files and data sets to batches."""
