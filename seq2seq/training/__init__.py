"""From a configuration to a run folder with a trained model."""

import os

# Both are read when torch is first used.
# oneDNN keeps a prepared kernel for every shape of matrix it meets, about 0.2 MB each: with fewer of them a step waits
# for new ones, with more memory grows for as long as new shapes turn up.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "2048")
# Memory in large pages: each step makes its tensors anew, and with small pages each of these costs time.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
