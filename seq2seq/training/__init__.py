"""From a configuration to a run folder with a trained model."""

import os

# oneDNN keeps a prepared kernel for every shape of matrix it meets, and a training meets many: cap them before torch
# is imported, or memory grows for as long as new shapes turn up.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")
