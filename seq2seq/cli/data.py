"""`seq2seq data report`."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli import options
from seq2seq.io.lines import printable
from seq2seq.runs.run_folder import RUNS

data = typer.Typer(help="Inspect sentence pairs before training on them.", rich_markup_mode=None)


@data.command()
def report(
    context: typer.Context,
    train_src: options.TrainSrc = None,
    train_tgt: options.TrainTgt = None,
    train: options.Train = None,
    dataset: options.Dataset = None,
    subset: options.Subset = None,
    split: options.TrainSplit = None,
    weights: options.Weights = None,
    valid_src: options.ValidSrc = None,
    valid_tgt: options.ValidTgt = None,
    valid: options.Valid = None,
    src_lang: options.SrcLang = None,
    tgt_lang: options.TgtLang = None,
    encoding: options.Encoding = None,
    invalid_lines: options.InvalidRows = None,
    src_column: options.SrcColumn = None,
    tgt_column: options.TgtColumn = None,
    clean: options.Clean = False,
    seed: options.Seed = None,
    preset: options.Preset = None,
    config: options.ConfigFile = None,
    set_: options.Assignments = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Report statistics of sentence pairs.

    Also reports which pairs would be dropped and why, and what looks wrong.

    Takes the data options of `seq2seq train`, which prints the same report before its first step.
    """
    from seq2seq.data.preparation import report_data
    from seq2seq.data.sources import DOWNLOADS, open_sources

    settings = options.config_of(context.params)
    sources = open_sources(settings.data, RUNS / DOWNLOADS)
    with tempfile.TemporaryDirectory() as folder:
        data_report = report_data(settings.data, settings.tokenizer, sources, Path(folder))
    if as_json:
        print(json.dumps(data_report.as_json(), indent=2))
        return
    for line in [*data_report.lines(), *(f"warning: {warning}" for warning in data_report.main_warnings())]:
        print(printable(line))


@data.callback()
def _data() -> None:
    """Keep `report` a sub-command, though it is the only one."""
