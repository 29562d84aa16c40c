"""Untrusted files: each must work or be a one-line error, in little memory, and run no code."""
