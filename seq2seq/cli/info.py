"""`seq2seq info`."""

import json
from pathlib import Path
from typing import Annotated

import typer


def info(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder: then its best step.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Tell what a model is and how good it was.

    Languages, sizes, training data, scores on its validation set.
    """
    from seq2seq.model_folder import find_model, read_description, verify_model

    folder = find_model(model)
    verify_model(folder)
    config, facts = read_description(folder)
    if as_json:
        print(json.dumps({"folder": str(folder), "facts": facts, "config": config.model_dump()}, indent=2))
        return
    languages = f"{config.data.src_lang or '?'} to {config.data.tgt_lang or '?'}"
    rows = {"folder": folder, "languages": languages, "preset": config.preset, **facts}
    rows |= {"size": f"{sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) / 1e6:.1f} MB"}
    for name, value in rows.items():
        print(f"{name.replace('_', ' '):<21} {f'{value:,}' if isinstance(value, int) else value}")
