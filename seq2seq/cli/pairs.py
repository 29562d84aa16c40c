"""Sentence pairs that a command reads for a model."""

import sys
from typing import TYPE_CHECKING

from seq2seq.config import validate_config
from seq2seq.io.lines import printable
from seq2seq.runs.run_folder import RUNS

if TYPE_CHECKING:
    from seq2seq.data.bitext import Bitext
    from seq2seq.runs.model_folder import ModelFolder


def open_pairs(command: str, folder: "ModelFolder | None", **data: str | None) -> "Bitext":
    """Open the table or dataset that `data`, keys of the configuration's section of that name, describes.

    The languages of the model, if there is one, select the columns; what is inferred is reported on stderr.
    """
    from seq2seq.data.sources import DOWNLOADS, open_sources

    languages = folder.config.data.model_dump(include={"src_lang", "tgt_lang"}) if folder else {}
    given = {name: value for name, value in data.items() if value is not None}
    config = validate_config({"data": {**languages, **given, "invalid_lines": None}}, command)
    opened = open_sources(config.data, RUNS / DOWNLOADS)
    for note in opened.notes:
        print(printable(f"seq2seq: {note}"), file=sys.stderr)
    return opened.train[0].pairs
