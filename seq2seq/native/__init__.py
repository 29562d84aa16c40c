"""C++ for the CPU: the translation engine, and the training kernels between the matrix products.

Optional: if no compiler was available at installation, torch runs everything.
"""
