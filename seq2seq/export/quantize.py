"""Models with int8 matrices: a quarter of the size, and faster in the engine."""

from pathlib import Path

import numpy as np
import safetensors.numpy

from seq2seq.errors import InputError
from seq2seq.export.engine import read_network
from seq2seq.export.linear import round_to_int8
from seq2seq.export.tensors import SCALES
from seq2seq.model_folder import INT8, WEIGHTS, ModelFolder, write_files
from seq2seq.storage import FolderWriter


def export_model(folder: ModelFolder, target: Path, *, int8: bool) -> None:
    """Write the model as a folder of its own, with its matrices in int8 if asked for.

    Raises InputError where the engine does not know the kind of network, whose int8 form nothing could run.
    """
    weights, facts = (folder.path / WEIGHTS).read_bytes(), dict(folder.facts)
    if int8:
        if facts.get("weights") == INT8:
            raise InputError(f"{folder.path}: is in int8 already")
        if read_network(folder) is None:
            raise InputError(f"{folder.path}: the engine does not know this kind of network: it cannot run in int8")
        weights, facts["weights"] = quantize(weights), INT8
    with FolderWriter(target) as copy:
        write_files(copy, folder.config, folder.tokenizers, weights, facts)
        copy.publish()


def quantize(weights: bytes) -> bytes:
    """The content of a weights file with its matrices in int8, a scale for each row; vectors stay in float32."""
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in safetensors.numpy.load(weights).items():
        # A single row is no matrix of a product: the score vector of additive attention.
        if tensor.ndim == 2 and len(tensor) > 1:
            rounded, scales = round_to_int8(tensor)
            tensors[name], tensors[name + SCALES] = rounded.astype(np.int8), scales[:, 0]
        else:
            tensors[name] = tensor
    return bytes(safetensors.numpy.save(tensors))
