"""`seq2seq data report`."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.data_options import takes_data
from seq2seq.config import Config
from seq2seq.io.lines import printable

data = typer.Typer(help="Look at sentence pairs before training on them.", rich_markup_mode=None)


@data.command()
@takes_data()
def report(
    config: Config,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Tell what the pairs are like, what would be left out and why, and what looks wrong.

    Takes the data options of `seq2seq train`, which prints the same report before its first step.
    """
    from seq2seq.data.preparation import prepare_data
    from seq2seq.data.sources import DOWNLOADS, open_sources

    sources = open_sources(config.data, Path("checkpoints") / DOWNLOADS)
    with tempfile.TemporaryDirectory() as folder:
        found = prepare_data(config.data, config.tokenizer, sources, Path(folder))
    if as_json:
        print(json.dumps(found.as_json(), indent=2))
        return
    for line in [*found.lines(), *(f"warning: {warning}" for warning in found.warnings())]:
        print(printable(line))


@data.callback()
def _data() -> None:
    """Keep `report` a sub-command, though it is the only one."""
