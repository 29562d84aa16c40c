"""`seq2seq info`."""

import json
from typing import Annotated

import typer

from seq2seq.cli import options
from seq2seq.io.lines import printable


def info(
    model: options.Model,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show a model's languages, size, data and scores."""
    from seq2seq.runs.model_folder import open_model

    folder = open_model(model)
    config = folder.config
    if as_json:
        values = {"folder": str(folder.path), "facts": folder.metadata, "config": config.model_dump()}
        print(json.dumps(values, indent=2))
        return
    languages = f"{config.data.src_lang or '?'} to {config.data.tgt_lang or '?'}"
    if not (config.data.src_lang and config.data.tgt_lang):
        languages += " (unknown; train with --src-lang and --tgt-lang to record them)"
    rows = {"folder": folder.path, "languages": languages, "preset": config.preset}
    size = {"size": f"{folder.size / 1e6:.1f} MB"}
    metadata = {name.replace("_", " "): value for name, value in folder.metadata.items()}
    metadata = {name: value for name, value in metadata.items() if name.strip().lower() not in rows | size}
    for name, value in (rows | metadata | size).items():
        print(printable(f"{name:<21} {f'{value:,}' if isinstance(value, int) else value}"))
