"""Metrics with their signatures, for all lines and by group."""
