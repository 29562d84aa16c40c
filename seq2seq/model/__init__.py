"""The networks: cells, encoder, decoder, and the EncoderDecoder that joins them."""

INT8_SCALES = ".scales"
"""Suffix, after the name of an int8 matrix, of the scales of its rows: W = values * scales[:, None]."""
