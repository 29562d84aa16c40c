"""The networks: cells, encoder, decoder, and the EncoderDecoder that joins them."""

INT8_SCALES = ".scales"
"""What is added to the name of an int8 matrix for the scales of its rows: W = values * scales[:, None]."""
