"""Metrics with their signatures, over all lines and by group."""
