"""Text in and out: lines, pairs of lines, subword pieces, encoded corpora and batches. Imports no torch."""
