"""Sentence pairs in every form, from files and data sets to batches."""
