"""Export of a model to a new folder: unchanged, in int8, with a shortlist."""

from pathlib import Path

from seq2seq.errors import InputError
from seq2seq.inference.network import is_supported
from seq2seq.inference.quantization import quantize
from seq2seq.inference.shortlist import Shortlist
from seq2seq.io.manifest import FolderWriter
from seq2seq.runs.model_folder import CONFIDENCE, INT8, SHORTLIST, ModelFolder, write_files


def export_model(folder: ModelFolder, target: Path, *, int8: bool = False, shortlist: Shortlist | None = None) -> None:
    """Write the model to a new folder, on request with its matrices in int8 and with a shortlist.

    Raises InputError if the engine does not support the network: only the engine can run these forms.
    """
    if (int8 or shortlist) and not is_supported(folder.config.model):
        raise InputError(f"{folder.path}: int8 and shortlists need the engine, which does not support this network")
    weights, metadata = folder.read_weights(), dict(folder.metadata)
    files = {SHORTLIST: folder.read_shortlist()} if folder.has_shortlist else {}
    if confidence := folder.read_confidence():
        files[CONFIDENCE] = confidence
    if int8:
        if folder.is_int8:
            raise InputError(f"{folder.path}: is already in int8")
        weights, metadata["weights"] = quantize(weights), INT8
    if shortlist:
        files[SHORTLIST], metadata["shortlist"] = shortlist.pack(), str(shortlist)
    with FolderWriter(target) as copy:
        write_files(copy, folder.config, folder.tokenizers, folder.profile, weights, metadata)
        for name, content in files.items():
            copy.write(name, content)
        try:
            copy.publish(replace=False)
        except FileExistsError:
            raise InputError(f"{target}: already exists; give a new folder with -o") from None
