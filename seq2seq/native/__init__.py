"""C++ for the CPU: the engine that translates, and what training computes between its products of matrices.

An optional part of the package. Where no compiler was at hand when it was installed, torch does it all.
"""
