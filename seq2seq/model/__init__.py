"""The networks: cells, encoder, decoder, and the EncoderDecoder that joins them."""
